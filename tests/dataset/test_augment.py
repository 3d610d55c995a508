"""What is drawn has the distributions of the authors' training, and one warp does what their several steps do.

The jitter of bgr is that of kornia 0.4.1. data/jitter.npz holds 300 of its draws on one picture, and what came out:

    aug = kornia.augmentation.ColorJitter(0.18, 0.18, 0.18, 0.1); parameters = aug.generate_parameters((1, 3, 5, 6))
"""
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.stats import kstest, norm

from bgmatting.benchmarks.authors_pillow import Draw, changed, cropped
from bgmatting.dataset import augment
from bgmatting.dataset.augment import (
    Affine,
    added_jitter,
    affine_matrix,
    augment_background,
    augment_pair,
    colour_jitter,
    draw_affine,
    draw_filters,
    mirrored,
    noise_table,
    warp,
)

DRAWS = np.load(Path(__file__).resolve().parents[1] / "data" / "jitter.npz")


def rng(seed=0):
    return np.random.default_rng(seed)


def test_geometry_read_back_from_the_matrix():
    """Turn and shear within 5 degrees, shift within a tenth of the covering image's sides, and scale."""
    generator, scale, source, size, frame = rng(), (0.3, 1.0), (270, 480), 512, (384, 448)
    found = []
    for _ in range(1000):
        matrix = affine_matrix(draw_affine(generator, scale), source, frame, size)
        cover, shrink = size / 270, 448 / 512
        angle = np.arctan2(matrix[1, 0], matrix[0, 0])
        zoom = np.hypot(matrix[0, 0], matrix[1, 0])
        back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) @ matrix[:, :2] / zoom
        middle = matrix @ [239.5, 134.5, 1] - [223.5, 191.5]
        found.append([np.rad2deg(angle), zoom / cover / shrink, np.rad2deg(np.arctan(back[0, 1])),
                      *(middle / shrink / cover / [480, 270])])
        assert back[1, 1] == pytest.approx(1)
    for column, (low, high) in zip(np.array(found).T, [(-5, 5), scale, (-5, 5), (-0.1, 0.1), (-0.1, 0.1)]):
        assert kstest(column, "uniform", (low, high - low)).statistic < 0.05
    assert np.abs(np.corrcoef(np.array(found).T) - np.eye(5)).max() < 0.12


def test_flips_and_filters():
    """Half are flipped; a tenth is blurred with a radius of 0..5 pixels, each as often; a tenth is sharpened."""
    generator, spot = rng(), np.zeros((15, 15), np.uint8)
    spot[7, 7] = 255
    edge = np.repeat(np.array([[80] * 10 + [120] * 10], np.uint8), 20, 0)
    radii, blurred, sharpened, count = [], 0, 0, 3000
    for _ in range(count):
        for change in draw_filters(generator, 1.0):
            if np.ptp(change(edge)) > 40:
                sharpened += 1
            else:
                blurred += 1
                radii.append((np.count_nonzero(change(spot)[7]) - 1) // 2)
    assert blurred / count == pytest.approx(0.1, abs=0.02) and sharpened / count == pytest.approx(0.1, abs=0.02)
    shares = np.bincount(radii, minlength=6) / blurred
    assert len(shares) == 6 and np.abs(shares - 1 / 6).max() < 0.07
    half = np.zeros((16, 16), np.uint8)
    half[:, :8] = 255
    left = [augment_pair(generator, cv2.merge([half] * 3), half, (16, 16), 16, Affine(0, 0, 0, 1, 0))[1][8, 1] > 127
            for _ in range(400)]
    assert np.mean(left) == pytest.approx(0.5, abs=0.08)


def jittered(image, count=1000, **strength):
    generator, strength = rng(3), {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, **strength}
    return np.array([colour_jitter(generator, image, **strength)[0] for _ in range(count)], float)


def test_jitter_factors():
    """Brightness, contrast and saturation 1 +- 0.15, hue +- 0.05 of the circle; uniform but for rounding to 8 bits."""
    def distance(values, half, middle=1.0):
        return kstest(values, "uniform", (middle - half, 2 * half)).statistic

    grey = np.full((1, 1, 3), 200, np.uint8)
    assert distance(jittered(grey, brightness=0.15)[:, 0, 0] / 200, 0.15) < 0.05
    pair = np.repeat(np.array([[[28], [228]]], np.uint8), 3, 2)
    spread = jittered(pair, contrast=0.15)
    assert distance((spread[:, 1, 0] - spread[:, 0, 0]) / 200, 0.15) < 0.05
    colour = jittered(np.full((1, 1, 3), (200, 100, 30), np.uint8), saturation=0.15)[:, 0]
    assert distance((colour[:, 0] - colour[:, 2]) / 170, 0.15) < 0.05
    red = jittered(np.full((1, 1, 3), (255, 0, 0), np.uint8), hue=0.05)[:, 0]
    assert distance((red[:, 1] - red[:, 2]) / 255 / 6, 0.05, 0.0) < 0.09  # 26 steps


@pytest.mark.parametrize("sigma", [0.3, 7.65])
def test_noise_is_rounded_gaussian(sigma):
    table = noise_table(sigma)
    assert table.shape == (65536,) and abs(table.mean()) < 1e-3
    values, counts = np.unique(table, return_counts=True)
    assert np.abs(np.cumsum(counts) / 65536 - norm.cdf(values + 0.5, scale=sigma)).max() < 1e-4
    if sigma > 1:
        assert table.std() == pytest.approx((sigma ** 2 + 1 / 12) ** 0.5, rel=1e-3)  # rounding adds a twelfth
    assert set(noise_table(0.0)) == {0}


def smooth(height, width):
    row, column = np.mgrid[:height, :width]
    waves = [128 + 110 * np.sin(row / a) * np.cos(column / b) for a, b in ((31, 47), (53, 29), (41, 37))]
    return np.stack(waves, -1).astype(np.uint8)


@pytest.mark.parametrize("source, size, frame, affine, flip", [
    ((270, 480), 128, (96, 112), (4.0, 6, -9, 0.55, -3.0), False),     # the base stage: the picture shrinks
    ((480, 270), 128, (128, 64), (-5.0, -12, 10, 1.0, 5.0), True),
    ((90, 160), 256, (200, 136), (2.0, 0, 5, 1.7, 1.0), False)])       # the joint stage: it is enlarged, padded with black
def test_one_warp_is_their_affine_map_resize_and_crop(source, size, frame, affine, flip):
    angle, right, down, scale, shear = affine  # right and down in whole pixels of the square: theirs are rounded
    cover, image = size / min(source), smooth(*source)
    across, down = right / cover / source[1], down / cover / source[0]
    drawn = Draw(angle, (across, down), scale, shear, flip, None, False)
    theirs = [cropped(np.asarray(changed(Image.fromarray(picture), drawn, size), np.float32), frame)
              for picture in (image, np.full(source, 255, np.uint8))]
    matrix = affine_matrix(Affine(angle, across, down, scale, shear), source, frame, size)
    matrix = mirrored(matrix, frame) if flip else matrix
    ours = [warp(picture, matrix, frame).astype(np.float32) for picture in (image, np.full(source, 255, np.uint8))]
    covered = cv2.erode(np.uint8((theirs[1] == 255) & (ours[1] == 255)), np.ones((5, 5)))[..., None]
    assert covered.mean() > 0.1 and np.abs(ours[1] - theirs[1]).mean() < 3  # the edges of the picture, too
    assert (np.abs(ours[0] - theirs[0]) * covered).sum() / covered.sum() / 3 < 1.3


@pytest.mark.parametrize("scale", [0.15, 0.6])
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


def test_a_background_has_no_black_corners():
    white = np.full((80, 120, 3), 255, np.uint8)
    for seed in range(15):
        generator = rng(seed)
        out = augment_background(generator, white, (96, 64), 96, draw_affine(generator, (1.0, 2.0)))
        assert out.shape == (96, 64, 3) and out.min() >= 150  # darkened by jitter at most


@pytest.mark.parametrize("seed", range(4))
def test_foreground_and_alpha_stay_registered(seed):
    """The foreground is its own alpha, so whatever moves or filters one must do so to the other."""
    row, column = np.mgrid[:300, :240]
    pha = np.rint(255 * np.exp(-((column - 130) ** 2 + (row - 160) ** 2) / 3200)).astype(np.uint8)
    generator = rng(seed)
    fgr, moved = augment_pair(generator, np.dstack([pha] * 3), pha, (96, 128), 512, draw_affine(generator, (0.4, 1.0)))
    assert fgr.shape == (96, 128, 3) and moved.shape == (96, 128) and fgr.dtype == moved.dtype == np.uint8
    assert moved.max() > 100 and np.corrcoef(fgr.mean(2).ravel(), moved.ravel())[0, 1] > 0.995


def test_the_same_amounts_in_the_same_order_give_the_same_picture():
    worst = []
    for amounts, order, expected in zip(DRAWS["amounts"], DRAWS["orders"], DRAWS["results"]):
        ours = augment.jittered(DRAWS["image"], *amounts, order)
        assert ours.dtype == np.uint8 and ours.shape == expected.shape
        worst.append(np.abs(ours.astype(int) - expected).max())
    assert len(worst) == 300 and max(worst) <= 1 and np.mean(worst) < 0.8


def test_amounts_and_orders_are_drawn_from_the_same_ranges(monkeypatch):
    rows = []
    monkeypatch.setattr(augment, "jittered", lambda image, *amounts: rows.append(amounts) or image)
    generator, theirs = rng(5), DRAWS["amounts"]
    for _ in range(2000):
        added_jitter(generator, DRAWS["image"], 0.18, 0.18, 0.18, 0.1)
    amounts, orders = np.array([row[:4] for row in rows], float), np.array([row[4] for row in rows])
    np.testing.assert_allclose(amounts.mean(0), theirs.mean(0), atol=0.02)
    np.testing.assert_allclose(amounts.std(0), theirs.std(0), rtol=0.08)
    assert (np.abs(amounts - [0, 1, 1, 0]).max(0) <= [0.18, 0.18, 0.18, 0.1]).all()
    for place in range(4):
        share = np.bincount(orders[:, place], minlength=4) / len(orders)
        assert share == pytest.approx([0.25] * 4, abs=0.03)
    assert (np.sort(orders, axis=1) == range(4)).all()


def test_brightness_is_added_and_contrast_spreads_from_black():
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (augment.jittered(grey, 0.1, 1, 1, 0, range(4)) == 126).all()            # 100 + 25.5: not 100 * 1.1
    assert (augment.jittered(grey, 0, 1.1, 1, 0, range(4)) == 110).all()            # from black, not around a mean
    assert (augment.jittered(grey + 150, 0.2, 0.8, 1, 0, [0, 1, 2, 3]) == 204).all()  # cut to the range in between
    assert (augment.jittered(grey + 150, 0.2, 0.8, 1, 0, [1, 0, 2, 3]) == 251).all()
