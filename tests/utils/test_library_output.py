"""What libraries in C write is caught; our own words, from any thread, always arrive."""
import ctypes
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from bgmatting.media import read_photo
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from bgmatting.utils.library_output import caught, own_stderr
from tests.prediction.command import folder_flags, run, write_folders

LIBC = ctypes.CDLL(None)


@pytest.fixture(autouse=True)
def apart(monkeypatch):
    """As in a program of ours."""
    own = own_stderr()
    monkeypatch.setattr(sys, "stderr", own)


def native(text):
    LIBC.write(2, text.encode(), len(text))


def damaged_jpeg(path, place=0.5):
    """A JPEG that is decoded, with a remark of libjpeg."""
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    data = bytearray(cv2.imencode(".jpg", image)[1].tobytes())
    at = int(len(data) * place)
    del data[at:at + 40]
    path.write_bytes(data)


def test_theirs_is_caught_and_ours_is_shown(capfd):
    with caught() as lines:
        native("libpng error: this and that\n")
        print("ours", file=sys.stderr, flush=True)
    native("after\n")
    assert lines == ["libpng error: this and that"]
    assert capfd.readouterr().err == "ours\nafter\n"


def test_many_threads_at_once(capfd):
    def work():
        for _ in range(200):
            with caught():
                native("noise\n")
            sys.stderr.write("x")
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stderr.flush()
    native("after\n")
    assert capfd.readouterr().err == "x" * 1600 + "after\n"
    with caught() as lines:  # and what one catches alone is its own again
        native("one\n")
    assert lines == ["one"]


def test_two_at_once_own_nothing_and_neither_waits_for_a_full_pipe(capfd):
    with caught() as first, caught() as second:
        for _ in range(40):
            native("y" * 10000)
    assert first == second == [] and capfd.readouterr().err == ""


def test_a_program_of_somebody_else_keeps_its_terminal(capfd, monkeypatch):
    class Shared:
        def fileno(self):
            return 2
    monkeypatch.setattr(sys, "stderr", Shared())
    with caught() as lines:
        native("shown\n")
    assert lines == [] and capfd.readouterr().err == "shown\n"


def test_an_error_within_ends_the_catching(capfd):
    with pytest.raises(UserError), caught():
        raise UserError("ours")
    native("after\n")
    assert capfd.readouterr().err == "after\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_process_forked_within_has_its_terminal_back(capfd):
    from bgmatting.utils.library_output import renew_in_forks
    renew_in_forks()
    with caught():
        child = os.fork()
        if not child:
            native("child\n")
            os._exit(0)
        os.waitpid(child, 0)
    assert capfd.readouterr().err == "child\n"


def test_a_jpeg_that_is_damaged_inside_says_so(tmp_path, capfd):
    damaged_jpeg(tmp_path / "a.jpg")
    notes = []
    assert read_photo(tmp_path / "a.jpg", notes).shape == (64, 96, 3)
    assert len(notes) == 1 and "its data are damaged (" in notes[0] and str(tmp_path / "a.jpg") in notes[0]
    assert capfd.readouterr().err == ""
    cv2.imwrite(str(tmp_path / "b.jpg"), np.zeros((8, 8, 3), np.uint8))
    assert read_photo(tmp_path / "b.jpg", notes) is not None and len(notes) == 1


def test_a_folder_of_damaged_photos_shows_our_lines_alone(tmp_path, capfd, stand_in_network):
    names = [f"{kind}{place}" for kind in ("jpg", "png", "tif") for place in (3, 6, 9)]
    write_folders(tmp_path, ("good", *names))
    for name in names:
        image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
        data = bytearray(cv2.imencode(f".{name[:3]}", image)[1].tobytes())
        at = len(data) * int(name[3:]) // 10
        data[at:at + 9] = bytes(range(9))
        (tmp_path / "photos" / f"{name}.png").unlink()
        (tmp_path / "photos" / f"{name}.{name[:3]}").write_bytes(data)
        cv2.imwrite(str(tmp_path / "rooms" / f"{name}.bmp"), image)
    with pytest.raises(SystemExit):
        run_main(lambda argv: run(*folder_flags(tmp_path, "--align", "off", "--exposure", "off")), [])
    lines = capfd.readouterr().err.splitlines()
    allowed = ("note: ", "  jpg", "  png", "  tif", "left out")
    assert [line for line in lines if not line.startswith(allowed) and "failed:" not in line] == []
    assert any("its data are damaged" in line for line in lines)


@pytest.fixture
def stand_in_network(monkeypatch):
    from bgmatting.prediction import core
    from tests.prediction.command import StandIn
    monkeypatch.setattr(core, "open_matter", lambda options: StandIn())


def test_worker_processes_are_quiet_too(tmp_path):
    """A program's own terminal, and that of the processes that it starts."""
    for name in "ab":
        damaged_jpeg(tmp_path / f"{name}.jpg")
    (tmp_path / "c.yml").write_text("bgs: {layout: backgrounds, path: ., splits: {all: .}}\n")
    command = [sys.executable, "-m", "bgmatting", "check", "bgs", "--catalog", tmp_path / "c.yml", "--data-root", tmp_path]
    done = subprocess.run([*command, "--workers", "1"], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.stderr == "" and "all" in done.stdout
