"""Small images enlarged bilinearly in parts, as they are needed: whole they would take gigabytes for a large photo.

Samples lie in the middle of pixels and the border is repeated, as ``cv2.resize`` and the networks have it.
"""
from __future__ import annotations

import cv2
import numpy as np

STRIP = 64  # rows that are made at once of an image with many channels


def enlarged_rows(image: np.ndarray, height: int, width: int, top: int, bottom: int, lowest: np.ndarray | None = None,
                  highest: np.ndarray | None = None) -> np.ndarray:
    """Rows from ``top`` to ``bottom`` of ``image``, float32 (h, w[, C]), at (height, width): float32 (rows, width[, C]).

    Args:
        lowest, highest: (C,), what the channels are clipped to before; None: they are not.
    """
    low, high, share = _neighbours(np.arange(top, bottom), image.shape[0], height)
    first = low[0]
    part = image[first:high[-1] + 1]
    if lowest is not None:
        part = np.clip(part, lowest, highest)
    upper = part[low - first]
    upper += share.reshape(-1, *(1,) * (image.ndim - 1)) * (part[high - first] - upper)  # first, while rows are short
    return cv2.resize(upper, (width, len(upper)), interpolation=cv2.INTER_LINEAR)


def at_half(image: np.ndarray, height: int, width: int, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """``image``, float32 (h, w, C), at half of (height, width) where it is larger than a quarter of it; else itself.

    Args:
        lowest, highest: (C,), what the channels are clipped to before.
    """
    if 4 * max(image.shape[:2]) <= max(height, width) or image.shape[:2] == (height // 2, width // 2):
        return image
    made = np.empty((height // 2, width // 2, image.shape[2]), np.float32)
    for top in range(0, len(made), STRIP):
        strip = made[top:top + STRIP]
        strip[:] = enlarged_rows(image, *made.shape[:2], top, top + len(strip), lowest, highest)
    return made


def enlarged_windows(image: np.ndarray, height: int, width: int, tops: np.ndarray, lefts: np.ndarray, side: int,
                     lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Windows of ``image``, float32 (h, w, C), at (height, width): float32 (N, side, side, C); 0 outside of it.

    Args:
        tops, lefts: (N,), where they begin at that size. lowest, highest: (C,), what the channels are clipped to before.
    """
    down, across = tops[:, None] + np.arange(side), lefts[:, None] + np.arange(side)
    low, high, share = _neighbours(down, image.shape[0], height)
    left, right, part = _neighbours(across, image.shape[1], width)
    share, part = share[:, :, None, None], part[:, None, :, None]

    def at(rows, columns):
        return np.clip(image[rows[:, :, None], columns[:, None, :]], lowest, highest)
    above, below = (at(rows, left) * (1 - part) + at(rows, right) * part for rows in (low, high))
    inside = ((down >= 0) & (down < height))[:, :, None] & ((across >= 0) & (across < width))[:, None, :]
    return (above * (1 - share) + below * share) * inside[..., None].astype(np.float32)


def _neighbours(places, count, length):
    """(low, high, share of high) of ``count`` pixels for places on a side that they are enlarged to ``length`` on."""
    exact = np.clip((places + 0.5) * (count / length) - 0.5, 0, count - 1)
    low = np.minimum(exact.astype(np.intp), max(count - 2, 0))
    return low, np.minimum(low + 1, count - 1), (exact - low).astype(np.float32)
