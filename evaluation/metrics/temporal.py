"""Errors over time: what flickers although each frame by itself may look right."""
from __future__ import annotations

import math

import cv2
import numpy as np

from bgmatting.evaluation.metrics.region import square_sum, unknown_region

# Farneback's method with the settings that published video matting evaluations of MESSDdt use (Sun et al.,
# "Deep Video Matting via Spatio-Temporal Alignment and Aggregation", CVPR 2021).
SETTINGS = {"pyr_scale": 0.5, "levels": 5, "winsize": 10, "iterations": 2, "poly_n": 7, "poly_sigma": 1.5,
            "flags": cv2.OPTFLOW_FARNEBACK_GAUSSIAN}


def dtssd(pred_u8: np.ndarray, pred_before_u8: np.ndarray, target_u8: np.ndarray, target_before_u8: np.ndarray,
          trimap_u8: np.ndarray | None = None) -> float | None:
    """Error of the change from one frame to the next: ``sqrt(mean ((p_t - p_t-1) - (a_t - a_t-1))^2)``.

    dtSSD is from Erofeev et al., "Perceptually Motivated Benchmark for Video Matting" (BMVC 2015), who sum where this
    takes the mean; the mean over the whole frame is what Lin et al., "Robust High-Resolution Video Matting with
    Temporal Guidance" (WACV 2022) report. Tables show it times 100; this is plain, with alpha in 0..1.

    Args:
        pred_u8, pred_before_u8: predicted alpha of this frame and of the one before, uint8 (H, W).
        target_u8, target_before_u8: true alpha of the same two frames, uint8 (H, W).
        trimap_u8: uint8 (H, W), only pixels of value 128 count; None: the whole frame.
    Returns float >= 0; None where nothing counts.
    Raises ValueError: the arrays differ in shape, or are not uint8 (H, W).
    """
    unknown = unknown_region(trimap_u8, ("pred", pred_u8), ("pred_before", pred_before_u8), ("target", target_u8),
                             ("target_before", target_before_u8))
    change = (pred_u8.astype(np.int16) - pred_before_u8) - (target_u8.astype(np.int16) - target_before_u8)
    if trimap_u8 is not None:
        change = change[unknown]
    return math.sqrt(square_sum(change) / change.size) / 255 if change.size else None


def messddt(pred_u8: np.ndarray, pred_before_u8: np.ndarray, target_u8: np.ndarray, target_before_u8: np.ndarray,
            trimap_u8: np.ndarray | None = None) -> float | None:
    """Error that comes and goes along the motion: ``mean |e(p, t-1)^2 - e(p + v, t)^2|``, e the error of alpha in 0..1.

    MESSDdt is from Erofeev et al. (BMVC 2015); v is the motion of pixel p, see ``followed``. They
    sum, this takes the mean over the frame. An error that stays where it is on the subject costs nothing.
    Tables show it times 1000; this is plain.

    Arguments, return value and errors as ``dtssd``; the trimap is that of the frame before, where p lies.
    """
    unknown = unknown_region(trimap_u8, ("pred", pred_u8), ("pred_before", pred_before_u8), ("target", target_u8),
                             ("target_before", target_before_u8))
    error, error_before = cv2.absdiff(pred_u8, target_u8), cv2.absdiff(pred_before_u8, target_before_u8)
    if not error.any() and not error_before.any():
        return 0.0 if unknown.any() else None
    followers = error[followed(target_before_u8, target_u8)].astype(np.int64)
    change = np.abs(followers ** 2 - error_before.astype(np.int64) ** 2)
    if trimap_u8 is not None:
        change = change[unknown]
    return float(change.sum()) / 255 ** 2 / change.size if change.size else None


def followed(target_before_u8: np.ndarray, target_u8: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each pixel of the frame before has gone: by Farneback, "Two-Frame Motion Estimation Based on Polynomial
    Expansion" (SCIA 2003), on the true alpha, rounded to whole pixels and held inside the frame.

    ``target_before_u8``, ``target_u8``: true alpha of two frames, uint8 (H, W).
    Returns (rows, columns), int (H, W) each: pixel (y, x) of the frame before is (rows[y, x], columns[y, x]) of this one.
    """
    flow = cv2.calcOpticalFlowFarneback(target_before_u8, target_u8, None, **SETTINGS)
    flow = np.nan_to_num(np.rint(flow)).astype(np.int64)
    height, width = target_u8.shape
    rows = np.clip(np.arange(height)[:, None] + flow[..., 1], 0, height - 1)
    columns = np.clip(np.arange(width) + flow[..., 0], 0, width - 1)
    return rows, columns
