"""``model.inference.unmix`` in Paddle's operations, for mattes that are made on a device; the same steps, the same answer.

What OpenCV does there to small pictures, shrinking by area, enlarging and blurring, is a product with a matrix for each
side here, made on the host from OpenCV's own definitions.
"""
import cv2
import numpy as np
import paddle
from paddle.nn import functional as F

from bgmatting.model.inference.unmix import BAND, ENOUGH, LONGEST, MARGIN, NOISE, PRIOR, SPREADS, SURE

PIXELS_AT_ONCE = 1 << 20
PIXEL_BYTES = 200  # what solving for one pixel takes at once


class TensorUnmix:
    """Improves alpha where it lies between opaque and empty; keeps the matrices of the last size it has seen.

    Args:
        place: Paddle's place of the tensors. most: how many pixels to solve for at once; None: what is fastest.
    """

    def __init__(self, place, most=None):
        self._place, self._most = place, most or PIXELS_AT_ONCE
        self._size, self._matrices = None, {}

    def __call__(self, src, bgr, pha, residual):
        """As ``model.inference.unmix.unmix``.

        Args:
            src, bgr: (1, 3, H, W) float32, whole numbers in 0..255.
            pha: (1, 1, H, W) float32 in 0..1. residual: (1, 3, h, w) float32, of any size.

        Returns:
            (1, 1, H, W), the improved alpha; the one given stays.
        """
        height, width = pha.shape[2:]
        if self._size != (height, width, *residual.shape[2:]):
            self._size, self._matrices = (height, width, *residual.shape[2:]), {}
        shrink = max(1.0, max(height, width) / LONGEST)
        pixels = _open_pixels(pha, round(MARGIN * shrink))
        if pixels.shape[0] == 0:
            return pha
        colours = [_rows(image) for image in self._candidates(src, pha, residual, shrink)]
        sizes = [image[1] for image in colours]
        src, bgr, flat = (_rows(image)[0] for image in (src, bgr, pha))
        found = [self._solve(part, width, src, bgr, flat, [image[0] for image in colours], (height, *sizes))
                 for part in paddle.split(pixels, _portions(pixels.shape[0], self._most))]
        flat = paddle.scatter(flat, pixels, paddle.concat(found).unsqueeze(1))
        return flat.reshape([1, 1, height, width])

    def _solve(self, pixels, width, src, bgr, pha, colours, sizes):
        """(N,): alpha of the pixels with these flat indices."""
        height, *sizes = sizes
        scene = paddle.gather(bgr, pixels) * np.float32(1 / 255)
        above = paddle.gather(src, pixels) * np.float32(1 / 255) - scene  # what src shows over the scene
        prior = paddle.gather(pha, pixels)[:, 0]
        rows, columns = pixels // width, pixels % width
        total = weights = 0
        for colour, size in zip(colours, sizes):
            reach = _sampled(colour, size, rows, columns, (height, width)) - scene  # what the subject would show
            alpha = ((above * reach).sum(1) + PRIOR * prior) / ((reach * reach).sum(1) + PRIOR)
            alpha = alpha.clip(0, 1)
            rest = above - alpha.unsqueeze(1) * reach
            weight = 1 / ((rest * rest).sum(1) + NOISE)
            total, weights = total + alpha * weight, weights + weight
        return total / weights

    def _candidates(self, src, pha, residual, shrink):
        """Small pictures (1, 3, h, w) of what the subject's colour may be, in the order of the host's."""
        whole = pha.shape[2:]
        size = [max(1, round(side / shrink)) for side in whole]
        halved = [2 * side for side in size] == list(whole)
        small = _rounded(self._resized(src, size, _area), halved) / 255
        guess = (small + self._resized(residual, size, _linear)).clip(0, 1)
        sure = (self._resized(pha, size, _area) > SURE).astype("float32")
        colour, found = paddle.concat([small * sure, sure], axis=1), [guess]
        for smaller, sigma in SPREADS:
            size = [max(1, round(side / shrink / smaller)) for side in whole]
            near = self._resized(colour, size, _area)
            near = self._resized(near, size, lambda side, _, sigma=sigma: _blur(side, sigma), sigma)
            share = near[:, 3:]
            trust = (share / ENOUGH).clip(max=1)
            doubt = self._resized(guess, size, _area) * (1 - trust)
            found.append(near[:, :3] / (share + 1e-6) * trust + doubt)
        return found

    def _resized(self, image, size, kind, name=None):
        """(1, C, h, w) -> (1, C, *size), by a matrix for each side; ``kind(side, to)`` makes them."""
        if name is None and list(image.shape[2:]) == list(size):
            return image
        down, across = (self._matrix(kind, side, to, name) for side, to in zip(image.shape[2:], size))
        return paddle.matmul(paddle.matmul(down, image), across, transpose_y=True)

    def _matrix(self, kind, side, to, name):
        key = name or kind, side, to
        if key not in self._matrices:
            self._matrices[key] = paddle.to_tensor(kind(side, to).astype(np.float32), place=self._place)
        return self._matrices[key]


def _open_pixels(pha, margin):
    """(N,): flat indices of the band and of what lies up to ``margin`` pixels from it."""
    low, high = (float(np.float32(bound)) for bound in BAND)
    band = paddle.logical_and(pha >= low, pha <= high).astype("float32")
    if margin:
        for kernel, padding in (([2 * margin + 1, 1], [margin, 0]), ([1, 2 * margin + 1], [0, margin])):
            band = F.max_pool2d(band, kernel, 1, padding)
    return paddle.nonzero(band.reshape([-1])).reshape([-1])


def _rows(image):
    """(1, C, h, w) -> ((h * w, C), (h, w))"""
    _, channels, *size = image.shape
    return image.reshape([channels, -1]).transpose([1, 0]), tuple(size)


def _sampled(image, small, rows, columns, size):
    """(N, C): ``image`` (h * w, C), a picture of the size ``small``, enlarged bilinearly to ``size``, at these pixels."""
    corners = []
    for place, count, side in zip((rows, columns), small, size):
        at = (place.astype("float64") + 0.5) * (count / side) - 0.5
        low = at.astype("float32").floor()
        corners.append((low.clip(0, count - 1).astype("int64"), (low + 1).clip(0, count - 1).astype("int64"),
                        (at.astype("float32") - low).unsqueeze(1)))
    (top, bottom, down), (left, right, across) = corners
    upper, lower = (paddle.gather(image, row * small[1] + left) * (1 - across)
                    + paddle.gather(image, row * small[1] + right) * across for row in (top, bottom))
    return upper * (1 - down) + lower * down


def _portions(count, most):
    """``count`` as a list of as few parts as there may be, none above ``most``."""
    return [min(most, count - start) for start in range(0, count, most)]


def _rounded(x, halved):
    """To whole numbers as OpenCV does: of halves to the even one, and upwards where it makes one pixel of four."""
    up = (x + 0.5).floor()
    if halved:
        return up
    tie = paddle.logical_and(up == x + 0.5, up % 2 == 1)
    return up - tie.astype(x.dtype)


def _area(side, to):
    """(to, side): shares of the pixels that each new one covers."""
    scale, here = side / to, np.arange(side)
    edges = np.arange(to)[:, None] * scale
    return np.maximum(0, np.minimum(here + 1, edges + scale) - np.maximum(here, edges)) / scale


def _linear(side, to):
    """(to, side): bilinear, pixel centres aligned, without antialiasing."""
    at = np.clip((np.arange(to) + 0.5) * (side / to) - 0.5, 0, side - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(side)))


def _blur(side, sigma):
    """(side, side): a Gaussian as wide as OpenCV makes it for float pictures, mirrored at the borders."""
    width = round(8 * sigma + 1) | 1
    kernel = cv2.getGaussianKernel(width, sigma, cv2.CV_64F)[:, 0]
    matrix = np.zeros((side, side))
    for row in range(side):
        for step, share in enumerate(kernel):
            matrix[row, cv2.borderInterpolate(row + step - width // 2, side, cv2.BORDER_REFLECT_101)] += share
    return matrix
