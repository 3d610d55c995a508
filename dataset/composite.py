"""From foreground, alpha and background to two photos of a camera: src, and a bgr that differs a little."""
import math

import cv2
import numpy as np

from bgmatting.dataset.augment import added_jitter, draw_affine
from bgmatting.media.operations import blend


def compose_pair(rng, fgr, pha, bgr, augment):
    """Compose ``src`` and disturb ``bgr`` as two real exposures of one scene are.

    Args:
        fgr, bgr: uint8 (H, W, 3); pha: uint8 (H, W).
        augment: the ``augment`` section of a stage's configuration: the probability of each disturbance.

    Returns:
        (src, bgr), uint8 (H, W, 3).
    """
    scene = bgr
    if rng.random() < augment["shadow"]:
        scene = cast_shadow(rng, scene, pha)
    src = blend(fgr, pha, scene)
    if rng.random() < augment["noise"]:
        src = add_noise(rng, src, augment["noise_sigma"])
        bgr = add_noise(rng, bgr, augment["noise_sigma"])
    if rng.random() < augment["bgr_jitter"]:
        bgr = added_jitter(rng, bgr, 0.18, 0.18, 0.18, 0.1)
    if rng.random() < augment["exposure"]:
        bgr = change_exposure(rng, bgr)
    if rng.random() < augment["bgr_affine"]:
        bgr = move(bgr, draw_affine(rng, (1.0, 1.0), degrees=1.0, translate=0.01, shear=0.0))
    if rng.random() < augment["subpixel"]:
        across, down = rng.uniform(-0.7, 0.7, 2)
        bgr = _warp(bgr, np.array([[1.0, 0.0, across], [0.0, 1.0, down]]), cv2.BORDER_REPLICATE)
    if rng.random() < augment["jpeg"]:
        quality = int(rng.integers(40, 96))
        src, bgr = through_jpeg(src, quality), through_jpeg(bgr, quality)
    return src, bgr


def compose_alone(rng, fgr, pha, bgr, augment):
    """Compose ``src`` for a method that sees no second photo; ``bgr`` comes back just as it is inside ``src``.

    Args and return value as ``compose_pair``, of whose disturbances only shadow, noise and JPEG artefacts concern src.
    """
    if rng.random() < augment["shadow"]:
        bgr = cast_shadow(rng, bgr, pha)
    return disturb_photo(rng, blend(fgr, pha, bgr), augment), bgr


def disturb_photo(rng, src, augment):
    """Noise and JPEG artefacts on one photo, uint8 (H, W, 3), with the probabilities in ``augment``."""
    if rng.random() < augment["noise"]:
        src = add_noise(rng, src, augment["noise_sigma"])
    return through_jpeg(src, int(rng.integers(40, 96))) if rng.random() < augment["jpeg"] else src


def cast_shadow(rng, scene, pha):
    """Darken ``scene`` by a moved, blurred copy of the subject's shape, at most 0.3 deep."""
    height, width = pha.shape
    depth = 0.3 * rng.random()
    affine = draw_affine(rng, (0.5, 1.5), degrees=5.0, translate=0.2, shear=5.0)
    side = min(int(rng.integers(20, 40)), min(height, width) // 4 + 1)
    shade = cv2.blur(move(pha, affine, cv2.BORDER_CONSTANT), (side, side))
    shade = cv2.convertScaleAbs(shade, alpha=depth)
    return cv2.subtract(scene, cv2.merge((shade, shade, shade)))


def add_noise(rng, image, sigma):
    """Add Gaussian noise of a strength drawn from 0..sigma (of full scale)."""
    noise = noise_table(sigma * 255 * rng.random())
    # a quarter of the words that would be drawn one by one: each has 64 random bits, and an entry takes 16
    chances = rng.integers(0, 2 ** 64, -(-image.size // 4), dtype=np.uint64).view(np.uint16)[:image.size]
    return cv2.add(image, noise[chances.reshape(image.shape)], dtype=cv2.CV_8U)


def noise_table(sigma):
    """65536 whole numbers, int16, of which one drawn at random is Gaussian noise of ``sigma``, rounded.

    Noise on whole numbers that is rounded afterwards is rounded noise, and that has few values: drawing them from a
    table takes a third of the time of drawing normal numbers.
    """
    sigma = max(sigma, 1e-6)
    reach = math.ceil(5 * sigma)
    values = np.arange(-reach, reach + 1)
    below = [0.5 + 0.5 * math.erf((value + 0.5) / (sigma * math.sqrt(2))) for value in values[:-1]]
    edges = np.rint(65536 * np.array([0.0, *below, 1.0])).astype(int)
    return np.repeat(values.astype(np.int16), np.diff(edges))


def change_exposure(rng, image):
    """Apply a gamma in 0.85..1.15 and a gain in 0.9..1.1, as another shutter time and tone curve would."""
    gamma, gain = rng.uniform(0.85, 1.15), rng.uniform(0.9, 1.1)
    curve = 255 * gain * (np.arange(256) / 255) ** gamma
    return cv2.LUT(image, np.clip(np.rint(curve), 0, 255).astype(np.uint8))


def through_jpeg(image, quality):
    """Return ``image`` after JPEG at ``quality``."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def move(image, affine, border=cv2.BORDER_REFLECT_101):
    """Turn, shift, scale and shear an image about its middle; the shift is a fraction of its sides."""
    height, width = image.shape[:2]
    angle, shear = np.deg2rad(affine.angle), np.deg2rad(affine.shear)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, np.tan(shear)], [0.0, 1.0]]) * affine.scale
    middle = np.array([width - 1, height - 1]) / 2
    shift = middle + [affine.shift_x * width, affine.shift_y * height] - linear @ middle
    return _warp(image, np.hstack([linear, shift[:, None]]), border)


def _warp(image, matrix, border):
    return cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=border)
