import numpy as np
import pytest

from bgmatting.media.alignment.exposure import apply_exposure, fit_exposure
from tests.prediction import pairs


def match_exposure(src, bgr):
    """(bgr as if it had been exposed like src, gains of the channels)"""
    exposure = fit_exposure(src, bgr)
    return apply_exposure(bgr, exposure), exposure.gains


def levels(image, still, pha):
    """Mean difference in gray levels where there is background."""
    return np.abs(image.astype(int) - still)[pha == 0].mean()


@pytest.mark.parametrize("gain", [0.75, 0.9, 1.12])
def test_brings_bgr_to_the_exposure_of_src(gain):
    src, bgr, pha = pairs.pair("coffee.png", 1, gain=gain)
    matched, gains = match_exposure(src, bgr)
    assert np.allclose(gains, 1 / gain, rtol=0.03)
    assert levels(matched, src, pha) < 3.5 < levels(bgr, src, pha)


def test_channels_have_gains_of_their_own():
    src, bgr, pha = pairs.pair("motorcycle_left.png", 2)
    warm = np.clip(bgr * np.array([0.92, 1.0, 1.06]), 0, 255).astype(np.uint8)
    matched, gains = match_exposure(src, warm)
    assert np.allclose(gains, (1 / 0.92, 1, 1 / 1.06), rtol=0.03)
    assert levels(matched, src, pha) < 0.75 * levels(warm, src, pha)


def test_a_gamma():
    src, bgr, pha = pairs.pair("coffee.png", 3)
    curved = np.rint(255 * (bgr / 255) ** 1.12).astype(np.uint8)
    matched, _ = match_exposure(src, curved)
    assert levels(matched, src, pha) < 0.6 * levels(curved, src, pha)


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png", "motorcycle_left.png"])
def test_a_bgr_that_matches_is_left_alone(name):
    src, bgr, _ = pairs.pair(name, 4)
    matched, gains = match_exposure(src, bgr)
    assert matched is bgr and gains == (1.0, 1.0, 1.0)


def test_clipped_pixels_have_no_say():
    src, bgr, pha = pairs.pair("coffee.png", 5, gain=1.0)
    bright = np.clip(src * 1.25, 0, 255).astype(np.uint8)  # a third of it is white
    matched, gains = match_exposure(bright, bgr)
    assert np.allclose(gains, 1.25, rtol=0.05)


def test_what_does_not_match_is_left_alone():
    src = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    bgr = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    found = fit_exposure(src, bgr)
    assert found.curves is None and found.fitting < 0.2
    white = np.full((4, 4, 3), 255, np.uint8)
    assert match_exposure(white, white)[0] is white
