"""Outlines as point lists: float arrays (N, 2) of x, y in whatever unit the caller uses."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bgmatting.dataset.generate.paint import noise


def rounded(points: Sequence, times: int = 3, closed: bool = True) -> np.ndarray:
    """Cut the corners of a polygon (or, not ``closed``, of a polyline that keeps its ends) ``times`` times."""
    points = np.asarray(points, float)
    for _ in range(times):
        following = np.roll(points, -1, 0) if closed else points[1:]
        before = points if closed else points[:-1]
        cut = np.stack((0.75 * before + 0.25 * following, 0.25 * before + 0.75 * following), 1).reshape(-1, 2)
        points = cut if closed else np.concatenate((points[:1], cut, points[-1:]))
    return points


def normals(points: np.ndarray, closed: bool = False) -> np.ndarray:
    """Unit normals (N, 2) of a line: its direction turned by a quarter (x, y) -> (y, -x)."""
    along = np.roll(points, -1, 0) - np.roll(points, 1, 0) if closed else np.gradient(points, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    return np.stack((along[:, 1], -along[:, 0]), 1)


def sweep(centre: Sequence, widths: np.ndarray, round_end: bool = True) -> np.ndarray:
    """Outline of a limb: ``centre`` (N, 2) corner points, ``widths`` (M,) half widths spread evenly along it.

    Its start is round; its end is, too, unless ``round_end`` is off, as for the cuff of a sleeve.
    """
    line = rounded(centre, 3, closed=False)
    far = np.concatenate(([0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    place = np.linspace(0, 1, 28)
    line = np.stack([np.interp(place * far[-1], far, line[:, axis]) for axis in (0, 1)], 1)
    half = np.interp(place, np.linspace(0, 1, len(widths)), widths)
    side = normals(line)
    left, right = line + side * half[:, None], line - side * half[:, None]
    turn = np.linspace(0.2, np.pi - 0.2, 5)[:, None]
    caps = []
    for end, sign in ((-1, 1), (0, -1)):
        ahead = np.array((-side[end][1], side[end][0]))
        caps.append(line[end] + sign * half[end] * (side[end] * np.cos(turn) + ahead * np.sin(turn)))
    end_cap = caps[:1] if round_end else []
    return np.concatenate([left] + end_cap + [right[::-1], caps[1]])


def ellipse(centre: Sequence, radii: Sequence[float], turn: float = 0.0, count: int = 28) -> np.ndarray:
    """Outline (count, 2) of an ellipse turned by ``turn`` radians."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    flat = np.stack((radii[0] * np.cos(angle), radii[1] * np.sin(angle)), 1)
    cos, sin = np.cos(turn), np.sin(turn)
    return flat @ np.array(((cos, sin), (-sin, cos))) + np.asarray(centre, float)


def wavy(rng: np.random.Generator, points: np.ndarray, size: float, cells: float) -> np.ndarray:
    """A closed outline pushed in and out by smooth noise of deviation about ``size``, ``cells`` bumps around."""
    points = dense(points, 96)
    return points + normals(points, closed=True) * (size * noise.line(rng, len(points), cells, closed=True))[:, None]


def dense(points: np.ndarray, count: int) -> np.ndarray:
    """A closed outline resampled to ``count`` points at even distance."""
    loop = np.concatenate((points, points[:1]))
    far = np.concatenate(([0], np.cumsum(np.hypot(*np.diff(loop, axis=0).T))))
    place = np.linspace(0, far[-1], count, endpoint=False)
    return np.stack([np.interp(place, far, loop[:, axis]) for axis in (0, 1)], 1)


def bend(rng: np.random.Generator, size: float, wavelength: float) -> Callable[[np.ndarray], np.ndarray]:
    """A smooth random displacement of the plane: a function points (N, 2) -> points (N, 2), about ``size`` far."""
    wave = rng.normal(0, 2 * np.pi / wavelength, (2, 3, 2))
    phase = rng.uniform(0, 2 * np.pi, (2, 3))

    def move(points):
        shift = [np.sin(points @ wave[axis].T + phase[axis]).sum(1) for axis in (0, 1)]
        return points + size / 2 * np.stack(shift, 1)
    return move
