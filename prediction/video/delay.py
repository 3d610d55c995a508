"""Flicker of single frames, removed one frame late.

Where alpha of the frames before and after agrees, and that of the frame between differs from both, it is taken to flicker,
and their mean takes its place: the one-frame delay of "MODNet: Real-Time Trimap-Free Portrait Matting via Objective
Decomposition" (Ke et al., AAAI 2022). Alpha of the neighbours is what the network found, not what was made of it.
"""
from __future__ import annotations

from typing import Any

import numpy as np

TOLERANCE = 0.1  # by which alphas that agree may differ


def without_flicker(before: np.ndarray, pha: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Alpha of the middle one of three frames, float32 (H, W) in 0..1; the array itself where nothing flickers."""
    agree = np.abs(before - after) <= TOLERANCE
    flickers = agree & (np.abs(pha - before) > TOLERANCE) & (np.abs(pha - after) > TOLERANCE)
    return np.where(flickers, (before + after) / 2, pha) if flickers.any() else pha


class OneFrameDelay:
    """Hands the items of a video on, each when the next one's alpha is known.

    ``push(item, pha)`` and ``flush()`` return lists of (item, alpha); pha is float32 (H, W), or None for an item without a
    matte, such as sound, which keeps its place among the others and has no part in it. The first and the last stay as
    they are.
    """

    def __init__(self):
        self._before, self._held = None, []  # alpha handed on last, as it came; items, the first of them a frame

    def push(self, item: Any, pha: np.ndarray) -> list:
        """Take an item in; what is ready comes back."""
        if pha is None:
            self._held.append((item, None))
            return [] if self._held[0][1] is not None else self.flush()
        ready = self._settled(pha)
        self._held = [(item, pha)]
        return ready

    def flush(self) -> list:
        """Return the frames left at the end."""
        ready, self._held = self._held, []
        return ready

    def _settled(self, after):
        if not self._held:
            return []
        (item, pha), *rest = self._held
        smooth = pha
        if self._before is not None and self._before.shape == pha.shape == after.shape:
            smooth = without_flicker(self._before, pha, after)
        self._before = pha
        return [(item, smooth), *rest]
