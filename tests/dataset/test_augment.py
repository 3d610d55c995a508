"""Augmentation: geometry against direct computation, and the ranges that are drawn."""
import cv2
import numpy as np
import pytest

from bgmatting.dataset.augment import (
    Affine,
    affine_matrix,
    augment_background,
    augment_pair,
    colour_jitter,
    draw_affine,
    draw_filters,
    warp,
)

STILL = Affine(0.0, 0.0, 0.0, 1.0, 0.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def apply(matrix, x, y):
    return (matrix @ [x, y, 1]).tolist()


def blob(height, width, x, y, sigma):
    row, column = np.mgrid[:height, :width]
    return np.rint(255 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma ** 2))).astype(np.uint8)


def centroid(image):
    weight = image.astype(np.float64)
    row, column = np.mgrid[:image.shape[0], :image.shape[1]]
    return np.array([(column * weight).sum(), (row * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("source", [(100, 200), (200, 100), (64, 64)])
@pytest.mark.parametrize("frame", [(256, 256), (128, 256), (256, 96)])
def test_scale_1_just_covers_the_square(source, frame):
    """The shorter side of the source is as long as the frame's longer side, and the middles coincide."""
    matrix = affine_matrix(STILL, source, frame, 512)
    assert apply(matrix, (source[1] - 1) / 2, (source[0] - 1) / 2) == pytest.approx([(frame[1] - 1) / 2,
                                                                                     (frame[0] - 1) / 2])
    factor = max(frame) / min(source)
    np.testing.assert_allclose(matrix[:, :2], np.eye(2) * factor, atol=1e-12)


def test_matrix_against_a_direct_computation():
    """Shear, scale, turn about the source's middle, then the shift, and last to the frame's middle."""
    affine, source, frame, size = Affine(4.0, 0.08, -0.05, 0.7, -3.0), (90, 160), (200, 120), 400
    matrix = affine_matrix(affine, source, frame, size)
    for x, y in ((0, 0), (159, 0), (40.5, 70.25)):
        right, down = x - 79.5, y - 44.5
        right += np.tan(np.deg2rad(-3.0)) * down
        zoom = 0.7 * (400 / 90) * (200 / 400)
        angle = np.deg2rad(4.0)
        across = zoom * (right * np.cos(angle) - down * np.sin(angle)) + 0.08 * 160 * (400 / 90) / 2
        along = zoom * (right * np.sin(angle) + down * np.cos(angle)) - 0.05 * 90 * (400 / 90) / 2
        assert apply(matrix, x, y) == pytest.approx([59.5 + across, 99.5 + along])


@pytest.mark.parametrize("scale", [0.07, 0.21, 0.5, 0.74, 0.76, 1.0, 1.7])
@pytest.mark.parametrize("source", [(400, 600), (401, 599)])
def test_shrinking_keeps_positions_to_a_tenth_of_a_pixel(source, scale):
    """On both sides of the change from averaging to interpolation; half a pixel of error is easily made here."""
    frame = 300, 320
    matrix = affine_matrix(Affine(5.0, 0.03, -0.04, scale, 2.0), source, frame, 300)
    image = blob(*source, 270.0, 220.0, 40 if scale < 0.7 else 15)
    expected = apply(matrix, 270.0, 220.0)
    assert np.abs(centroid(warp(image, matrix, frame)) - expected).max() < 0.1


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


@pytest.mark.parametrize("scale", [0.05, 0.2, 0.5, 0.7, 0.8])
def test_shrinking_keeps_the_mass_of_a_hair(scale):
    """A line one pixel wide would flicker away if pixels were only picked."""
    hair = np.zeros((512, 512), np.uint8)
    cv2.line(hair, (80, 120), (400, 431), 255, 1)
    matrix = affine_matrix(Affine(3.0, 0.0, 0.0, scale, 0.0), hair.shape, (256, 256), 256)
    zoom = scale / 2
    mass = warp(hair, matrix, (256, 256)).sum(dtype=float) / (hair.sum(dtype=float) * zoom ** 2)
    assert mass == pytest.approx(1, abs=0.08)


def test_no_change_at_scale_one():
    image = rng().integers(0, 256, (48, 48, 3), dtype=np.uint8)
    np.testing.assert_array_equal(warp(image, affine_matrix(STILL, (48, 48), (48, 48), 48), (48, 48)), image)


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


def test_half_of_the_pairs_are_flipped():
    pha = np.zeros((64, 64), np.uint8)
    pha[:, :32] = 255
    left = [augment_pair(rng(seed), np.dstack([pha] * 3), pha, (64, 64), 64, STILL)[1][:, :32].mean() > 127
            for seed in range(300)]
    assert 0.4 < np.mean(left) < 0.6


def test_a_background_has_no_black_corners():
    white = np.full((80, 120, 3), 255, np.uint8)
    for seed in range(40):
        generator = rng(seed)
        out = augment_background(generator, white, (96, 64), 96, draw_affine(generator, (1.0, 2.0)))
        assert out.shape == (96, 64, 3) and out.min() >= 150  # darkened by jitter at most


def test_what_is_drawn():
    generator = rng()
    drawn = np.array([draw_affine(generator, (0.4, 1.0)) for _ in range(500)])
    for column, (low, high) in zip(drawn.T, [(-5, 5), (-0.1, 0.1), (-0.1, 0.1), (0.4, 1.0), (-5, 5)]):
        span = high - low
        assert low <= column.min() < low + 0.02 * span and high - 0.02 * span < column.max() <= high
        assert column.mean() == pytest.approx((low + high) / 2, abs=0.06 * span)


def test_how_often_filters_are_drawn():
    generator = rng()
    counts = [len(draw_filters(generator, 1.0)) for _ in range(2000)]
    assert np.mean(counts) == pytest.approx(0.2, abs=0.03) and max(counts) == 2


def test_filters_keep_flat_areas_and_sharpening_sharpens():
    flat, edge = np.full((20, 20), 90, np.uint8), np.repeat(np.array([[80] * 10 + [120] * 10], np.uint8), 20, 0)
    kinds = set()
    for seed in range(200):
        for change in draw_filters(rng(seed), 1.0):
            np.testing.assert_array_equal(change(flat), flat)
            span = int(np.ptp(change(edge)[10]))
            assert span >= 40
            kinds.add(span > 40)
    assert kinds == {True, False}


def test_jitter_of_no_strength_changes_nothing():
    image = rng().integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(colour_jitter(rng(1), image, 0, 0, 0, 0), image)


def jittered(image, count=400, **strength):
    strength = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, **strength}
    generator = rng(3)
    return np.array([colour_jitter(generator, image, **strength) for _ in range(count)], float)


def test_range_of_brightness():
    factors = jittered(np.full((4, 4, 3), 200, np.uint8), brightness=0.15)[:, 0, 0, 0] / 200
    assert 0.845 < factors.min() < 0.86 and 1.14 < factors.max() < 1.155 and abs(factors.mean() - 1) < 0.02


def test_range_of_contrast_about_the_mean():
    image = np.repeat(np.array([[[80], [120]]], np.uint8), 3, 2)
    out = jittered(image, contrast=0.15)
    spread = out[:, 0, 1, 0] - out[:, 0, 0, 0]
    assert 33 <= spread.min() <= 36 and 44 <= spread.max() <= 47 and np.abs(out.mean((1, 2, 3)) - 100).max() <= 0.51


def test_range_of_saturation_keeps_brightness():
    out = jittered(np.full((2, 2, 3), (150, 100, 60), np.uint8), saturation=0.15)[:, 0, 0]
    luma = np.array([150, 100, 60]) @ [0.299, 0.587, 0.114]
    assert np.abs(out @ [0.299, 0.587, 0.114] - luma).max() < 1
    spread = out[:, 0] - out[:, 2]
    assert 75 <= spread.min() <= 79 and 101 <= spread.max() <= 105


def test_range_of_hue():
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    out = jittered(red, hue=0.05)[:, 0, 0]
    degrees = 60 * (out[:, 1] - out[:, 2]) / 255
    assert out[:, 0].min() == 255 and -19 < degrees.min() < -16 and 16 < degrees.max() < 19
    grey = np.full((2, 2, 3), 77, np.uint8)
    assert (jittered(grey, count=20, hue=0.05) == 77).all()
