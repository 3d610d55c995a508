"""Plain difference keying: the baseline that every table shows. A network worth its weights must beat it clearly."""
from __future__ import annotations

import cv2
import numpy as np

BACKGROUND_SHARE = 0.25    # at least this part of the picture is taken to show the empty scene
NOISE_REACH = 3.5          # noise of three channels stays below 3.5 times its lower quartile (99.9 % of it, Gaussian)
FLOOR_RANGE = (0.02, 0.10)
SOFT_RANGE = 0.08          # the colour distance over which alpha goes from 0 to 1
RADIUS_SHARE = 1 / 256     # radius of the guided filter against the longer side
EDGE_EPSILON = 1e-3        # guide variance below which the filter smooths


def difference_key(src_u8: np.ndarray, bgr_u8: np.ndarray) -> np.ndarray:
    """Alpha from the colour distance of the photo to the picture of the empty scene.

    Three classic steps and no learning: the Euclidean distance of the colours; a soft threshold above a noise floor
    that is estimated from the lower quartile of the distances; and smoothing along the edges of ``src`` with the
    guided filter of He, Sun and Tang, "Guided Image Filtering" (ECCV 2010), written with box filters.

    Args:
        src_u8: uint8 RGB (H, W, 3), the photo with the subject.
        bgr_u8: uint8 RGB (H, W, 3), the photo of the empty scene.
    Returns uint8 (H, W) alpha, 255 is opaque.
    """
    distance = _colour_distance(src_u8, bgr_u8)
    key = np.clip((distance - _noise_floor(distance)) / SOFT_RANGE, 0, 1)
    guide = cv2.cvtColor(src_u8, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(1, round(max(key.shape) * RADIUS_SHARE))
    return np.clip(_guided_filter(guide, key, radius) * 255 + 0.5, 0, 255).astype(np.uint8)


def _colour_distance(src, bgr):
    difference = cv2.absdiff(src, bgr).astype(np.float32) / 255
    return np.sqrt(np.square(difference).sum(axis=2))


def _noise_floor(distance):
    """The distance that noise alone does not exceed; bounded, for pictures that are all subject or free of noise."""
    return np.float32(np.clip(NOISE_REACH * np.quantile(distance, BACKGROUND_SHARE), *FLOOR_RANGE))


def _guided_filter(guide, image, radius):
    """``image`` smoothed by local linear fits to ``guide``; both float32 (H, W)."""
    def mean(values):
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    guide_mean, image_mean = mean(guide), mean(image)
    variance = mean(guide * guide) - guide_mean * guide_mean
    covariance = mean(guide * image) - guide_mean * image_mean
    slope = covariance / (variance + np.float32(EDGE_EPSILON))
    offset = image_mean - slope * guide_mean
    return mean(slope) * guide + mean(offset)
