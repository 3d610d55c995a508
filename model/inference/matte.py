"""The matte, and the sizes that the networks take."""
from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.utils.errors import UserError

DTYPES = ("float32", "float16", "uint8")
BRIEF = {8: "uint8", 16: "float16"}  # bits a channel of what is made of a matte -> what a device hands back for it
NOT_FINITE = "the network answers with numbers that are not finite; these weights cannot be used."


class Matte(NamedTuple):
    """The matte of a photo; what was not asked for is None.

    All are in 0..1 as float32 or float16, or in 0..255 as uint8.

    Attributes:
        pha: alpha, (H, W).
        fgr: the subject's own colour, RGB, (H, W, 3).
        err: predicted error of alpha, (H, W).
        ref: 1 where the matte was refined, else 0, (H, W).
    """

    pha: np.ndarray | None
    fgr: np.ndarray | None
    err: np.ndarray | None
    ref: np.ndarray | None


def checked_size(src: np.ndarray, bgr: np.ndarray) -> tuple[int, int]:
    """(height, width) of a pair of photos. Raises ValueError where ``Matter.predict`` does."""
    for name, image in (("src", src), ("bgr", bgr)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"{name} must be uint8 (H, W, 3), not {image.dtype} {image.shape}")
    if src.shape != bgr.shape:
        raise ValueError(f"src and bgr must have one size, not {src.shape[:2]} and {bgr.shape[:2]}")
    if 0 in src.shape:
        raise ValueError(f"src and bgr are empty: {src.shape[:2]}")
    return src.shape[:2]


def as_dtype(image: np.ndarray, dtype: str) -> np.ndarray:
    """float32 in 0..1 in one of ``DTYPES``; the array itself where it is that. Raises UserError for uint8 of inf or nan."""
    if dtype == "uint8" and image.dtype != np.uint8:
        if not np.isfinite(cv2.sumElems(image)).all():  # of which one that is not makes the sum so
            raise UserError(NOT_FINITE)
        return cv2.convertScaleAbs(image, alpha=255)
    return image.astype(dtype, copy=False)


def as_float(image: np.ndarray) -> np.ndarray:
    """A part of a matte in one of ``DTYPES`` as float32 in 0..1; the array itself where it is that."""
    if image.dtype == np.uint8:
        return image / np.float32(255)
    return image.astype(np.float32, copy=False)
