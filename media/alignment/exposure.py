"""Brings bgr to the exposure and white balance of src, from the pixels that show the background in both.

Per channel a curve, in logarithms ``src = a + b * bgr + c * bgr^2``: ``a`` is a gain, ``b`` a gamma. Weights are Tukey's
(iteratively reweighted least squares; Holland and Welsch, 1977), shared by the channels and by neighbours, and the scale of
the noise is that of the best fitting part of the image, since more than half of it may be subject.
"""
from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.media.alignment.level import FLOOR, MIDDLE, tukey
from bgmatting.media.operations import scaled

SIDE = 160          # the curves are fitted on copies of so many pixels on the longer side: noise and fringes average out
DARK, CLIPPED = 3, 250  # gray levels beyond which a camera tells nothing
WIDEST = 0.75       # the largest change that is sought, as a logarithm: 1.5 stops of light
BIN = 0.03
NOISE, RELATIVE = 1.2, 0.01  # what two shots of one thing differ by: gray levels, and a share of the brightness
STEPS = 12
SHARE = 0.12        # the noise is that of so large a part of the image
UNCHANGED = ((0.0, 1.0, 0.0),) * 3
PRIOR = np.array([0.6, 0.15, 0.05])     # deviations of a, b - 1 and c: what few brightnesses do not tell is taken from here
APART = 0.12        # how far the channels' gains may lie apart
LEAST_GAIN = 1.08   # so many times more pixels have to fit than without a correction
LEAST_CHANGE = 1.5  # gray levels: smaller corrections are not made
LEAST_FIT = 0.04    # of the pixels have to fit


class Exposure(NamedTuple):
    """Result of ``fit_exposure``.

    curves: uint8 (256, 3), for ``cv2.LUT``, or None where nothing has to be or can be corrected.
    coefficients: float64 (3, 3), a b c of each channel; those of no change where curves is None.
    gains: the factor of each channel at middle gray; 1.0 where curves is None.
    fitting: share of the pixels that agree under the curves, 0..1.
    """
    curves: np.ndarray | None
    coefficients: np.ndarray
    gains: tuple[float, float, float]
    fitting: float


def apply_exposure(bgr: np.ndarray, exposure: Exposure) -> np.ndarray:
    """bgr through the curves of an ``Exposure``; bgr itself where there are none."""
    return bgr if exposure.curves is None else cv2.LUT(bgr, exposure.curves[None])


def fit_exposure(src: np.ndarray, bgr: np.ndarray) -> Exposure:
    """The ``Exposure`` that brings bgr to src: uint8 RGB (H, W, 3) of one size, aligned."""
    small = [reduced(image) for image in (src, bgr)]
    seen = np.logical_and.reduce([(image.min(2) > DARK) & (image.max(2) < CLIPPED) for image in small])
    unchanged = np.array(UNCHANGED)
    if seen.sum() < 100:
        return _none(0.0)
    wanted, value = (np.log(image.astype(np.float32) + FLOOR) - MIDDLE for image in small)
    sigma = (NOISE / (small[1].astype(np.float32) + FLOOR) + RELATIVE)
    coefficients = unchanged.copy()
    coefficients[:, 0] = _commonest(wanted - value, seen)
    for _ in range(STEPS):
        rest = _rest(wanted, value, sigma, coefficients)
        scale = max(float(np.quantile(rest[seen], SHARE)) / 1.2, 1.0)
        weight = _neighbours(tukey(rest, scale) * seen, seen)
        coefficients = np.stack([_solve(wanted[..., c], value[..., c], weight / (sigma[..., c] * scale) ** 2)
                                 for c in range(3)])
        middle = np.median(coefficients[:, 0])
        coefficients[:, 0] = np.clip(coefficients[:, 0], middle - APART, middle + APART)
    before, after = (tukey(_rest(wanted, value, sigma, which), 1.0)[seen].mean() for which in (unchanged, coefficients))
    if after < LEAST_FIT or after < LEAST_GAIN * before:
        return _none(max(before, after))
    curves = curves_of(coefficients)
    present = (cv2.calcHist([bgr], [c], None, [256], [0, 256]).ravel() / (bgr.size / 3) for c in range(3))
    change = max(np.abs(curve.astype(int) - np.arange(256)) @ share for curve, share in zip(curves.T, present))
    if change < LEAST_CHANGE:
        return _none(before)
    return Exposure(curves, coefficients, tuple(float(gain) for gain in np.exp(coefficients[:, 0])), float(after))


def _none(fitting):
    return Exposure(None, np.array(UNCHANGED), (1.0, 1.0, 1.0), float(fitting))


def reduced(image: np.ndarray) -> np.ndarray:
    """A copy with at most ``SIDE`` pixels on its longer side."""
    scale = SIDE / max(image.shape[:2])
    return image if scale >= 1 else scaled(image, scale)


def _commonest(difference, seen):
    """(3,) the difference that most pixels share; small ones are preferred, since exposures usually are alike."""
    difference = difference[seen]
    centres = np.arange(-WIDEST, WIDEST + BIN, BIN)
    middle = np.median(difference, axis=1)
    alike = np.abs(difference - middle[:, None]).max(1) < APART
    counts = np.histogram(middle[alike], np.append(centres - BIN / 2, centres[-1] + BIN / 2))[0]
    counts = np.convolve(counts, (1, 2, 3, 2, 1), "same") * np.exp(-0.5 * (centres / 0.4) ** 2)
    best = centres[counts.argmax()]
    near = alike & (np.abs(middle - best) < 2 * BIN)
    return np.median(difference[near], axis=0) if near.any() else np.zeros(3)


def _rest(wanted, value, sigma, coefficients):
    """(h, w): how far the worst channel is from its curve, in units of the noise."""
    a, b, c = coefficients.T.astype(np.float32)
    return (np.abs(wanted - a - b * value - c * value * value) / sigma).max(2)


def _neighbours(weight, seen):
    """Weights, less where the neighbours do not fit: single pixels of the subject fit by chance."""
    around = cv2.blur(weight.astype(np.float32), (7, 7)) / np.maximum(cv2.blur(seen.astype(np.float32), (7, 7)), 1e-3)
    return weight * np.clip((around - 0.3) / 0.4, 0, 1) ** 2 + 1e-9 * seen


def _solve(wanted, value, weight):
    """(3,) a, b, c of one channel."""
    design = np.stack([np.ones(value.size), value.ravel(), np.square(value.ravel())], 1)
    weighted = design * (0.05 * weight.ravel())[:, None]  # neighbours are not independent
    inverse = 1 / PRIOR ** 2
    return np.linalg.solve(weighted.T @ design + np.diag(inverse), weighted.T @ wanted.ravel() + inverse * (0, 1, 0))


def curves_of(coefficients: np.ndarray) -> np.ndarray:
    """uint8 (256, 3), never falling, of coefficients (3, 3) as in ``Exposure``."""
    value = np.log(np.arange(256) + FLOOR) - MIDDLE
    curves = np.exp(coefficients @ np.stack([np.ones(256), value, value ** 2]) + MIDDLE) - FLOOR
    return np.clip(np.rint(np.maximum.accumulate(curves, axis=1)), 0, 255).astype(np.uint8).T.copy()
