"""Augmentation of a foreground/alpha pair and of a background, before they are composed (appendix of the paper).

The paper's pipeline warps at the working size, then shrinks and crops. Here both are one affine map to the final size,
so a picture is resampled once. All images are uint8, RGB (H, W, 3) or alpha (H, W).
"""
from collections import namedtuple

import cv2
import numpy as np

PAIR_SCALE = {"base": (0.4, 1.0), "joint": (0.3, 1.0)}
BACKGROUND_SCALE = (1.0, 2.0)

Affine = namedtuple("Affine", "angle shift_x shift_y scale shear")  # degrees, fractions of the covering size, factor


def draw_affine(rng, scale, degrees=5.0, translate=0.1, shear=5.0):
    """Draw rotation, shift, scale and shear, each uniform."""
    return Affine(rng.uniform(-degrees, degrees), rng.uniform(-translate, translate),
                  rng.uniform(-translate, translate), rng.uniform(*scale), rng.uniform(-shear, shear))


def affine_matrix(affine, source, frame, size):
    """2x3 matrix from source pixels to a frame that shows the middle of a ``size`` square.

    Args:
        affine: scale 1 makes the source just cover the square.
        source, frame: (height, width).
        size: side of the working square; the frame shows it shrunk by max(frame) / size.
    """
    cover = max(size / source[0], size / source[1])
    shrink = max(frame) / size
    angle, shear = np.deg2rad(affine.angle), np.deg2rad(affine.shear)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, np.tan(shear)], [0.0, 1.0]]) * (affine.scale * cover * shrink)
    shift = np.array([affine.shift_x * source[1], affine.shift_y * source[0]]) * cover * shrink
    middle = (np.array(source[::-1]) - 1) / 2
    target = (np.array(frame[::-1]) - 1) / 2 + shift
    return np.hstack([linear, (target - linear @ middle)[:, None]])


def warp(image, matrix, frame, border=cv2.BORDER_CONSTANT):
    """Resample ``image`` by ``matrix`` into (height, width) ``frame``; shrinking averages, so thin alpha survives."""
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.75:
        height, width = image.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        # a pixel's centre lies half a pixel from its edge, at both sizes
        stretch = np.array([width / small[0], height / small[1]])
        matrix = np.hstack([matrix[:, :2] * stretch,
                            (matrix[:, 2] + matrix[:, :2] @ ((stretch - 1) / 2))[:, None]])
    return cv2.warpAffine(image, matrix, (frame[1], frame[0]), flags=cv2.INTER_LINEAR, borderMode=border)


def augment_pair(rng, fgr, pha, frame, size, scale):
    """Place, flip, blur, sharpen and recolour a foreground with its alpha; returns (fgr, pha) of shape ``frame``."""
    matrix = affine_matrix(draw_affine(rng, scale), pha.shape, frame, size)
    fgr, pha = warp(fgr, matrix, frame), warp(pha, matrix, frame)
    if rng.random() < 0.5:
        fgr, pha = fgr[:, ::-1], pha[:, ::-1]
    for change in _draw_filters(rng, max(frame) / size):
        fgr, pha = change(fgr), change(pha)
    return colour_jitter(rng, np.ascontiguousarray(fgr), 0.15, 0.15, 0.15, 0.05), np.ascontiguousarray(pha)


def augment_background(rng, bgr, frame, size, scale=BACKGROUND_SCALE):
    """Place, flip, blur, sharpen and recolour a background; returns an image of shape ``frame``.

    Where the shifted picture ends, it is mirrored: the paper's black corners do not occur in photographs.
    """
    matrix = affine_matrix(draw_affine(rng, scale), bgr.shape[:2], frame, size)
    bgr = warp(bgr, matrix, frame, cv2.BORDER_REFLECT_101)
    if rng.random() < 0.5:
        bgr = bgr[:, ::-1]
    for change in _draw_filters(rng, max(frame) / size):
        bgr = change(bgr)
    return colour_jitter(rng, np.ascontiguousarray(bgr), 0.15, 0.15, 0.15, 0.05)


def colour_jitter(rng, image, brightness, contrast, saturation, hue):
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


def _draw_filters(rng, shrink):
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
