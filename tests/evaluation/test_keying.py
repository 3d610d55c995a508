import cv2
import numpy as np
import pytest

from bgmatting.evaluation.baselines import difference_key


@pytest.fixture(scope="module")
def scene():
    """A smooth background, and a disc of another colour in front of it."""
    rng = np.random.default_rng(0)
    bgr = cv2.resize(rng.integers(60, 180, (6, 8, 3), dtype=np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)
    pha = np.zeros((120, 160), np.uint8)
    cv2.circle(pha, (80, 60), 30, 255, -1)
    src = np.where(pha[..., None] > 0, np.array([250, 20, 30], np.uint8), bgr)
    return src, bgr, pha


def noisy(image, seed, sigma=3):
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_finds_a_subject_of_another_colour(scene):
    src, bgr, pha = scene
    key = difference_key(src, bgr)
    assert key.dtype == np.uint8 and key.shape == pha.shape
    assert np.abs(key.astype(int) - pha).mean() < 2


def test_noise_stays_below_the_floor(scene):
    src, bgr, pha = scene
    key = difference_key(noisy(src, 1), noisy(bgr, 2))
    away = cv2.dilate(pha, np.ones((9, 9), np.uint8)) == 0
    assert key[away].max() <= 8
    assert key[pha > 0].mean() > 240


def test_a_subject_that_fills_the_picture_is_kept(scene):
    _, bgr, _ = scene
    src = np.zeros_like(bgr)
    src[..., 1] = 255
    assert difference_key(src, bgr).mean() > 240
