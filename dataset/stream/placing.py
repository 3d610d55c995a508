"""Where a subject stands in the frame, and how it is resampled to be there."""
from __future__ import annotations

import numpy as np

from bgmatting.dataset.stream.subjects import Subject
from bgmatting.media.operations import warp

LARGEST = 2.0   # times that a subject is enlarged at most; larger ones are too soft to learn edges from
SCALES = (0.4, 1.7)        # times as large as the frame holds
CLOSE, CLOSER = 0.25, (1.5, 3.0)  # share of subjects seen close up, whose soft edges are wide, and their scales
BEYOND = 8      # pixels by which a side that the image's border cut lies outside the frame, so that no straight edge is seen


def place(rng: np.random.Generator, subject: Subject, height: int, width: int) -> np.ndarray:
    """Set ``subject`` somewhere in a (height, width) frame: float32 (height, width, 4), colour multiplied by alpha.

    It is seen whole or cut by the frame, from a third of its height to three times the frame.
    """
    high, wide = subject.rgba.shape[:2]
    left, top, right, bottom = subject.cut
    scale = np.exp(rng.uniform(*np.log(CLOSER if rng.random() < CLOSE else SCALES))) * min(height / high, width / wide)
    if left and right:
        scale = max(scale, (width + 3 * BEYOND) / wide)
    if top and bottom:
        scale = max(scale, (height + 3 * BEYOND) / high)
    if not (left and right or top and bottom):
        scale = min(scale, LARGEST)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    if flip < 0:
        left, right = right, left
    upright = not any(subject.cut)
    turn = np.deg2rad(rng.normal(0, 12) if upright and rng.random() < 0.7 else rng.uniform(-0.4, 0.4))
    x = middle(rng, scale * wide, width, left, right)
    y = middle(rng, scale * high, height, top, bottom)
    stretch = scale * np.exp(rng.normal(0, 0.05, 2))
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = turned @ np.diag([flip * stretch[0], stretch[1]])
    shift = np.array([x, y]) - linear @ np.array([wide / 2, high / 2])
    return warp(subject.rgba, np.hstack([linear, shift[:, None]]), (height, width))


def middle(rng: np.random.Generator, size: float, frame: int, before: bool, after: bool) -> float:
    """Draw where the middle of something of ``size`` lies along an axis; ``before``, ``after``: ends to be outside."""
    if before and after:
        return frame / 2 + rng.uniform(-0.5, 0.5) * max(size - frame - 2 * BEYOND, 0)
    inside = rng.uniform(0.55, 1.0) * min(size, frame)  # how much of it is seen
    if after:
        return frame - inside + size / 2 if inside + BEYOND < size else frame + BEYOND - size / 2
    if before:
        return inside - size / 2 if inside + BEYOND < size else size / 2 - BEYOND
    slack = abs(frame - size) / 2 + 0.15 * min(size, frame) * (rng.random() < 0.4)
    return frame / 2 + rng.uniform(-1, 1) * slack
