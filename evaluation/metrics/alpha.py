"""Errors pixel by pixel: SAD, MAD and MSE."""
import cv2
import numpy as np

from evaluation.metrics.region import mean_square, unknown_region
from evaluation.testset.trimap import UNKNOWN

SCALE = 2


def sad(pred_u8, target_u8, trimap_u8=None):
    """Sum of absolute differences, in thousands: ``sum |pred - target| / 1000`` with alpha in 0..1.

    Args:
        pred_u8, target_u8: predicted and true alpha, uint8 (H, W), 255 is opaque.
        trimap_u8: uint8 (H, W); only pixels of value 128 count. None: the whole picture.

    Returns:
        float >= 0.

    Raises:
        ValueError: the arrays differ in shape, are not uint8, or are not (H, W).
    """
    return _sum(_difference(pred_u8, target_u8, trimap_u8)) / 255 / 1000


def mad(pred_u8, target_u8, trimap_u8=None):
    """Mean absolute difference ``mean |pred - target|`` with alpha in 0..1; over the whole picture in Robust Video
    Matting (Lin et al., WACV 2022). Tables show it times 1000; this is plain.

    Arguments, return value and errors as ``sad``. Where nothing counts the mean is undefined and 0.0 is returned.
    """
    difference = _difference(pred_u8, target_u8, trimap_u8)
    return _sum(difference) / 255 / difference.size if difference.size else 0.0


def mse(pred_u8, target_u8, trimap_u8=None):
    """Mean squared difference ``mean (pred - target)^2`` with alpha in 0..1. Tables show it times 1000; this is plain.

    Arguments, return value and errors as ``sad``. Where nothing counts the mean is undefined and 0.0 is returned.
    """
    return mean_square(_difference(pred_u8, target_u8, trimap_u8)) / 255 ** 2


def _difference(pred, target, trimap):
    unknown = unknown_region(trimap, ("pred", pred), ("target", target))
    difference = cv2.absdiff(pred, target)
    return difference if trimap is None else difference[unknown]


def _sum(difference):
    return float(difference.sum(dtype=np.int64))


def sad_paddle2021(pred_u8, target_u8, trimap_u8):
    """Twice ``evaluation.metrics.sad``. Arguments, return value and errors as there."""
    return SCALE * sad(pred_u8, target_u8, trimap_u8)


def mse_paddle2021(pred_u8, target_u8, trimap_u8):
    """Twice the sum of squared differences over the number of unknown pixels + 1; plain, tables show it times 1000.

    Arguments, return value and errors as ``evaluation.metrics.mse``.
    """
    pixels = pred_u8.size if trimap_u8 is None else int((trimap_u8 == UNKNOWN).sum())
    return SCALE * mse(pred_u8, target_u8, trimap_u8) * pixels / (pixels + 1)
