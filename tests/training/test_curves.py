"""Curves from train.log: phases, resumed runs, runs that were started over; and the picture of them."""
import builtins

import cv2
import pytest

from bgmatting.training.curves import draw, main, read_curves
from bgmatting.training.log import RunLog, train_line
from bgmatting.utils.errors import UserError

BASE, JOINT = {"pha_l1": 0.2, "err_mse": 0.1}, {"pha_l1": 0.2, "pha_sm_l1": 0.3}


def train(log, step, loss, phase="base", terms=BASE):
    log.info(train_line(phase, 1, 2, step, 40, loss, terms, 1e-4 * step, (0.1, 0.2), 3.0))


def valid(log, step, sad, phase="base"):
    log.info(f"[EVAL] {phase} iter: {step}, SAD: {sad:.4f}, MSE x1000: {2 * sad:.4f}")


@pytest.fixture
def run(tmp_path):
    """A run of two phases that was interrupted at iteration 20 and went on from 10."""
    with RunLog(tmp_path / "stage1") as log:
        valid(log, 0, 9.0)
        for step in (5, 10, 15, 20):
            train(log, step, 1.0)
        valid(log, 20, 8.0)
        log.info("[RESUME] from iteration 10 of 40 in log/stage1.")
        for step in (15, 20):
            train(log, step, 0.5)
        valid(log, 20, 7.0)
        valid(log, 20, 6.0, "joint")
        train(log, 25, 0.4, "joint", JOINT)
    return tmp_path / "stage1"


def test_what_was_done_last_counts(run):
    curves = read_curves(run)
    assert curves["loss"] == [(5, 1.0, "base"), (10, 1.0, "base"), (15, 0.5, "base"), (20, 0.5, "base"),
                              (25, 0.4, "joint")]
    assert curves["validation SAD"] == [(0, 9.0, "base"), (20, 7.0, "base"), (20, 6.0, "joint")]
    assert [value for _, value, _ in curves["validation MSE x1000"]] == [18.0, 14.0, 12.0]
    assert [step for step, _, _ in curves["err_mse"]] == [5, 10, 15, 20] and curves["pha_sm_l1"] == [(25, 0.3, "joint")]
    assert curves["learning rate"][0] == (5, 5e-4, "base")
    assert read_curves(run / "train.log") == curves


def test_a_run_started_over_begins_anew(run):
    with RunLog(run) as log:
        valid(log, 0, 5.0)
        train(log, 5, 0.3)
    curves = read_curves(run)
    assert curves["loss"] == [(5, 0.3, "base")] and curves["validation SAD"] == [(0, 5.0, "base")]
    assert "pha_sm_l1" not in curves


def test_a_panel_for_each_number_and_a_colour_for_each_run(run):
    curves = read_curves(run)
    figure = draw({"one": curves, "two": {"loss": [(1, 2.0, "base")]}})
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:4] == ["loss", "validation SAD", "validation MSE x1000", "learning rate"]
    assert sorted(titles) == sorted(curves)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["one", "two"]
    assert len(figure.axes[0].lines) == 4  # two phases and their border, and the other run


def test_command_line(run, tmp_path, capsys):
    main([str(run)])
    assert cv2.imread(str(run / "curves.png")).shape[1] > 1000
    main([str(run), str(run / "train.log"), "--output", str(tmp_path / "both.png")])
    assert (tmp_path / "both.png").is_file() and "both.png" in capsys.readouterr().out


def test_what_cannot_be_drawn(tmp_path, run, monkeypatch):
    (tmp_path / "train.log").write_text("2026-01-01 [INFO] hello\n")
    for arguments, message in (([str(tmp_path / "none")], "cannot read"), ([str(tmp_path)], "no training progress"),
                               ([str(run), "--output", "a.jpg"], "must end in .png")):
        with pytest.raises(UserError, match=message):
            main(arguments)
    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", lambda name, *rest, **more: real(
        "no_such_module" if name.startswith("matplotlib") else name, *rest, **more))
    with pytest.raises(UserError, match="pip install matplotlib"):
        draw({"one": read_curves(run)})
