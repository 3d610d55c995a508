import cv2
import numpy as np
import pytest

from bgmatting.media.alignment.camera_motion import fitter
from bgmatting.model import Matter
from bgmatting.utils.errors import UserError
from tests.prediction import pairs

MOVED = pairs.turned(pairs.SIZE, (5, 4), -1.2)


def sad(matter, src, bgr, pha):
    return np.abs(matter.predict(src, bgr, ("pha",)).pha - pha / 255).sum() / 1000


def test_aligns_and_exposes():
    src, bgr, pha = pairs.pair("motorcycle_left.png", 1, MOVED, gain=0.8)
    fit = fitter()
    fitted, notes = fit(src, bgr)
    still = pairs.pair("motorcycle_left.png", 1)[1]
    assert notes == [] and fit.moved and np.allclose(fit.gains, 1.25, rtol=0.04)
    with Matter(backend="paddle", threads=1, unmix=False, backbone_scale=0.5) as matter:
        loose, found, best = (sad(matter, src, each, pha) for each in (bgr, fitted, still))
        expected = matter.predict(src, fitted)
    assert found < 1.3 * best and found < 0.8 * loose
    with Matter(backend="paddle", threads=1, unmix=False, backbone_scale=0.5, align="auto", exposure="auto") as matter:
        assert all(np.array_equal(one, other) for one, other in zip(matter.predict(src, bgr), expected))
        with pytest.warns(RuntimeWarning, match="does not look like the scene"):
            matter.predict(src, np.random.default_rng(0).integers(0, 256, src.shape, dtype=np.uint8))


def test_a_good_pair_is_left_exactly_as_it_is():
    for name in ("coffee.png", "chelsea.png", "motorcycle_left.png"):
        src, bgr, _ = pairs.pair(name, 2)
        fit = fitter()
        fitted, notes = fit(src, bgr)
        assert fitted is bgr and notes == [] and not fit.moved


def test_homography_aligns_a_good_pair_as_well_and_says_where_none_is_found():
    src, bgr, _ = pairs.pair("motorcycle_left.png", 2)
    fit = fitter("homography", "off")
    fitted, notes = fit(src, bgr)
    assert fit.moved and fitted is not bgr and notes == []
    assert np.abs(fitted.astype(int) - bgr).mean() < 6  # by next to nothing
    plain = np.full((120, 160, 3), 90, np.uint8)
    fitted, (note,) = fitter("homography", "off")(plain, plain)
    assert fitted is plain and note.startswith("bgr was not aligned: ")


def test_off_is_off():
    src, bgr, _ = pairs.pair("coffee.png", 3, MOVED, gain=0.8)
    assert fitter("off", "off")(src, bgr) == (bgr, [])
    fit = fitter(exposure="off")
    assert fit(src, bgr)[0] is not bgr and fit.moved and fit.gains == (1.0, 1.0, 1.0)
    fit = fitter(align="off")
    fitted, (note,) = fit(src, bgr)
    assert fitted is not bgr and not fit.moved
    assert note.startswith("the camera moved between the two shots, by up to ") and "--align auto" in note
    still = pairs.pair("coffee.png", 3)
    assert fitter(align="off")(*still[:2])[1] == []


@pytest.mark.parametrize("wrong", ["chelsea.png", "rocket.jpg", "astronaut.png"])
def test_another_scene_is_named(wrong):
    src = pairs.pair("motorcycle_left.png", 4)[0]
    bgr = pairs.pair(wrong, 4, subject=0)[1]
    fitted, (note,) = fitter()(src, bgr)
    assert fitted is bgr
    assert "does not look like the scene" in note and "features match, median difference" in note and "\n" not in note


def test_bad_arguments():
    with pytest.raises(UserError, match="unknown align mode 'on'"):
        fitter(align="on")
    with pytest.raises(ValueError, match="one size"):
        fitter()(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))


def film(frames, light=lambda frame: 1.0, speed=0.0):
    """(srcs, bgr): a film of the disc; bgr once."""
    srcs = []
    for frame in range(frames):
        matrix = pairs.turned(pairs.SIZE, (-speed * frame, 0.3 * speed * frame), 0)
        _, moved, _ = pairs.pair("motorcycle_left.png", 50 + frame, matrix, light(frame), subject=0)
        cv2.circle(moved, (120, 120), 40, (200, 60, 90), -1)
        srcs.append(moved)
    return srcs, pairs.pair("motorcycle_left.png", 5, subject=0)[1]


def background_difference(src, bgr):
    return np.abs(src.astype(int) - bgr)[10:60, 15:-15].mean()


def test_video_follows_a_camera():
    srcs, bgr = film(6, speed=2.0)
    fit = fitter(video=True)
    for src in srcs:
        fitted, notes = fit(src, bgr)
        assert notes == [] and background_difference(src, fitted) < 6
    assert background_difference(srcs[-1], bgr) > 15


def test_video_with_a_steady_camera_keeps_bgr():
    srcs, bgr = film(4)
    fit = fitter(video=True)
    assert all(fit(src, bgr)[0] is bgr for src in srcs)


def test_video_smooths_the_exposure_and_follows_a_jump():
    srcs, bgr = film(8, light=lambda frame: 1.15 + 0.03 * (-1) ** frame if frame < 6 else 0.8)
    fit = fitter(video=True)
    gains = []
    for src in srcs:
        fit(src, bgr)
        gains.append(fit.gains[1])
    assert np.abs(np.diff(gains[1:6])).max() < 0.02       # of the 0.06 that the film has
    assert gains[6] == pytest.approx(0.8, abs=0.03)


def test_video_warns_once_of_another_scene():
    srcs, _ = film(3)
    other = pairs.pair("rocket.jpg", 6, subject=0)[1]
    fit = fitter(video=True)
    assert [len(fit(src, other)[1]) for src in srcs] == [1, 0, 0]
