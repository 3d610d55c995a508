"""What is drawn has the distributions of the authors' training, and one warp does what their several steps do."""
import cv2
import numpy as np
import pytest

from bgmatting.dataset.augment import (
    BACKGROUND_SCALE,
    PAIR_SCALE,
    Affine,
    affine_matrix,
    augment_pair,
    colour_jitter,
    draw_affine,
    draw_filters,
    mirrored,
    noise_table,
    warp,
)
from bgmatting.dataset.batches import Batches


def rng(seed=0):
    return np.random.default_rng(seed)


def distance(sample, cumulative):
    """Kolmogorov-Smirnov: the largest gap between the sample's distribution and the function ``cumulative``."""
    values, counts = np.unique(sample, return_counts=True)
    upto = np.cumsum(counts) / len(sample)
    expected = np.array([cumulative(value) for value in values])
    before = np.array([cumulative(value - 1e-9) for value in values])
    return max(np.abs(upto - expected).max(), np.abs(upto - counts / len(sample) - before).max())


def uniform(low, high):
    return lambda value: min(max((value - low) / (high - low), 0.0), 1.0)


@pytest.mark.parametrize("scale", [PAIR_SCALE["base"], PAIR_SCALE["joint"], BACKGROUND_SCALE])
def test_geometry_read_back_from_the_matrix(scale):
    """Turn and shear within 5 degrees, shift within a tenth of the covering picture's sides, and scale."""
    generator, source, size, frame = rng(), (270, 480), 512, (384, 448)
    found = []
    for _ in range(3000):
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
        assert distance(column, uniform(low, high)) < 0.03
        assert column.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
        assert column.std() == pytest.approx((high - low) / 12 ** 0.5, rel=0.04)
    correlations = np.corrcoef(np.array(found).T) - np.eye(5)
    assert np.abs(correlations).max() < 0.07


@pytest.mark.parametrize("least, most", [(256, 512), (1024, 2048)])
def test_crops(least, most):
    """The authors draw sides from least..most-1 and round down to multiples of 4; here ``most`` occurs, too."""
    sides = np.array([(batch[0].height, batch[0].width) for batch in Batches(4000, 1, (least, most), 1, 0)])
    for column in sides.T:
        assert distance(column, lambda side: uniform(least, most)(side // 4 * 4 + 4)) < 0.03
    assert abs(np.corrcoef(sides.T)[0, 1]) < 0.05


def test_flips_and_filters():
    """Half are flipped; a tenth is blurred with a radius of 0..5 pixels, each as often; a tenth is sharpened."""
    generator, spot = rng(), np.zeros((15, 15), np.uint8)
    spot[7, 7] = 255
    edge = np.repeat(np.array([[80] * 10 + [120] * 10], np.uint8), 20, 0)
    radii, blurred, sharpened, count = [], 0, 0, 6000
    for _ in range(count):
        for change in draw_filters(generator, 1.0):
            if np.ptp(change(edge)) > 40:
                sharpened += 1
            else:
                blurred += 1
                radii.append((np.count_nonzero(change(spot)[7]) - 1) // 2)
    assert blurred / count == pytest.approx(0.1, abs=0.012) and sharpened / count == pytest.approx(0.1, abs=0.012)
    shares = np.bincount(radii, minlength=6) / blurred
    assert len(shares) == 6 and np.abs(shares - 1 / 6).max() < 0.05
    half = np.zeros((16, 16), np.uint8)
    half[:, :8] = 255
    left = [augment_pair(generator, cv2.merge([half] * 3), half, (16, 16), 16, Affine(0, 0, 0, 1, 0))[1][8, 1] > 127
            for _ in range(2000)]
    assert np.mean(left) == pytest.approx(0.5, abs=0.04)


def jittered(image, count=3000, **strength):
    generator, strength = rng(3), {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, **strength}
    return np.array([colour_jitter(generator, image, **strength)[0] for _ in range(count)], float)


def test_jitter_factors():
    """Brightness, contrast and saturation 1 +- 0.15, hue +- 0.05 of the circle; uniform but for rounding to 8 bits."""
    factors = uniform(0.85, 1.15)
    grey = np.full((1, 1, 3), 200, np.uint8)
    assert distance(jittered(grey, brightness=0.15)[:, 0, 0] / 200, factors) < 0.03
    pair = np.repeat(np.array([[[28], [228]]], np.uint8), 3, 2)
    spread = jittered(pair, contrast=0.15)
    assert distance((spread[:, 1, 0] - spread[:, 0, 0]) / 200, factors) < 0.03
    colour = jittered(np.full((1, 1, 3), (200, 100, 30), np.uint8), saturation=0.15)[:, 0]
    assert distance((colour[:, 0] - colour[:, 2]) / 170, factors) < 0.03
    red = jittered(np.full((1, 1, 3), (255, 0, 0), np.uint8), hue=0.05)[:, 0]
    assert distance((red[:, 1] - red[:, 2]) / 255 / 6, uniform(-0.05, 0.05)) < 0.07  # 26 steps


@pytest.mark.parametrize("sigma", [0.3, 2.0, 7.65, 25.5])
def test_noise_is_rounded_gaussian(sigma):
    from scipy.stats import norm
    table = noise_table(sigma)
    assert table.shape == (65536,) and abs(table.mean()) < 1e-3
    assert distance(table, lambda value: norm.cdf(np.floor(value) + 0.5, scale=sigma)) < 1e-4
    if sigma > 1:
        assert table.std() == pytest.approx((sigma ** 2 + 1 / 12) ** 0.5, rel=1e-3)  # rounding adds a twelfth
    assert set(noise_table(0.0)) == {0}


def smooth(height, width):
    row, column = np.mgrid[:height, :width]
    waves = [128 + 110 * np.sin(row / a) * np.cos(column / b) for a, b in ((31, 47), (53, 29), (41, 37))]
    return np.stack(waves, -1).astype(np.uint8)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("source, size, frame", [
    ((270, 480), 128, (96, 112)),    # the base stage: the picture shrinks
    ((480, 270), 128, (128, 64)),
    ((90, 160), 256, (200, 136))])   # the joint stage: it is enlarged, on a canvas padded with black
@pytest.mark.parametrize("affine", [(4.0, 6, -9, 0.55, -3.0), (-5.0, -12, 10, 1.0, 5.0), (2.0, 0, 5, 1.7, 1.0)])
def test_one_warp_is_their_affine_map_resize_and_crop(affine, source, size, frame, flip):
    pytest.importorskip("PIL")
    from PIL import Image

    from bgmatting.benchmarks.authors_pillow import Draw, changed, cropped
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
