"""Smooth random fields and lines."""
from __future__ import annotations

import cv2
import numpy as np


def smooth(rng: np.random.Generator, height: int, width: int, cells: float, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise, float32 (height, width), mean 0, deviation about 0.7.

    ``cells`` is the number of bumps along the longer side; ``stretch`` above 1 draws bumps out along x.
    """
    side = max(height, width)
    rows = max(2, int(round(cells * height / side)) + 1)
    cols = max(2, int(round(cells * width / side / stretch)) + 1)
    grid = rng.standard_normal((rows, cols)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def octaves(rng: np.random.Generator, height: int, width: int, cells: float = 3, count: int = 4, gain: float = 0.55,
            stretch: float = 1.0) -> np.ndarray:
    """Sum of ``count`` octaves of ``smooth`` noise, float32 (height, width), about 0..1 around 0.5 and clipped."""
    total = np.zeros((height, width), np.float32)
    weight, power = 1.0, 0.0
    for _ in range(count):
        if cells > max(height, width):
            break
        total += np.float32(weight) * smooth(rng, height, width, cells, stretch)
        power += weight * weight
        cells, weight = cells * 2.1, weight * gain
    return np.clip(0.5 + total * np.float32(0.3 / max(power, 1e-6) ** 0.5), 0, 1)


def line(rng: np.random.Generator, count: int, cells: float, closed: bool = False) -> np.ndarray:
    """Smooth noise along a line, float32 (count,), mean 0, deviation about 0.7; ``closed`` joins its ends."""
    knots = rng.standard_normal(max(3, int(cells)))
    knots = np.append(knots, knots[0]) if closed else knots
    place = np.linspace(0, len(knots) - 1, count)
    low = np.minimum(place.astype(int), len(knots) - 2)
    part = place - low
    part = part * part * (3 - 2 * part)
    return (knots[low] * (1 - part) + knots[low + 1] * part).astype(np.float32)
