"""predict.py --src camera:... as a command, by files and stand-ins for cameras."""
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import types

import cv2
import numpy as np
import pytest

from bgmatting.commands import predict
from bgmatting.media import write_image
from bgmatting.prediction import core
from bgmatting.prediction.camera import device as camera_device
from bgmatting.prediction.camera import preview as window
from bgmatting.prediction.camera import run as camera_run
from bgmatting.utils.errors import UserError
from tests.media.video.clips import decoded, make_clip
from tests.prediction.camera.scenes import RATE, Capture, StandIn, picture, scene


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(core, "open_matter", lambda options: StandIn())
    monkeypatch.setattr(camera_run, "fitter", lambda align, exposure, video: None)


@pytest.fixture
def folder(tmp_path):
    """clip.mp4: 4 images of the scene, then 8 with the subject; bgr.png: the scene."""
    make_clip(tmp_path / "clip.mp4", images=[scene()] * 4 + [picture(index) for index in range(8)])
    write_image(tmp_path / "bgr.png", scene())
    return tmp_path


def run(*args):
    return predict.main([str(arg) for arg in args])


def headless(folder, *more, src=None):
    return run("--src", f"camera:{folder / 'clip.mp4'}" if src is None else src, "--no-window", *more)


def refused(words, *args):
    with pytest.raises(UserError) as caught:
        run(*args)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def camera(monkeypatch, *args, **options):
    found = Capture(*args, **options)
    monkeypatch.setattr(camera_device.cv2, "VideoCapture", lambda *_: found)
    return found


def test_a_file_in_place_of_a_camera_gives_every_frame(folder, capsys):
    assert headless(folder, "--bgr", folder / "bgr.png", "--output", folder / "out.mp4", "--target-bgr", "#4080c0") == 0
    found = decoded(folder / "out.mp4")
    assert [time for _, time in found] == pytest.approx([index / RATE for index in range(12)], abs=1e-3)
    assert np.abs(found[1][0].astype(int) - (64, 128, 192)).max() <= 6  # nobody there
    last = found[11][0].astype(int)
    assert np.abs(last[18:30, 17:27] - (220, 180, 160)).mean() < 6 and np.abs(last[:12] - (64, 128, 192)).mean() < 6
    assert "12 frames" in capsys.readouterr().out
    assert sorted(os.listdir(folder)) == ["bgr.png", "clip.mp4", "out.mp4"]


def test_its_first_frames_as_background(folder, capsys):
    for more, output in ((("--bgr", "first:4"), "out.webm"), (("--bgr", "first:1", "--countdown", 3 / RATE), "out.mp4")):
        assert headless(folder, *more, "--output", folder / output) == 0
        found = decoded(folder / output)
        assert len(found) == 8 and np.abs(found[0][0][18:30, 2:14].astype(int) - (220, 180, 160)).mean() < 12
        assert found[0][0][:12].mean() > 250
    assert headless(folder, "--bgr", "first:4", "--output", folder / "out", "--video-format", "mov") == 0
    assert [(name[:8], name[-4:]) for name in os.listdir(folder / "out")] == [("camera_2", ".mov")]
    capsys.readouterr()
    with pytest.raises(UserError, match="first:40"):
        headless(folder, "--bgr", "first:40", "--output", folder / "short.mp4")
    assert capsys.readouterr().err == "" and not (folder / "short.mp4").exists()


def test_sources_that_cannot_be_opened(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "empty.mp4").touch()
    (folder / "noise.mp4").write_bytes(np.random.default_rng(1).bytes(4000))
    flags = ("--bgr", "first:2", "--output", "out.mp4")
    refused("--no-window writes one file", "--src", "camera:clip.mp4", *flags)
    for source in ("", "none.mp4", ".", "bgr.png", "empty.mp4", "noise.mp4", "987", "http://127.0.0.1:9/x"):
        refused(f"camera:{source}", "--src", f"camera:{source}", "--no-window", *flags)
    found = camera(monkeypatch)
    refused("gives no image", "--src", "camera:0", "--no-window", *flags)
    assert found.released and not (folder / "out.mp4").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asked elsewhere by a window that opens")
def test_no_screen_and_no_windows(monkeypatch, folder):
    def missing(*_):
        raise cv2.error("The function is not implemented. Rebuild the library with Windows, GTK+ 2.x or Cocoa support.")
    flags = ("--src", f"camera:{folder / 'clip.mp4'}", "--bgr", folder / "bgr.png")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    refused("--no-window", *flags)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr(window.cv2, "namedWindow", missing)
    for ended, stderr, words in ((-6, b"could not connect", "screen"), (1, b"not implemented", "without windows")):
        tried = subprocess.CompletedProcess([], ended, b"", stderr)
        monkeypatch.setattr(window.subprocess, "run", lambda *_, ended=tried, **__: ended)
        refused(words, *flags)


@pytest.mark.parametrize("more", [
    "", "--bgr median", "--bgr first:x", "--bgr none.png", "--bgr first:2 --type pha", "--bgr first:2 --sheet a.png",
    "--bgr first:2 --countdown -1", "--bgr first:2 --countdown nan", "--bgr first:2 --video-format png",
    "--bgr first:2 --output cam.avi", "--bgr first:2 --output cam.png", "--bgr first:2 --output clip.mov",
    "--bgr first:2 --output clip.mp4", "--bgr first:2 --target-bgr none.jpg",
    "--bgr first:2 --overwrite --output clip.mp4", "--bgr first:2 --overwrite --target-bgr beach.mp4 --output beach.mp4"])
def test_what_does_not_go_together(folder, monkeypatch, more):
    monkeypatch.chdir(folder)
    (folder / "clip.mov").touch()
    shutil.copy("clip.mp4", "beach.mp4")
    before = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    with pytest.raises(UserError) as caught:
        run("--src", "camera:clip.mp4", "--no-window", *more.split())
    assert any(word in str(caught.value) for word in more.split()[-2:] or ["--bgr"])
    assert {name: (folder / name).read_bytes() for name in os.listdir(folder)} == before


def test_a_camera_that_stops_leaves_a_whole_recording(folder, monkeypatch, capsys):
    camera(monkeypatch, [picture(index) for index in range(20)], pause=0.03)
    refused("stopped delivering", "--src", "camera:0", "--no-window", "--bgr", folder / "bgr.png",
            "--output", folder / "out.mp4")
    count = len(decoded(folder / "out.mp4"))
    assert 1 <= count <= 20 and f"{count} frames" in capsys.readouterr().out
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


class Pictures:
    """In place of an opened camera: these images, all of them, then None."""

    live, dropped, rate = True, 0, 25.0

    def __init__(self, images):
        self._images, self.size = list(images), images[0].shape[:2]

    def next(self):
        return camera_device.Shot(self._images.pop(0), 0.04 * len(self._images)) if self._images else None

    def close(self):
        pass


def test_another_size_in_the_middle(folder, monkeypatch):
    monkeypatch.setattr(camera_run, "open_source", lambda text, live: Pictures([picture(0)] * 3 + [picture(0)[:32]] * 3))
    refused("changed the size", "--src", "camera:0", "--no-window", "--bgr", folder / "bgr.png",
            "--output", folder / "out.mp4")
    assert len(decoded(folder / "out.mp4")) == 3


def test_stale_pictures_are_dropped(monkeypatch):
    camera(monkeypatch, [picture(index) for index in range(20)], pause=0.01)
    newest = camera_device.open_source("camera:0", live=True)
    while newest._thread.is_alive():
        time.sleep(0.01)
    shot = newest.next()
    np.testing.assert_array_equal(shot.image, picture(19))
    assert newest.dropped == 19 and newest.taken == 1
    with pytest.raises(UserError, match="stopped delivering images after 1"):
        newest.next()
    newest.close()


def test_a_camera_that_hangs(monkeypatch):
    monkeypatch.setattr(camera_device, "PATIENCE", 0.05)
    monkeypatch.setattr(camera_device, "JOIN", 0.05)
    found, free = camera(monkeypatch, [picture(0)]), threading.Event()
    seen = []

    def read():
        if not seen:
            seen.append(picture(0))
            return True, seen[0]
        free.wait(30)
        return False, None
    found.read = read
    newest = camera_device.open_source("camera:0", live=True)
    assert newest.next() is not None and newest.next(0.01) is None
    time.sleep(0.06)
    with pytest.raises(UserError, match="stopped delivering"):
        newest.next(0.01)
    newest.close()
    assert not found.released  # a reading under way does not survive that
    free.set()


def test_ctrl_c_ends_with_a_whole_recording(folder, monkeypatch, capsys):
    camera(monkeypatch, [picture(index) for index in range(20)] * 50, pause=0.01)
    matter = StandIn()
    plain = matter.predict

    def predict_some(*args, **kwargs):
        if len(matter.backgrounds) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(*args, **kwargs)
    matter.predict = predict_some
    monkeypatch.setattr(core, "open_matter", lambda options: matter)
    assert headless(folder, "--bgr", folder / "bgr.png", "--output", folder / "out.mp4", src="camera:0") == 130
    assert len(decoded(folder / "out.mp4")) == 6


class Keys:
    """In place of the window: presses keys, one an image."""

    def __init__(self, keys):
        self.keys, self.shown, self.closed = list(keys), [], False

    def show(self, picture=None):
        if picture is None:
            return ""
        self.shown.append(picture)
        return self.keys.pop(0) if self.keys else "q"

    def close(self):
        self.closed = True


def test_keys_in_the_window(folder, monkeypatch, capsys):
    images = [scene()] * 20 + [picture(index) for index in range(20)]
    monkeypatch.setattr(camera_run, "open_source", lambda text, live: Pictures(images))
    keys = Keys(["", "b"] + [""] * 16 + ["r", "", "", "", "t", "", "r"] + [""] * 3)
    monkeypatch.setattr(camera_run, "Window", lambda: keys)
    assert run("--src", "camera:0", "--countdown", "0", "--output", folder / "out") == 0
    assert keys.closed and len(keys.shown) == 29
    names = os.listdir(folder / "out")
    assert len(names) == 1 and len(decoded(folder / "out" / names[0])) == 6
    assert names[0] in capsys.readouterr().out


def test_virtual_camera(folder, monkeypatch):
    sent = []

    class Camera:
        def __init__(self, width, height, fps):
            self.width, self.height, self.fps = width, height, fps

        def send(self, image):
            sent.append((self.width, self.height, self.fps, image.copy()))

        def close(self):
            sent.append("closed")

    monkeypatch.setitem(sys.modules, "pyvirtualcam", types.SimpleNamespace(Camera=Camera))
    assert headless(folder, "--bgr", "first:4", "--virtual-camera", "--output", folder / "out") == 0
    assert len(sent) == 9 and sent[-1] == "closed" and sent[0][:3] == (64, 48, RATE)
    assert not (folder / "out").exists() or not os.listdir(folder / "out")
    assert (sent[0][3][:12] == 255).all() and np.abs(sent[0][3][18:30, 2:14].astype(int) - (220, 180, 160)).mean() < 6

    def broken(**_):
        raise RuntimeError("'obs' backend: driver missing.")
    monkeypatch.setattr(sys.modules["pyvirtualcam"], "Camera", broken)
    flags = ("--src", f"camera:{folder / 'clip.mp4'}", "--no-window", "--bgr", "first:4", "--virtual-camera", "--output",
             folder / "out")
    refused("no virtual camera: 'obs' backend", *flags)
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    refused("pip install pyvirtualcam", *flags)


@pytest.mark.parametrize("words", ("ffconcat version 1.0\nfile clip.mp4\n",
                                   "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\nclip.mp4\n#EXT-X-ENDLIST\n"))
def test_a_playlist_stands_in_for_no_camera(folder, monkeypatch, words):
    monkeypatch.chdir(folder)
    monkeypatch.delenv(camera_device.OPTIONS, raising=False)
    for name in ("list.mp4", "list.m3u8"):
        (folder / name).write_text(words)
        with pytest.raises(UserError, match="a playlist of others"):
            camera_device.open_source(f"camera:{name}", False)
        assert camera_device.OPTIONS not in os.environ
