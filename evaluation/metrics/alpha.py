"""Errors pixel by pixel: SAD, MAD and MSE."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.evaluation.metrics.region import mean_square, unknown_region
from bgmatting.evaluation.testset.trimap import UNKNOWN

SCALE = 2


def sad(pred_u8: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray | None = None) -> float | None:
    """Sum of absolute differences, in thousands: ``sum |pred - target| / 1000`` with alpha in 0..1.

    Args:
        pred_u8, target_u8: predicted and true alpha, uint8 (H, W), 255 is opaque.
        trimap_u8: uint8 (H, W); only pixels of value 128 count. None: the whole image.

    Returns:
        float >= 0; None where nothing counts: no pixel of the trimap is unknown.

    Raises:
        ValueError: the arrays differ in shape, are not uint8, or are not (H, W).
    """
    difference = _difference(pred_u8, target_u8, trimap_u8)
    return _sum(difference) / 255 / 1000 if difference.size else None


def mad(pred_u8: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray | None = None) -> float | None:
    """Mean absolute difference ``mean |pred - target|`` with alpha in 0..1; over the whole image in Robust Video
    Matting (Lin et al., WACV 2022). Tables show it times 1000; this is plain.

    Arguments, return value and errors as ``sad``.
    """
    difference = _difference(pred_u8, target_u8, trimap_u8)
    return _sum(difference) / 255 / difference.size if difference.size else None


def mse(pred_u8: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray | None = None) -> float | None:
    """Mean squared difference ``mean (pred - target)^2`` with alpha in 0..1. Tables show it times 1000; this is plain.

    Arguments, return value and errors as ``sad``.
    """
    return mean_square(_difference(pred_u8, target_u8, trimap_u8))


def _difference(pred, target, trimap):
    unknown = unknown_region(trimap, ("pred", pred), ("target", target))
    difference = cv2.absdiff(pred, target) if pred.size else pred  # OpenCV answers None to nothing
    return difference if trimap is None else difference[unknown]


def _sum(difference):
    return float(difference.sum(dtype=np.int64))


def sad_paddle2021(pred: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray) -> float | None:
    """Twice ``evaluation.metrics.sad``, of an alpha that need not be rounded.

    Args:
        pred: predicted alpha, uint8 (H, W), or float (H, W) in 0..1.
        target_u8, trimap_u8: as ``sad``; return value and errors too.
    """
    if pred.dtype == np.uint8:
        value = sad(pred, target_u8, trimap_u8)
        return None if value is None else SCALE * value
    difference = _float_difference(pred, target_u8, trimap_u8)
    return SCALE * float(np.abs(difference).sum()) / 1000 if difference.size else None


def mse_paddle2021(pred: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray) -> float | None:
    """Twice the sum of squared differences over the number of unknown pixels + 1; plain, tables show it times 1000.

    Arguments, return value and errors as ``sad_paddle2021``.
    """
    if pred.dtype != np.uint8:
        difference = _float_difference(pred, target_u8, trimap_u8)
        return SCALE * float(np.square(difference).sum()) / (difference.size + 1) if difference.size else None
    value, pixels = mse(pred, target_u8, trimap_u8), pred.size if trimap_u8 is None else int((trimap_u8 == UNKNOWN).sum())
    return None if value is None else SCALE * value * pixels / (pixels + 1)


def _float_difference(pred, target_u8, trimap_u8):
    """pred - target in 0..1 where it counts, float64 (n,)."""
    unknown = unknown_region(trimap_u8, ("target", target_u8))
    if pred.shape != target_u8.shape:
        raise ValueError(f"shapes differ: pred {pred.shape}, target {target_u8.shape}")
    return pred[unknown].astype(np.float64) - target_u8[unknown] / 255
