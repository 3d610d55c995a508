"""Photometric registration of two gray pictures by a homography, robust against what only one of them shows.

Iterated least squares in the inverse compositional form (Baker and Matthews, "Lucas-Kanade 20 Years On", IJCV 2004): the
slopes belong to the picture that moves. Both pictures are logarithms, so that another exposure leaves little more than an
offset; what light may do besides (a factor, a curve, a slope across the picture) is fitted along. On coarse levels broad
brightness is taken out, so that nothing has to be known of it.
"""
from typing import NamedTuple

import cv2
import numpy as np

POINTS = 10000     # at most so many pixels vote at one level
CELLS = 12         # they are spread over so many cells a side
NEIGHBOURS = 16    # and judged together with their neighbours, in so many cells a side
STEPS = 12         # iterations at one level
TUKEY = 4.685      # 95 % efficiency for Gaussian noise
# The scale of what counts as noise comes from the best so many points, at first and at last: the others may be subject.
FIRST_SHARES, LATER_SHARES = (0.5, 0.15), (0.25, 0.12)
FLOOR = 12.0       # gray levels added before the logarithm: keeps noise in the dark small
BROAD = 12.0       # pixels: what is broader is brightness, not texture
MIDDLE = 4.7       # the logarithm of a middle gray
SMOOTH = 0.8       # pixels
KEPT_NOISE = 0.38  # of white noise, after that smoothing
CLIPPED = 250      # gray levels from here on show nothing
RELATIVE = 0.012   # of the brightness: what interpolation and tone curves leave, beside the noise
EFFECTIVE = 0.1    # neighbours are not independent: so large a share of the points counts
LEAST_POINTS = 40
ASIDE = 3.0        # pixels
REACH = 0.05       # of the longer side: how far ``search`` looks
TURNS = (0.0, -0.025, 0.025)  # and at which rotations, radians
# How far a hand moves a camera, as deviations of the normalised matrix: what the picture does not tell is taken from here.
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
    """
    matrix: np.ndarray
    agreement: float
    score: float
    error: float


def failed(matrix):
    """A Fit that says that nothing was found."""
    return Fit(matrix, 0.0, 0.0, np.inf)


class Level:
    """Two gray pictures (h, w) uint8, shrunk copies of photos of ``size`` (height, width), and what is needed to fit them.

    ``flat``: without broad brightness.

    ``point`` (3, N): normalised places of the textured pixels of bgr; ``value``, ``sigma`` (N,): texture there, and its
    noise; ``telling`` (N,): whether moving by a pixel shows above the noise.
    """

    def __init__(self, src, bgr, size, flat):
        self.src, self.shape = src, src.shape
        height, width = src.shape
        across, down = width / size[1], height / size[0]
        half = np.hypot(height, width) / 2
        # pixel of the photo -> pixel here, with pixels' middles at whole numbers
        shrink = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        # pixel here -> coordinates with the middle at 0 and the corners at distance 1
        norm = np.array([[1 / half, 0, -(width - 1) / 2 / half], [0, 1 / half, -(height - 1) / 2 / half], [0, 0, 1]])
        self.half, self.pixel = half, half / across  # of this level, and of the photo, per normalised unit
        self.change, self.back = norm @ shrink, np.linalg.inv(norm)
        self.still, moving = (texture(image, flat) for image in (src, bgr))
        self.flat = flat
        slope_x, slope_y = (cv2.Sobel(moving, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
        rows, cols = _points(slope_x, slope_y, bgr)
        self.cell = rows * NEIGHBOURS // height * NEIGHBOURS + cols * NEIGHBOURS // width
        slope_x, slope_y = slope_x[rows, cols], slope_y[rows, cols]
        self.point = norm @ np.stack([cols, rows, np.ones_like(rows)]).astype(np.float64)
        self.value = moving[rows, cols].astype(np.float64)
        noise = np.hypot(noise_of(src), noise_of(bgr)) * KEPT_NOISE
        self.sigma = noise / (bgr[rows, cols] + FLOOR) + RELATIVE
        self.telling = np.hypot(slope_x, slope_y) > self.sigma
        self.aside = ASIDE * np.stack([slope_x, slope_y]) / np.maximum(np.hypot(slope_x, slope_y), 1e-9)
        jacobian = _jacobian(self.point, slope_x * half, slope_y * half)
        x, y = self.point[:2]
        ones = np.ones_like(x)
        self.light = np.stack([ones, self.value] if flat else
                              [ones, self.value - MIDDLE, np.square(self.value - MIDDLE), x, y], 1)
        self.design = np.hstack([jacobian, self.light])

    def first_light(self, current):
        """The coefficients of ``light`` to start from: another exposure alone, of a few the one with the best score.

        The differences that most points share are tried, and none: a large subject can have the commonest one.
        """
        light = np.zeros(self.light.shape[1])
        if self.flat:
            return light
        rest, inside = self.rest(current, light)
        counts, edges = np.histogram((rest * self.sigma)[inside], np.arange(-0.8, 0.81, 0.02))
        counts = np.convolve(counts, (1, 2, 3, 2, 1), "same")
        tries = [0.0]
        for _ in range(4):
            peak = int(counts.argmax())
            tries.append(edges[peak] + 0.01)
            counts[max(peak - 5, 0):peak + 6] = 0
        lights = [np.append(offset, light[1:]) for offset in tries]
        return max(lights, key=lambda light: self.score(current, light, 3.0))

    def score(self, current, light, scale=1.0):
        """``Fit.score``, noise taken to be ``scale`` times as strong."""
        rest, inside = self.rest(current, light)
        good = inside & self.telling
        score = tukey(rest[good], scale).sum()
        for side in (-1, 1):
            score -= tukey(self.rest(current, light, side)[0][good], scale).sum() / 2
        return float(score / max(good.sum(), LEAST_POINTS))

    def rest(self, current, light, aside=0.0):
        """(src - bgr in units of the noise (N,), which points can be told (N,)) under a normalised matrix.

        ``aside``: look so many times ``ASIDE`` pixels beside the place.
        """
        place = self.back @ current @ self.point
        place = (place[:2] / place[2] + aside * self.aside).astype(np.float32)
        if not np.isfinite(place).all() or place.shape[1] == 0:
            return np.zeros(place.shape[1]), np.zeros(place.shape[1], bool)
        seen = cv2.remap(self.still, place[0], place[1], cv2.INTER_LINEAR).ravel()
        gray = cv2.remap(self.src, place[0], place[1], cv2.INTER_NEAREST).ravel()
        height, width = self.shape
        inside = ((place[0] >= 1) & (place[0] <= width - 2) & (place[1] >= 1) & (place[1] <= height - 2) & (gray < CLIPPED))
        return (seen - self.value - self.light @ light) / self.sigma, inside


    def shared(self, weight, inside):
        """How far a point's neighbours fit, (N,) in 0..1: single pixels of the subject fit by chance, whole regions do not."""
        total = np.bincount(self.cell, inside, NEIGHBOURS ** 2).reshape(NEIGHBOURS, NEIGHBOURS)
        fitting = np.bincount(self.cell, weight, NEIGHBOURS ** 2).reshape(NEIGHBOURS, NEIGHBOURS)
        total, fitting = (cv2.GaussianBlur(array, (3, 3), 0.7) for array in (total, fitting))
        return np.clip((fitting / np.maximum(total, 1e-6) - 0.3) / 0.4, 0, 1).ravel()[self.cell] ** 2


def register(levels, matrix):
    """Refine ``matrix`` (3, 3, pixels of the photos) from the first level (coarse) to the last (fine). Returns Fit."""
    fit = failed(matrix)
    for level in levels:
        fit = _at_level(level, fit.matrix)
        if fit.error == np.inf:
            return fit
    return fit


def assess(level, matrix):
    """The Fit of ``matrix`` as it is: only what light does is fitted. Its error is infinite where too little is seen."""
    return _at_level(level, matrix, False)


def search(level, count=2):
    """The ``count`` matrices (3, 3) among shifts and turns in steps that fit best at a level, best first."""
    keep = level.telling
    if keep.sum() < LEAST_POINTS:
        return []
    reach, found = int(np.ceil(REACH * max(level.shape))), []
    for angle in TURNS:
        cos, sin = np.cos(angle), np.sin(angle)
        for x in range(-reach, reach + 1):
            for y in range(-reach, reach + 1):
                current = np.array([[cos, -sin, x / level.half], [sin, cos, y / level.half], [0, 0, 1]])
                rest, inside = level.rest(current, np.zeros(2))
                good = inside & keep
                found.append((tukey(rest[good], 4.0).sum() / max(good.sum(), LEAST_POINTS), angle, x, y, current))
    best = []
    for entry in sorted(found, key=lambda entry: -entry[0]):
        if all(max(abs(entry[2] - other[2]), abs(entry[3] - other[3])) > 1 for other in best):
            best.append(entry)
        if len(best) == count:
            break
    back = np.linalg.inv(level.change)
    return [back @ entry[-1] @ level.change / (back @ entry[-1] @ level.change)[2, 2] for entry in best]


def texture(gray, flat):
    """float32 (h, w): the logarithm of a picture; ``flat``: without its broad brightness."""
    value = cv2.LUT(gray, np.log(np.arange(256, dtype=np.float32) + FLOOR))
    value = cv2.GaussianBlur(value, (0, 0), SMOOTH)
    return value - _broad(value, min(BROAD, max(gray.shape) / 8)) if flat else value


def _broad(value, sigma):
    """A Gaussian blur, computed on a copy of a quarter of the sides: nobody sees the difference."""
    if min(value.shape) < 64:
        return cv2.GaussianBlur(value, (0, 0), sigma)
    small = cv2.resize(value, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), value.shape[::-1], interpolation=cv2.INTER_LINEAR)


def noise_of(gray):
    """Deviation of the noise of a picture in gray levels, from the flattest third of its finest detail (Immerkaer, 1996)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    fine = np.abs(cv2.filter2D(gray[::2] if gray.shape[0] > 400 else gray, cv2.CV_32F, kernel))
    return max(float(np.quantile(fine[:, ::2], 0.3)) / 0.385 / 6, 0.4)


def tukey(rest, scale):
    """Tukey's weights, 1 at 0 and 0 from ``TUKEY * scale`` on."""
    return np.square(np.clip(1 - np.square(rest / (TUKEY * scale)), 0, None))


def _at_level(level, matrix, move=True):
    current = level.change @ matrix @ np.linalg.inv(level.change)
    light, covariance = level.first_light(current), None
    shares = FIRST_SHARES if level.flat else LATER_SHARES
    for step in range(STEPS):
        rest, inside = level.rest(current, light)
        if inside.sum() < LEAST_POINTS:
            return failed(matrix)
        share = shares[0] + (shares[1] - shares[0]) * min(step / 6, 1)
        scale = max(np.quantile(np.abs(rest[inside]), share) / NORMAL(share), 1.0)
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
        if step >= 6 and np.abs(update[:8]).max() * level.half < 0.01:
            break
    rest, inside = level.rest(current, light)
    good = inside & level.telling
    count = max(good.sum(), LEAST_POINTS)
    result = np.linalg.inv(level.change) @ current @ level.change
    if not np.isfinite(result).all() or np.linalg.det(current) < 0.5:
        return failed(matrix)
    return Fit(result / result[2, 2], float((np.abs(rest[good]) < 3).sum() / count), level.score(current, light),
               corner_error(covariance) * level.pixel)


def NORMAL(share):
    """The quantile of a Gaussian's absolute value (deviation 1), for shares up to 0.5, to 1 %."""
    return 1.2533 * share + 0.33 * share ** 3


def _points(slope_x, slope_y, gray):
    """(rows, cols) of pixels with the strongest slope, spread over the picture, none beside clipped ones."""
    strength = np.hypot(slope_x, slope_y)
    strength[cv2.dilate(gray, np.ones((5, 5), np.uint8)) >= CLIPPED] = 0
    strength[:2] = strength[-2:] = strength[:, :2] = strength[:, -2:] = 0
    height, width = strength.shape
    high, wide = height // CELLS, width // CELLS
    if high == 0 or wide == 0:
        return np.nonzero(strength)
    cells = strength[:high * CELLS, :wide * CELLS].reshape(CELLS, high, CELLS, wide).transpose(0, 2, 1, 3)
    cells = cells.reshape(CELLS * CELLS, high * wide)
    count = min(cells.shape[1], max(POINTS // CELLS ** 2, 1))
    chosen = np.argpartition(cells, cells.shape[1] - count, axis=1)[:, -count:].ravel()
    cell = np.repeat(np.arange(CELLS * CELLS), count)
    keep = cells[cell, chosen] > 0
    cell, chosen = cell[keep], chosen[keep]
    return cell // CELLS * high + chosen // wide, cell % CELLS * wide + chosen % wide


def _jacobian(point, slope_x, slope_y):
    """Change of value with the eight entries of the normalised matrix, float64 (N, 8)."""
    x, y = point[:2]
    along = -(x * slope_x + y * slope_y)
    return np.stack([x * slope_x, y * slope_x, slope_x, x * slope_y, y * slope_y, slope_y, x * along, y * along], 1)


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


def corner_error(covariance):
    """Expected length of the worst corner's error, in normalised units, from the covariance (8, 8) of the matrix."""
    worst = 0.0
    for x, y in ((-0.7, -0.7), (0.7, -0.7), (0.7, 0.7), (-0.7, 0.7)):
        rows = np.array([[x, y, 1, 0, 0, 0, -x * x, -x * y], [0, 0, 0, x, y, 1, -x * y, -y * y]])
        worst = max(worst, float(np.trace(rows @ covariance @ rows.T)))
    return worst ** 0.5
