"""What a session makes of keys and pictures, without a window and a camera."""
import numpy as np
import pytest

from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.camera.preview import Meter, drawn, lines_of
from bgmatting.prediction.camera.recording import Recording, timed_name
from bgmatting.prediction.camera.session import CAPTURING, COUNTDOWN, MATTING, SHOTS, WAITING, Session
from bgmatting.prediction.video.empty_scene import median_of
from tests.media.video.clips import decoded
from tests.prediction.camera.scenes import HEIGHT, WIDTH, StandIn, picture, scene

BACKDROPS = ("white", "#00b140", "blur")


def session(background=None, matter=None, **more):
    return Session(matter or StandIn(), [(word, open_backdrop(word)) for word in BACKDROPS], background, **more)


def test_background_is_the_median_of_what_follows_the_countdown():
    one = session(countdown=3.0)
    view = one.frame(picture(0), 10.0)
    assert view.state == WAITING and view.com is None and "press b" in view.text
    np.testing.assert_array_equal(view.picture, picture(0))
    one.key("r")
    assert one.recording is None  # nothing leaves before there is a background
    one.key("b")
    states = [one.frame(picture(index), 11.0 + index / 2).state for index in range(6)]
    assert states == [COUNTDOWN] * 6  # 11.0, where the first picture behind the key is, to 13.5
    rng = np.random.default_rng(1)
    views = [one.frame(scene(40) + rng.integers(-3, 4, (HEIGHT, WIDTH, 3)).astype(np.uint8), 14.0 + index / 30)
             for index in range(SHOTS)]
    assert [view.state for view in views] == [CAPTURING] * SHOTS and all(view.com is None for view in views)
    assert np.abs(one.background.astype(int) - 40).mean() < 0.7  # of noise of 3 gray levels, 1.7 in the mean
    view = one.frame(picture(3), 15.0)
    assert view.state == MATTING and (view.com[16:32, 6:22] == (220, 180, 160)).all() and (view.com[:16] == 255).all()


def test_another_background_later_and_its_smoothing():
    class Smooth:
        calls = 0

        def reset(self):
            self.calls = 0

        def __call__(self, src, pha):
            self.calls += 1
            return pha * 0

    smooth = Smooth()
    one = session(scene(), countdown=0, smooth=smooth)
    view = one.frame(picture(0), 0.0)
    assert view.state == MATTING and (view.com == 255).all() and smooth.calls == 1
    one.key("b")
    for index in range(SHOTS):
        one.frame(scene(90), 1.0 + index)
    assert smooth.calls == 0 and (one.background == 90).all() and one.state == MATTING


def test_backdrops_in_turn():
    one, seen = session(scene()), []
    for index in range(4):
        seen.append((one.backdrop, one.frame(picture(5), float(index)).com[0, 0].tolist()))
        one.key("T")
    assert seen == [("white", [255] * 3), ("#00b140", [0, 177, 64]), ("blur", [40] * 3), ("white", [255] * 3)]


def test_patch_count_by_keys():
    one = session(scene(), StandIn(sample_pixels=2048))
    found = []
    for key in ("", "+", "-", "-", "-", "-", "+", "+", "="):
        one.key(key)
        found.append(one.frame(picture(0), 0.0).refined)
    assert found == [2048, 3072, 1536, 0, 0, 0, 992, 2000, 3072]  # at most all 3072; 16 at once; 1000 behind 0
    assert "3072" in one.frame(picture(0), 0.0).text


def test_recording_by_key_keeps_times(tmp_path):
    one = session(scene(), record=lambda: Recording(timed_name(tmp_path), 25.0))
    one.frame(picture(0), 100.0)
    one.key("r")
    for index in range(6):
        one.frame(picture(index), 101.0 + index * index / 100)
    assert one.recording.frames == 6 and not one.recorded
    one.key("r")
    assert one.recording is None and len(one.recorded) == 1 and one.recorded[0].name.startswith("camera_2")
    one.frame(picture(0), 103.0)
    found = decoded(one.recorded[0])
    assert [time for _, time in found] == pytest.approx([0, 0.01, 0.04, 0.09, 0.16, 0.25], abs=1e-3)
    assert np.abs(found[4][0][18:30, 10:22].astype(int) - (220, 180, 160)).mean() < 6
    one.key("r")
    one.frame(picture(0), 104.0)
    one.close()
    assert len(one.recorded) == 2 and len(set(one.recorded)) == 2 and len(decoded(one.recorded[1])) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_another_size_ends_recording_and_background(tmp_path):
    one = session(scene(), record=lambda: Recording(tmp_path / "a.mp4", 25.0))
    one.key("r")
    one.key("r")
    assert not one.recorded and not list(tmp_path.iterdir())  # without a picture there is no file
    one.key("r")
    one.frame(picture(0), 0.0)
    view = one.frame(picture(0)[:32], 0.1)
    assert view.state == WAITING and view.com is None and "press b" in view.text
    assert one.recording is None and len(decoded(tmp_path / "a.mp4")) == 1
    for key, ends in (("x", False), ("q", True)):
        one.key(key)
        assert one.done == ends


def test_overlay_tells_speed_and_state():
    times = iter([1.0, 1.1, 1.2])
    meter = Meter(lambda: next(times))
    for taken in (0.95, 1.05, 1.15):
        meter.shown(taken)
    assert meter.fps == pytest.approx(10) and meter.latency == pytest.approx(50)
    one = session(scene())
    one.notes.append("bgr does not look like the scene.")
    lines = lines_of(one.frame(picture(0), 0.0), one, meter, 3)
    assert lines[0] == "50 ms  10.0 fps  3 dropped  512 pixels refined" and lines[1] == "matting  before white"
    assert lines[-2].startswith("bgr does not")
    image = np.zeros((240, 320, 3), np.uint8)
    shown = drawn(image, ["ünï"] + lines)
    assert not image.any() and shown[:80].any() and not shown[200:].any()


def test_of_many_images_of_the_empty_scene_some_are_kept():
    one, rng = session(), np.random.default_rng(2)
    shots = rng.integers(0, 256, (200, HEIGHT, WIDTH, 3), dtype=np.uint8)
    one.capture(200)
    for index, shot in enumerate(shots):
        assert one.frame(shot, index / 30).state == CAPTURING and len(one._shots) <= 50
    np.testing.assert_array_equal(one.background, median_of(shots[2::4]))
