"""The trimap that says where matting errors are counted."""
from __future__ import annotations

import os

import cv2
import numpy as np

from bgmatting.dataset.trimaps import BACKGROUND, FOREGROUND, UNKNOWN
from bgmatting.media.reading import read_trimap

LOW, HIGH = 0.06, 0.96    # alpha below is background for sure, above is foreground for sure
ITERATIONS = 10
PADDLESEG_SIDE = 25


def make_trimap(pha_u8: np.ndarray, kernel: int = cv2.MORPH_CROSS) -> np.ndarray:
    """Trimap of a true alpha by the rule of Lin et al. (CVPR 2021, section 5).

    The paper thresholds alpha at 0.06 and 0.96 and applies ten dilations and ten erosions with a 3x3 disc. Read here
    as: what may be subject (alpha > 0.06) grows by ten steps, what is subject for sure (alpha > 0.96) shrinks by ten
    steps, and the band between the two is unknown. A 3x3 disc is a pixel with its four neighbours (a cross). What
    lies beyond the border of the image changes nothing: a subject cut by the border does not shrink there.

    Args:
        pha_u8: uint8 (H, W), 255 is opaque.
        kernel: OpenCV's word for the 3x3 shape.
    Returns uint8 (H, W): 0 background, 128 unknown, 255 foreground.
    """
    return _between(_grown(pha_u8 > LOW * 255, kernel), _shrunk(pha_u8 > HIGH * 255, kernel))


def square_trimap(pha_u8: np.ndarray) -> np.ndarray:
    """``make_trimap`` with the other reading of a 3x3 disc: all nine pixels."""
    return make_trimap(pha_u8, cv2.MORPH_RECT)


def band_trimap(pha_u8: np.ndarray) -> np.ndarray:
    """``make_trimap`` with another reading of "dilate and erode": the soft pixels (0.06 < alpha <= 0.96) alone grow by
    ten steps. A hard edge without a soft pixel then has no unknown region.
    """
    maybe, surely = pha_u8 > LOW * 255, pha_u8 > HIGH * 255
    unknown = _grown(maybe & ~surely, cv2.MORPH_CROSS)
    return _between(maybe | unknown, surely & ~unknown)


def soft_trimap(pha_u8: np.ndarray) -> np.ndarray:
    """Unknown is all within ten steps of a pixel that is neither fully opaque nor fully transparent, or of an edge
    between the two: the rule of an earlier reproduction in Paddle (2021). Args as ``make_trimap``.
    """
    return _between(_grown(pha_u8 > 0, cv2.MORPH_CROSS), _shrunk(pha_u8 == 255, cv2.MORPH_CROSS))


def paddleseg_trimap(pha_u8: np.ndarray) -> np.ndarray:
    """Unknown is all that an ellipse of 25 pixels reaches from a pixel that is neither fully opaque nor transparent, or from
    an edge: what PaddleSeg's Matting evaluates with where a set has no trimaps. Args as ``make_trimap``.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (PADDLESEG_SIDE, PADDLESEG_SIDE))
    return _between(cv2.dilate(pha_u8, disc) > 0, cv2.erode(pha_u8, disc) == 255)


# Name -> rule, as protocols and `--trimap` call them. "whole" has none: every pixel counts.
TRIMAPS = {"paper": make_trimap, "square": square_trimap, "band": band_trimap, "soft": soft_trimap,
            "paddleseg": paddleseg_trimap, "whole": None}


def trimap_of(pha_u8: np.ndarray, rule: str) -> np.ndarray | None:
    """The trimap of a true alpha by one of ``TRIMAPS``; None for "whole"."""
    return None if TRIMAPS[rule] is None else TRIMAPS[rule](pha_u8)


def read_given(path: str | os.PathLike) -> np.ndarray:
    """Read the trimap that came with an image as uint8 (H, W) of 0, 128 and 255: whatever is neither background nor
    foreground is unknown. Raises UserError: as ``media.reading.read_trimap``."""
    stored = read_trimap(path)
    return _between(stored != BACKGROUND, stored == FOREGROUND)


def _grown(mask, kernel):
    shape = cv2.getStructuringElement(kernel, (3, 3))
    return cv2.dilate(mask.astype(np.uint8), shape, iterations=ITERATIONS) > 0


def _shrunk(mask, kernel):
    shape = cv2.getStructuringElement(kernel, (3, 3))
    return cv2.erode(mask.astype(np.uint8), shape, iterations=ITERATIONS) > 0


def _between(maybe, surely):
    trimap = np.full(maybe.shape, UNKNOWN, np.uint8)
    trimap[~maybe] = BACKGROUND
    trimap[surely] = FOREGROUND
    return trimap
