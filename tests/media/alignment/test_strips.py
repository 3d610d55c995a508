"""Images of any size are aligned, exposed and smoothed, or left as they are: a strip is no error."""
import numpy as np
import pytest

from bgmatting.media.alignment.camera_motion import fitter
from bgmatting.media.operations import scaled
from bgmatting.prediction.smoothing import Smoother

SIZES = [(3, 6000), (1, 1), (1, 30000), (5000, 2), (8, 8), (4, 300), (40, 2000), (15, 17)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("video", [False, True])
def test_a_background_of_any_size(size, video):
    rng = np.random.default_rng(0)
    src = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    bgr = src.copy()
    bgr[:, :size[1] // 3] = 9
    fit = fitter(video=video)
    for _ in range(2):
        fitted, notes = fit(src, bgr)
        assert fitted.shape == src.shape and fitted.dtype == np.uint8
        assert np.abs(fitted[:, size[1] // 2:].astype(int) - src[:, size[1] // 2:]).mean() < 2 or notes


@pytest.mark.parametrize("size", SIZES)
def test_mattes_of_any_size(size):
    smooth, rng = Smoother(), np.random.default_rng(1)
    src = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    for value in (0.2, 0.2, 0.2):
        pha = smooth(src, np.full(size, value, np.float32))
        assert pha.shape == size and np.allclose(pha, 0.2, atol=1e-5)


def test_shrunk_to_at_least_a_pixel():
    strip = np.full((3, 6000, 3), 50, np.uint8)
    assert scaled(strip, 0.1).shape == (1, 600, 3) and (scaled(strip, 0.1) == 50).all()
    assert scaled(np.zeros((30, 60), np.uint8), 0.5).shape == (15, 30)
