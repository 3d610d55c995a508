"""Augmentation: of a foreground/alpha pair and of a background before they are composed, then of what a camera adds to the
photos: shadow, noise, exposure, JPEG (appendix of the paper).

The paper's pipeline warps at the working size, then shrinks and crops. Here both are one affine map to the final size,
so an image is resampled once. All images are uint8, RGB (H, W, 3) or alpha (H, W).
"""
from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np

from bgmatting.media.operations import warp

PAIR_SCALE = {"base": (0.4, 1.0), "joint": (0.3, 1.0)}
BACKGROUND_SCALE = (1.0, 2.0)
JITTER = (0.15, 0.15, 0.15, 0.05)  # brightness, contrast, saturation, hue

Affine = namedtuple("Affine", "angle shift_x shift_y scale shear")  # degrees, fractions of the covering size, factor


def draw_affine(rng: np.random.Generator, scale: tuple[float, float], degrees: float = 5.0, translate: float = 0.1,
                shear: float = 5.0) -> Affine:
    """Draw rotation, shift, scale and shear, each uniform."""
    return Affine(rng.uniform(-degrees, degrees), rng.uniform(-translate, translate),
                  rng.uniform(-translate, translate), rng.uniform(*scale), rng.uniform(-shear, shear))


def affine_matrix(affine: Affine, source: Sequence[int], frame: tuple[int, int], size: int) -> np.ndarray:
    """2x3 matrix from source pixels to a frame that shows the middle of a ``size`` square.

    Args:
        affine: scale 1 makes the source just cover the square.
        source, frame: (height, width).
        size: side of the working square; the frame shows it shrunk by max(frame) / size.
    """
    cover = max(size / source[0], size / source[1])
    shrink = max(frame) / size
    linear = _linear(affine, affine.scale * cover * shrink)
    shift = np.array([affine.shift_x * source[1], affine.shift_y * source[0]]) * cover * shrink
    middle = (np.array(source[::-1]) - 1) / 2
    centre = (np.array(frame[::-1]) - 1) / 2 + shift
    return np.hstack([linear, (centre - linear @ middle)[:, None]])


def _linear(affine, scale):
    """The turn, shear and ``scale`` of ``affine``, 2x2."""
    angle, shear = np.deg2rad(affine.angle), np.deg2rad(affine.shear)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.array([[1.0, np.tan(shear)], [0.0, 1.0]]) * scale


def mirrored(matrix: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """The same matrix with left and right of the (height, width) ``frame`` exchanged."""
    return np.array([[-1.0, 0.0, frame[1] - 1.0], [0.0, 1.0, 0.0]]) @ np.vstack([matrix, [0.0, 0.0, 1.0]])


def shortest_side(affine: Affine, frame: tuple[int, int]) -> float:
    """Pixels that a image's shorter side needs so that ``affine_matrix`` does not enlarge it, if it can be helped."""
    return affine.scale * max(frame)


def augment_pair(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, frame: tuple[int, int], size: int,
                 affine: Affine) -> tuple[np.ndarray, np.ndarray]:
    """Place, flip, blur, sharpen and recolour a foreground with its alpha; returns (fgr, pha) of shape ``frame``.

    Args:
        fgr, pha: uint8 RGB (H, W, 3) and uint8 (H, W).
        frame, size, affine: as ``affine_matrix``.
    """
    fgr, pha = _placed(rng, (fgr, pha), frame, size, affine, cv2.BORDER_CONSTANT)
    return colour_jitter(rng, fgr, *JITTER), pha


def augment_background(rng: np.random.Generator, bgr: np.ndarray, frame: tuple[int, int], size: int,
                       affine: Affine) -> np.ndarray:
    """Place, flip, blur, sharpen and recolour a background; returns an image of shape ``frame``.

    Args as ``augment_pair``. Where the shifted image ends, it is mirrored: the paper's black corners do not occur in
    photographs.
    """
    return colour_jitter(rng, *_placed(rng, (bgr,), frame, size, affine, cv2.BORDER_REFLECT_101), *JITTER)


def _placed(rng, images, frame, size, affine, border):
    """Images of one scene, all moved, perhaps flipped, and filtered alike."""
    matrix = affine_matrix(affine, images[0].shape[:2], frame, size)
    if rng.random() < 0.5:
        matrix = mirrored(matrix, frame)
    return filtered(rng, max(frame) / size, *(warp(image, matrix, frame, border) for image in images))


def colour_jitter(rng: np.random.Generator, image: np.ndarray, brightness: float, contrast: float, saturation: float,
                  hue: float) -> np.ndarray:
    """Change brightness, contrast, saturation (factors within 1 +- x) and hue (fraction of the circle within +- x)."""
    light, spread, vivid = (rng.uniform(1 - x, 1 + x) for x in (brightness, contrast, saturation))
    luma = np.array([0.299, 0.587, 0.114])
    # The first three are linear, so they are one 3x4 matrix.
    mix = light * spread * (vivid * np.eye(3) + (1 - vivid) * np.outer(np.ones(3), luma))
    mean = float(luma @ cv2.mean(image)[:3]) * light * (1 - spread)
    image = cv2.transform(image, np.hstack([mix, np.full((3, 1), mean)]))
    turn = int(round(rng.uniform(-hue, hue) * 256))
    if turn == 0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] += np.uint8(turn % 256)  # the hue circle has 256 steps, so the overflow is the wrap
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)


def added_jitter(rng: np.random.Generator, image: np.ndarray, brightness: float, contrast: float, saturation: float,
                 hue: float) -> np.ndarray:
    """Change brightness (adding within +- x of the range), contrast, saturation (factors) and hue, in an order drawn anew.

    As ColorJitter of kornia 0.4.1 does, the version that the authors pin for the disturbance of bgr: unlike
    ``colour_jitter``, brightness is added and contrast spreads from black, and each change is cut to the range.
    """
    amounts = [rng.uniform(-brightness, brightness), *(rng.uniform(1 - x, 1 + x) for x in (contrast, saturation)),
               rng.uniform(-hue, hue)]
    return jittered(image, *amounts, rng.permutation(4))


def jittered(image: np.ndarray, brightness: float, contrast: float, saturation: float, hue: float,
             order: Iterable[int]) -> np.ndarray:
    """``added_jitter`` by given amounts.

    Args:
        image: uint8 RGB (H, W, 3).
        brightness: what is added, of the range; contrast, saturation: factors; hue: fraction of the circle.
        order: of the four, numbered as they stand here.
    """
    x, in_hsv = image.astype(np.float32) / 255, False
    for change in order:
        if (change >= 2) != in_hsv:
            x, in_hsv = cv2.cvtColor(x, cv2.COLOR_HSV2RGB if in_hsv else cv2.COLOR_RGB2HSV), not in_hsv
        if change == 0:
            x = np.clip(x + np.float32(brightness), 0, 1)
        elif change == 1:
            x = np.clip(x * np.float32(contrast), 0, 1)
        elif change == 2:
            x[..., 1] = np.minimum(x[..., 1] * np.float32(saturation), 1)
        else:
            x[..., 0] = (x[..., 0] + np.float32(360 * hue)) % 360
    return cv2.convertScaleAbs(cv2.cvtColor(x, cv2.COLOR_HSV2RGB) if in_hsv else x, alpha=255)


def filtered(rng: np.random.Generator, shrink: float, *images: np.ndarray) -> tuple[np.ndarray, ...]:
    """The images after ``draw_filters``."""
    for change in draw_filters(rng, shrink):
        images = tuple(map(change, images))
    return images


def draw_filters(rng: np.random.Generator, shrink: float) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Box blur and sharpening, each with probability 0.1, as functions to be applied to every image of a pair."""
    filters = []
    if rng.random() < 0.1:
        side = 2 * round(rng.integers(0, 6) * shrink) + 1
        filters.append(lambda image: cv2.blur(image, (side, side)))
    if rng.random() < 0.1:
        kernel = np.full((3, 3), -2 / 16)
        kernel[1, 1] = 2.0
        filters.append(lambda image: cv2.filter2D(image, -1, kernel))
    return filters


def disturb_photo(rng: np.random.Generator, src: np.ndarray, augment: dict[str, float]) -> np.ndarray:
    """Noise and JPEG artefacts on one photo, uint8 (H, W, 3), with the probabilities in ``augment``."""
    if rng.random() < augment["noise"]:
        src = add_noise(rng, src, augment["noise_sigma"])
    return through_jpeg(src, int(rng.integers(40, 96))) if rng.random() < augment["jpeg"] else src


def cast_shadow(rng: np.random.Generator, scene: np.ndarray, pha: np.ndarray) -> np.ndarray:
    """Darken ``scene`` by a moved, blurred copy of the subject's shape, at most 0.3 deep."""
    height, width = pha.shape
    depth = 0.3 * rng.random()
    affine = draw_affine(rng, (0.5, 1.5), degrees=5.0, translate=0.2, shear=5.0)
    side = min(int(rng.integers(20, 40)), min(height, width) // 4 + 1)
    shade = cv2.blur(move(pha, affine, cv2.BORDER_CONSTANT), (side, side))
    shade = cv2.convertScaleAbs(shade, alpha=depth)
    return cv2.subtract(scene, cv2.merge((shade, shade, shade)))


def add_noise(rng: np.random.Generator, image: np.ndarray, sigma: float) -> np.ndarray:
    """Add Gaussian noise of a strength drawn from 0..sigma (of full scale)."""
    noise = noise_table(sigma * 255 * rng.random())
    # a quarter of the words that would be drawn one by one: each has 64 random bits, and an entry takes 16
    chances = rng.integers(0, 2 ** 64, -(-image.size // 4), dtype=np.uint64).view(np.uint16)[:image.size]
    return cv2.add(image, noise[chances.reshape(image.shape)], dtype=cv2.CV_8U)


def noise_table(sigma: float) -> np.ndarray:
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


def change_exposure(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Apply a gamma in 0.85..1.15 and a gain in 0.9..1.1, as another shutter time and tone curve would."""
    gamma, gain = rng.uniform(0.85, 1.15), rng.uniform(0.9, 1.1)
    curve = 255 * gain * (np.arange(256) / 255) ** gamma
    return cv2.LUT(image, np.clip(np.rint(curve), 0, 255).astype(np.uint8))


def through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Return ``image`` after JPEG at ``quality``."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def move(image: np.ndarray, affine: Affine, border: int = cv2.BORDER_REFLECT_101) -> np.ndarray:
    """Turn, shift, scale and shear an image about its middle; the shift is a fraction of its sides."""
    height, width = image.shape[:2]
    linear = _linear(affine, affine.scale)
    middle = np.array([width - 1, height - 1]) / 2
    offset = middle + [affine.shift_x * width, affine.shift_y * height] - linear @ middle
    return _warp(image, np.hstack([linear, offset[:, None]]), border)


def shift(image: np.ndarray, across: float, down: float) -> np.ndarray:
    """Shift an image by fractions of a pixel."""
    return _warp(image, np.array([[1.0, 0.0, across], [0.0, 1.0, down]]), cv2.BORDER_REPLICATE)


def _warp(image, matrix, border):
    return cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=border)
