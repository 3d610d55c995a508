"""The error of the foreground's colour."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.evaluation.metrics.region import check_array, mean_square, unknown_region
from bgmatting.evaluation.testset.trimap import UNKNOWN


def fg_mse(pred_fgr: np.ndarray, true_fgr: np.ndarray, true_pha: np.ndarray,
           trimap: np.ndarray | None = None) -> float | None:
    """Mean squared difference of the foreground colours, both set to black where the true alpha is 0.

    The mean runs over all unknown pixels and the three channels (Lin et al., CVPR 2021). Tables show it times 1000;
    this is plain.

    Args:
        pred_fgr, true_fgr: uint8 RGB (H, W, 3).
        true_pha: uint8 (H, W).
        trimap: uint8 (H, W), only pixels of value 128 count; None: the whole image.
    Returns float >= 0; None where nothing counts.
    Raises ValueError: the arrays differ in height or width, are not uint8, or have another number of axes.
    """
    check_array("pred_fgr", pred_fgr, 3)
    check_array("true_fgr", true_fgr, 3)
    unknown = unknown_region(trimap, ("true_pha", true_pha))
    if pred_fgr.shape != true_fgr.shape or true_fgr.shape[:2] != true_pha.shape:
        raise ValueError(f"shapes differ: pred_fgr {pred_fgr.shape}, true_fgr {true_fgr.shape}, "
                         f"true_pha {true_pha.shape}")
    difference = cv2.absdiff(pred_fgr, true_fgr)[unknown]
    difference[true_pha[unknown] == 0] = 0
    return mean_square(difference)


def fg_mse_inside(pred_fgr: np.ndarray, true_fgr: np.ndarray, true_pha: np.ndarray) -> float | None:
    """Mean squared difference of the foreground colours where the true alpha is above 0, and over those pixels only:
    as Lin et al., "Robust High-Resolution Video Matting with Temporal Guidance" (WACV 2022), report it.

    Arguments, return value and errors as ``fg_mse``.
    """
    inside = np.where(true_pha > 0, np.uint8(UNKNOWN), np.uint8(0))
    return fg_mse(pred_fgr, true_fgr, true_pha, inside)
