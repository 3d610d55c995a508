"""Photometric registration of two gray images by a homography, robust against what only one of them shows.

Iterated least squares in the inverse compositional form (Baker and Matthews, "Lucas-Kanade 20 Years On", IJCV 2004): the
slopes belong to the image that moves. What light did is fitted along.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bgmatting.media.alignment.level import LEAST_POINTS, Level, tukey

STEPS = 12         # iterations at one level
LATE = 6           # from so many on the start is forgotten
# The scale of what counts as noise comes from the best so many points, at first and at last: the others may be subject.
FIRST_SHARES, LATER_SHARES = (0.5, 0.15), (0.25, 0.12)
# With much subject that scale is too large: if a share e of the points fits, it is about 1 / e of the true one.
TIGHT = 1.5        # times the noise of a camera, where the start is known to be good
EFFECTIVE = 0.1    # neighbours are not independent: so large a share of the points counts
REACH = 0.05       # of the longer side: how far ``search`` looks
TURNS = (0.0, -0.025, 0.025)  # and at which rotations, radians
# How far a hand moves a camera, as deviations of the normalised matrix: what the image does not tell is taken from here.
# In order: the two shifts, rotation, scale, aspect, shear, and the two perspective terms.
PRIOR = np.array([0.1, 0.1, 0.08, 0.03, 0.006, 0.006, 0.015, 0.015])
STIFF = 0.3        # times that on coarse levels, where few pixels say little


class Fit(NamedTuple):
    """A registration.

    matrix: (3, 3) bgr -> src in pixels of the photo.
    agreement: share of the points of bgr with texture that src shows within the noise, 0..1.
    score: how much better these points fit where they are than ASIDE pixels along their slope; near 0 where they fit by
        chance, or because nothing is to be seen there.
    error: expected error at the corners in pixels of the photo.
    light: coefficients of ``Level.light``.
    """
    matrix: np.ndarray
    agreement: float
    score: float
    error: float
    light: np.ndarray


def failed(matrix: np.ndarray) -> Fit:
    """A Fit that says that nothing was found."""
    return Fit(matrix, 0.0, 0.0, np.inf, np.zeros(0))


def register(levels: list[Level], matrix: np.ndarray, tight: bool = False) -> Fit:
    """Refine ``matrix`` (3, 3, pixels of the photos) from the first level (coarse) to the last (fine). Returns Fit.

    ``tight``: the noise is what a camera makes, no more. That finds less from afar, but a start that is right is kept even
    behind a subject that covers most of the image.
    """
    fit = failed(matrix)
    for level in levels:
        fit = _at_level(level, fit.matrix, True, tight)
        if fit.error == np.inf:
            return fit
    return fit


def polish(level: Level, fit: Fit) -> Fit:
    """The last of the accuracy for the ``fit`` of a sparse level, from a dense one of the same size.

    Its agreement and score stay those of the strong points, which bounds for them are made for.
    """
    finer = _at_level(level, fit.matrix, tight=True, light=fit.light)
    return fit._replace(matrix=finer.matrix, error=finer.error, light=finer.light)


def assess(level: Level, matrix: np.ndarray) -> Fit:
    """The Fit of ``matrix`` as it is: only what light does is fitted. Its error is infinite where too little is seen."""
    return _at_level(level, matrix, False)


def search(level: Level, count: int = 2) -> list[np.ndarray]:
    """The ``count`` matrices (3, 3) among shifts and turns in steps that fit best at a level, best first."""
    keep = level.locates
    if not level.flat or keep.sum() < LEAST_POINTS:
        return []  # a strip has no coarse level, and looking about at a fine one would take minutes
    reach, tried = int(np.ceil(REACH * max(level.shape))), []
    for angle in TURNS:
        cos, sin = np.cos(angle), np.sin(angle)
        for x in range(-reach, reach + 1):
            for y in range(-reach, reach + 1):
                current = np.array([[cos, -sin, x / level.half], [sin, cos, y / level.half], [0, 0, 1]])
                rest, inside = level.rest(current, np.zeros(2))
                good = inside & keep
                tried.append((tukey(rest[good], 4.0).sum() / max(good.sum(), LEAST_POINTS), angle, x, y, current))
    best = []
    for entry in sorted(tried, key=lambda entry: -entry[0]):
        if all(max(abs(entry[2] - other[2]), abs(entry[3] - other[3])) > 1 for other in best):
            best.append(entry)
        if len(best) == count:
            break
    to_photo = np.linalg.inv(level.from_photo)
    return [to_photo @ entry[-1] @ level.from_photo / (to_photo @ entry[-1] @ level.from_photo)[2, 2] for entry in best]


def _at_level(level, matrix, move=True, tight=False, light=None):
    """The Fit at one level. ``light``: where ``matrix`` is nearly right, what belongs to it."""
    current = level.from_photo @ matrix @ np.linalg.inv(level.from_photo)
    first, covariance = 0 if light is None else LATE, None
    light = level.first_light(current) if light is None else light
    shares = FIRST_SHARES if level.flat else LATER_SHARES
    for step in range(first, STEPS):
        rest, inside = level.rest(current, light)
        if inside.sum() < LEAST_POINTS:
            return failed(matrix)
        share = shares[0] + (shares[1] - shares[0]) * min(step / LATE, 1)
        scale = max(np.quantile(np.abs(rest[inside]), share) / _normal_quantile(share), 1.0)
        scale = min(scale, TIGHT) if tight else scale
        weight = np.where(inside, tukey(rest, scale), 0)
        if step >= 3:
            weight *= level.shared(weight, inside)
        weight = weight / level.sigma ** 2 / scale ** 2
        update, covariance = _solve(level.design, rest * level.sigma, weight, current, level.flat, move)
        if move:
            delta = np.eye(3)
            delta.flat[:8] += update[:8]
            current = current @ np.linalg.inv(delta)
            current /= current[2, 2]
        light = light + update[8:]
        if step >= LATE and np.abs(update[:8]).max() * level.half < 0.01:
            break
    rest, inside = level.rest(current, light)
    good = inside & level.locates
    count = max(good.sum(), LEAST_POINTS)
    result = np.linalg.inv(level.from_photo) @ current @ level.from_photo
    if not np.isfinite(result).all() or np.linalg.det(current) < 0.5:
        return failed(matrix)
    return Fit(result / result[2, 2], float((np.abs(rest[good]) < 3).sum() / count), level.score(current, light),
               corner_error(covariance) * level.pixel, light)


def _normal_quantile(share):
    """The quantile of a Gaussian's absolute value (deviation 1), for shares up to 0.5, to 1 %."""
    return 1.2533 * share + 0.33 * share ** 3


def _solve(design, rest, weight, current, flat, move):
    """One step of weighted least squares with the prior. Returns (update (8 + L,), covariance of the matrix (8, 8))."""
    weighted = design * (weight * EFFECTIVE)[:, None]
    normal = weighted.T @ design
    right = weighted.T @ rest
    # rows: how far current is from what a hand does, and how an update changes that (current becomes current - update)
    a, b, x, c, d, y, g, h = current.flat[:8]
    away = np.array([x, y, (c - b) / 2, (a + d) / 2 - 1, a - d, b + c, g, h])
    strength = 1 / np.square(PRIOR * (STIFF if flat else 1))
    rows = np.zeros((8, len(normal)))
    rows[0, 2] = rows[1, 5] = rows[6, 6] = rows[7, 7] = 1
    rows[2, [1, 3]], rows[3, [0, 4]], rows[4, [0, 4]], rows[5, [1, 3]] = (-0.5, 0.5), 0.5, (1, -1), 1
    normal += rows.T @ (rows * strength[:, None])
    right += rows.T @ (strength * away)
    normal[np.arange(len(normal)), np.arange(len(normal))] += 1e-3
    normal[np.arange(9, len(normal)), np.arange(9, len(normal))] += 100.0  # light changes little but the exposure
    if not move:
        right[:8], normal[:8, 8:], normal[8:, :8] = 0, 0, 0
    return np.linalg.solve(normal, right), np.linalg.inv(normal)[:8, :8]


def corner_error(covariance: np.ndarray) -> float:
    """Expected length of the worst corner's error, in normalised units, from the covariance (8, 8) of the matrix."""
    worst = 0.0
    for x, y in ((-0.7, -0.7), (0.7, -0.7), (0.7, 0.7), (-0.7, 0.7)):
        rows = np.array([[x, y, 1, 0, 0, 0, -x * x, -x * y], [0, 0, 0, x, y, 1, -x * y, -y * y]])
        worst = max(worst, float(np.trace(rows @ covariance @ rows.T)))
    return worst ** 0.5
