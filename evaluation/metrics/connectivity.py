"""The connectivity error: what hangs loose from the body of the subject."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.evaluation.metrics.region import unknown_region

LEVELS = 10         # thresholds 0.1, 0.2 ... 1.0
THETA = 0.15        # disconnections smaller than this are not seen


def conn(pred_u8: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray | None = None) -> float | None:
    """Connectivity error ``sum |phi(pred) - phi(target)|``: what hangs loose from the body of the subject.

    The body at a threshold t (0.1, 0.2 ... 1) is the largest 4-connected region where both mattes reach t. A pixel's
    level l is the last threshold before it first leaves the body, and
    ``phi(a) = 1 - d * (d >= 0.15)`` with ``d = a - l``. Where no pixel reaches t in both mattes the body is empty.
    Arguments, return value and errors as ``evaluation.metrics.sad``. Tables show it as it is.
    """
    unknown = unknown_region(trimap_u8, ("pred", pred_u8), ("target", target_u8))
    if not unknown.any():
        return None
    # Transposed, regions are numbered down the columns, so that of two equally large the leftmost wins, as in Octave.
    pred, target, unknown = (cv2.transpose(array) for array in (pred_u8, target_u8, unknown.view(np.uint8)))
    pixels = np.flatnonzero((pred != target) & (unknown > 0))  # equal alpha has equal phi
    level = _levels(np.minimum(pred, target), pixels) / LEVELS
    difference = _loose_part(pred.ravel()[pixels], level) - _loose_part(target.ravel()[pixels], level)
    return float(np.abs(difference).sum())


def _levels(common, pixels):
    """For flat indices ``pixels`` (N,), through how many thresholds in a row each stays in the body, int (N,)."""
    level = np.zeros(len(pixels), np.int64)
    inside = np.arange(len(pixels))
    for step in range(1, LEVELS + 1):
        # Whole numbers: value / 255 >= step / 10 without the rounding of either fraction.
        reached = (common >= -(-255 * step // LEVELS)).view(np.uint8)
        inside = inside[_largest_region(reached).ravel()[pixels[inside]]]
        if len(inside) == 0:
            break
        level[inside] = step
    return level


def _largest_region(mask):
    """The largest 4-connected region of ``mask``, bool of the same shape; all False where the mask is empty."""
    count, labels = cv2.connectedComponents(mask, connectivity=4, ltype=cv2.CV_32S)
    if count <= 2:
        return mask > 0
    sizes = np.bincount(labels.ravel(), minlength=count)
    return labels == 1 + int(np.argmax(sizes[1:]))


def _loose_part(pha, level):
    distance = pha / 255.0 - level
    return np.where(distance >= THETA, distance, 0.0)
