"""The log's lines, and training that goes on without a working VisualDL."""
import errno
import os
import re
import sys
import types

import numpy as np
import pytest

from bgmatting.training import log as runlog
from bgmatting.training.log import Meter, RunLog, picture_interval, picture_row


class Records:
    """A stand-in for VisualDL's writer."""

    def __init__(self, logdir, fails=False):
        self.logdir, self.fails, self.kept, self.closed = logdir, fails, [], False

    def add_scalar(self, **values):
        if self.fails:
            raise RuntimeError("record file gone")
        self.kept.append(values)

    def add_image(self, **values):
        self.kept.append(values)

    def close(self):
        self.closed = True


@pytest.fixture
def visualdl(monkeypatch):
    """use(fails) -> list that will hold the writers made."""
    def use(fails=False):
        made = []
        module = types.ModuleType("visualdl")
        module.LogWriter = lambda logdir: made.append(Records(logdir, fails)) or made[-1]
        monkeypatch.setitem(sys.modules, "visualdl", module)
        return made

    return use


def test_lines_go_to_the_screen_and_to_the_file(tmp_path, visualdl, capsys):
    visualdl()
    for text in ("first", "second"):  # a continued run appends
        with RunLog(tmp_path / "run") as log:
            log.info(text)
    log_lines = (tmp_path / "run" / "train.log").read_text().splitlines()
    assert capsys.readouterr().out.splitlines() == log_lines and len(log_lines) == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[INFO\] second", log_lines[1])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here is always full")
def test_a_full_disk_names_the_log(tmp_path, visualdl):
    visualdl()
    (tmp_path / "train.log").symlink_to("/dev/full")
    with pytest.raises(OSError) as raised, RunLog(tmp_path) as log:
        log.info("lost")
    assert raised.value.errno == errno.ENOSPC and raised.value.filename == str(tmp_path / "train.log")


def test_all_but_the_first_process_say_warnings_and_write_nothing(tmp_path, visualdl, capsys):
    made = visualdl()
    with RunLog(tmp_path, first=False) as log:
        log.info("one of many")
        log.warn("a bad file")
        log.scalars({"a": 1}, 1)
    said = capsys.readouterr().out
    assert "a bad file" in said and "one of many" not in said and made == [] and not list(tmp_path.iterdir())


def test_a_log_on_a_full_disk_is_an_error(tmp_path, visualdl, monkeypatch):
    visualdl()
    monkeypatch.setattr(runlog, "LOG", "/dev/full")
    with pytest.raises(OSError, match="No space left"):
        RunLog(tmp_path).info("x" * 100_000)


def test_records(tmp_path, visualdl):
    made = visualdl()
    image = np.zeros((2, 2, 3), np.uint8)
    with RunLog(tmp_path) as log:
        log.scalars({"train/loss": np.float32(0.5)}, 7)
        log.pictures({"train/pha": image}, 7)
    assert made[0].logdir == str(tmp_path / "visualdl") and made[0].closed
    assert made[0].kept == [{"tag": "train/loss", "value": 0.5, "step": 7},
                            {"tag": "train/pha", "img": image, "step": 7}]


def test_without_visualdl_one_warning(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "visualdl", None)
    with RunLog(tmp_path) as log:
        log.scalars({"a": 1}, 1)
        log.pictures({"b": None}, 1)
        log.info("on we go")
    said = capsys.readouterr().out
    assert said.count("[WARNING]") == 1 and "VisualDL cannot be used" in said and "on we go" in said


def test_a_failing_visualdl_warns_once(tmp_path, visualdl, capsys):
    visualdl(fails=True)
    with RunLog(tmp_path) as log:
        log.scalars({"a": 1, "b": 2}, 1)
        log.scalars({"a": 1}, 2)
    said = capsys.readouterr().out
    assert said.count("[WARNING]") == 1 and "record file gone" in said


def test_the_meter_counts_iterations_and_not_what_lies_between_them(monkeypatch):
    clock = iter([0, 1, 4,      # waits 1 s, takes 4 s; then 96 s of validation
                  100, 103, 106])  # waits 3 s, takes 6 s
    monkeypatch.setattr(runlog.time, "perf_counter", lambda: next(clock))
    meter = Meter()
    for loss in (1.0, 2.0):
        meter.wait()
        meter.read()
        meter.add(4)
        meter.note(loss, {"a": loss / 2})
    assert meter.take() == (1.5, {"a": 0.75}, (2.0, 5.0), 0.8)
    assert meter.losses == [] and meter.seconds == 0


@pytest.mark.parametrize("iterations, expected", [(4, 500), (10_000, 500), (54_300, 1629), (60_000, 1800)])
def test_a_run_keeps_at_most_200_pictures(iterations, expected):
    interval = picture_interval({"log_images_interval": 500}, iterations)
    assert interval == expected and 6 * (iterations // interval) <= 200


def test_pictures_are_at_most_512_pixels_a_side(tmp_path):
    kept = {}
    with RunLog(tmp_path) as log:
        log._record = lambda what, **values: kept.update(values)
        log.pictures({"a": picture_row(np.random.default_rng(0).random((4, 3, 600, 700)))}, 1)
        assert kept["img"].shape == (219, 512, 3)  # the first two of 700 x 600
        log.pictures({"a": picture_row(np.zeros((4, 1, 64, 96)))}, 1)
        assert kept["img"].shape == (64, 384, 3)
        del log._record
