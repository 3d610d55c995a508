"""Registration's view of two images at one size: textured points of bgr, and how src differs there.

Both images are logarithms, so that another exposure leaves little more than an offset; what light may do besides (a
factor, a curve, a slope across the image) is described by ``Level.light``. On coarse levels broad brightness is taken out,
so that nothing has to be known of it.
"""
from __future__ import annotations

import cv2
import numpy as np

POINTS = 10000     # at most so many pixels vote at one level
ALL_POINTS = 100000  # and where the last of the accuracy is sought
ROW = 4096         # OpenCV samples no more than 32,767 places in a row
CELLS = 12         # they are spread over so many cells a side
NEIGHBOURS = 16    # and judged together with their neighbours, in so many cells a side
TUKEY = 4.685      # 95 % efficiency for Gaussian noise
FLOOR = 12.0       # gray levels added before the logarithm: keeps noise in the dark small
BROAD = 12.0       # pixels: what is broader is brightness, not texture
MIDDLE = 4.7       # the logarithm of a middle gray
SMOOTH = 0.8       # pixels
KEPT_NOISE = 0.38  # of white noise, after that smoothing
CLIPPED = 250      # gray levels from here on show nothing
RELATIVE = 0.012   # of the brightness: what interpolation and tone curves leave, beside the noise
LEAST_POINTS = 40
ASIDE = 3.0        # pixels


class Level:
    """Two gray images (h, w) uint8, shrunk copies of photos of ``size`` (height, width), and what is needed to fit them.

    ``flat``: without broad brightness. ``dense``: weak texture votes as well, and src is sampled by cubics: slower, and
    several times as accurate where little shows, for a start that is right to a pixel or two.

    ``point`` (3, N): normalised places of the textured pixels of bgr; ``value``, ``sigma`` (N,): texture there, and its
    noise; ``locates`` (N,): whether moving by a pixel shows above the noise.
    ``from_photo``, ``to_pixel`` (3, 3): pixel of the photo -> normalised place -> pixel here. ``src_texture``: (h, w).
    """

    def __init__(self, src: np.ndarray, bgr: np.ndarray, size: tuple[int, int], flat: bool, dense: bool = False):
        self.src, self.shape = src, src.shape
        self.dense = dense
        height, width = src.shape
        across, down = width / size[1], height / size[0]
        half = np.hypot(height, width) / 2
        # pixel of the photo -> pixel here, with pixels' middles at whole numbers
        shrink = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        # pixel here -> coordinates with the middle at 0 and the corners at distance 1
        norm = np.array([[1 / half, 0, -(width - 1) / 2 / half], [0, 1 / half, -(height - 1) / 2 / half], [0, 0, 1]])
        self.half, self.pixel = half, half / across  # of this level, and of the photo, per normalised unit
        self.from_photo, self.to_pixel = norm @ shrink, np.linalg.inv(norm)
        self.src_texture, bgr_texture = (texture(image, flat) for image in (src, bgr))
        self.flat = flat
        slope_x, slope_y = (cv2.Sobel(bgr_texture, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
        rows, cols = _points(slope_x, slope_y, bgr, ALL_POINTS if dense else POINTS)
        self.cell = rows * NEIGHBOURS // height * NEIGHBOURS + cols * NEIGHBOURS // width
        slope_x, slope_y = slope_x[rows, cols], slope_y[rows, cols]
        self.point = norm @ np.stack([cols, rows, np.ones_like(rows)]).astype(np.float64)
        self.value = bgr_texture[rows, cols].astype(np.float64)
        noise = np.hypot(noise_of(src), noise_of(bgr)) * KEPT_NOISE
        self.sigma = noise / (bgr[rows, cols] + FLOOR) + RELATIVE
        self.locates = np.hypot(slope_x, slope_y) > self.sigma
        self.aside = ASIDE * np.stack([slope_x, slope_y]) / np.maximum(np.hypot(slope_x, slope_y), 1e-9)
        jacobian = _jacobian(self.point, slope_x * half, slope_y * half)
        x, y = self.point[:2]
        ones = np.ones_like(x)
        self.light = np.stack([ones, self.value] if flat else
                              [ones, self.value - MIDDLE, np.square(self.value - MIDDLE), x, y], 1)
        self.design = np.hstack([jacobian, self.light])

    def first_light(self, current: np.ndarray) -> np.ndarray:
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

    def score(self, current: np.ndarray, light: np.ndarray, scale: float = 1.0) -> float:
        """``Fit.score``, noise taken to be ``scale`` times as strong."""
        rest, inside = self.rest(current, light)
        good = inside & self.locates
        score = tukey(rest[good], scale).sum()
        for side in (-1, 1):
            score -= tukey(self.rest(current, light, side)[0][good], scale).sum() / 2
        return float(score / max(good.sum(), LEAST_POINTS))

    def rest(self, current: np.ndarray, light: np.ndarray, aside: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """(src - bgr in units of the noise (N,), which points can be told (N,)) under a normalised matrix.

        ``aside``: look so many times ``ASIDE`` pixels beside the place.
        """
        place = self.to_pixel @ current @ self.point
        place = (place[:2] / place[2] + aside * self.aside).astype(np.float32)
        if not np.isfinite(place).all() or place.shape[1] == 0:
            return np.zeros(place.shape[1]), np.zeros(place.shape[1], bool)
        seen = sample(self.src_texture, place, cv2.INTER_CUBIC if self.dense else cv2.INTER_LINEAR)
        gray = sample(self.src, place, cv2.INTER_NEAREST)
        height, width = self.shape
        inside = ((place[0] >= 1) & (place[0] <= width - 2) & (place[1] >= 1) & (place[1] <= height - 2) & (gray < CLIPPED))
        return (seen - self.value - self.light @ light) / self.sigma, inside

    def shared(self, weight: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """How far a point's neighbours fit, (N,) in 0..1: single pixels of a subject fit by chance, regions do not."""
        total = np.bincount(self.cell, inside, NEIGHBOURS ** 2).reshape(NEIGHBOURS, NEIGHBOURS)
        fitting = np.bincount(self.cell, weight, NEIGHBOURS ** 2).reshape(NEIGHBOURS, NEIGHBOURS)
        total, fitting = (cv2.GaussianBlur(array, (3, 3), 0.7) for array in (total, fitting))
        return np.clip((fitting / np.maximum(total, 1e-6) - 0.3) / 0.4, 0, 1).ravel()[self.cell] ** 2


def texture(gray: np.ndarray, flat: bool) -> np.ndarray:
    """float32 (h, w): the logarithm of an image; ``flat``: without its broad brightness."""
    value = cv2.LUT(gray, np.log(np.arange(256, dtype=np.float32) + FLOOR))
    value = cv2.GaussianBlur(value, (0, 0), SMOOTH)
    return value - _broad(value, min(BROAD, max(gray.shape) / 8)) if flat else value


def _broad(value, sigma):
    """A Gaussian blur, computed on a copy of a quarter of the sides: nobody sees the difference."""
    if min(value.shape) < 64:
        return cv2.GaussianBlur(value, (0, 0), sigma)
    small = cv2.resize(value, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), value.shape[::-1], interpolation=cv2.INTER_LINEAR)


def noise_of(gray: np.ndarray) -> float:
    """Deviation of the noise of an image in gray levels, from the flattest third of its finest detail (Immerkaer, 1996)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    fine = np.abs(cv2.filter2D(gray[::2] if gray.shape[0] > 400 else gray, cv2.CV_32F, kernel))
    return max(float(np.quantile(fine[:, ::2], 0.3)) / 0.385 / 6, 0.4)


def tukey(rest: np.ndarray, scale: float) -> np.ndarray:
    """Tukey's weights, 1 at 0 and 0 from ``TUKEY * scale`` on."""
    return np.square(np.clip(1 - np.square(rest / (TUKEY * scale)), 0, None))


def sample(image: np.ndarray, place: np.ndarray, how: int) -> np.ndarray:
    """(N,) values of an image (h, w) at places float32 (2, N), x and y."""
    count = place.shape[1]
    x, y = np.pad(place, ((0, 0), (0, -count % ROW)) if count > ROW else 0).reshape(2, -1, min(count, ROW))
    return cv2.remap(image, x, y, how).ravel()[:count]


def _points(slope_x, slope_y, gray, most):
    """(rows, cols) of ``most`` pixels with the strongest slope, spread over the image, none beside clipped ones."""
    strength = np.hypot(slope_x, slope_y)
    strength[cv2.dilate(gray, np.ones((5, 5), np.uint8)) >= CLIPPED] = 0
    strength[:2] = strength[-2:] = strength[:, :2] = strength[:, -2:] = 0
    height, width = strength.shape
    high, wide = height // CELLS, width // CELLS
    if high == 0 or wide == 0:
        return np.nonzero(strength)
    cells = strength[:high * CELLS, :wide * CELLS].reshape(CELLS, high, CELLS, wide).transpose(0, 2, 1, 3)
    cells = cells.reshape(CELLS * CELLS, high * wide)
    count = min(cells.shape[1], max(most // CELLS ** 2, 1))
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
