"""Augmentation: geometry against direct computation, and the ranges that are drawn."""
import cv2
import numpy as np
import pytest

from bgmatting.dataset.augment import (
    Affine,
    affine_matrix,
    augment_background,
    augment_pair,
    draw_affine,
    warp,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def blob(height, width, x, y, sigma):
    row, column = np.mgrid[:height, :width]
    return np.rint(255 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma ** 2))).astype(np.uint8)


def centroid(image):
    weight = image.astype(np.float64)
    row, column = np.mgrid[:image.shape[0], :image.shape[1]]
    return np.array([(column * weight).sum(), (row * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("scale", [0.15, 0.3, 0.6, 0.9])
def test_shrinking_equals_averaging_over_each_pixel(scale):
    """The reference samples 16 x 16 points in every pixel of the frame by interpolation, without any half-way size."""
    source, frame = (320, 360), (90, 100)
    matrix = affine_matrix(Affine(-4.0, 0.02, 0.05, scale, 3.0), source, frame, 100)
    pattern = cv2.GaussianBlur(rng().random(source), (0, 0), 2.5 / abs(matrix[0, 0]))
    image = cv2.normalize(pattern, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    fine = 16
    up = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2], [0, 0, 1]])
    whole = (up @ np.vstack([matrix, [0, 0, 1]]))[:2]
    reference = cv2.warpAffine(image, whole, (frame[1] * fine, frame[0] * fine), flags=cv2.INTER_LINEAR)
    reference = reference.reshape(frame[0], fine, frame[1], fine).mean((1, 3))
    inside = cv2.erode(cv2.warpAffine(np.full(source, 255, np.uint8), matrix, frame[::-1]), np.ones((7, 7))) == 255
    error = np.abs(warp(image, matrix, frame) - reference)[inside]
    assert inside.sum() > 20 and error.mean() < 1.5 and error.max() < 8


@pytest.mark.parametrize("seed", range(12))
def test_foreground_and_alpha_stay_registered(seed):
    """The foreground is its own alpha, so whatever moves or filters one must do so to the other."""
    pha = blob(300, 240, 130, 160, 40)
    generator = rng(seed)
    fgr, moved = augment_pair(generator, np.dstack([pha] * 3), pha, (96, 128), 512, draw_affine(generator, (0.4, 1.0)))
    assert fgr.shape == (96, 128, 3) and moved.shape == (96, 128) and fgr.dtype == moved.dtype == np.uint8
    grey = fgr.astype(float).mean(2)
    assert moved.max() > 100 and np.corrcoef(grey.ravel(), moved.ravel())[0, 1] > 0.995
    if 0 < centroid(moved)[0] < 127 and moved[:, [0, -1]].max() == moved[[0, -1]].max() == 0:
        assert np.abs(centroid(grey) - centroid(moved)).max() < 0.5


def test_a_background_has_no_black_corners():
    white = np.full((80, 120, 3), 255, np.uint8)
    for seed in range(40):
        generator = rng(seed)
        out = augment_background(generator, white, (96, 64), 96, draw_affine(generator, (1.0, 2.0)))
        assert out.shape == (96, 64, 3) and out.min() >= 150  # darkened by jitter at most
