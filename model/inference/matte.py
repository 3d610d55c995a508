"""What a matte is, and the sizes that the networks take."""
from collections import namedtuple

import cv2
import numpy as np

from bgmatting.model.geometry import PATCH
from bgmatting.utils.errors import UserError

DTYPES = ("float32", "float16", "uint8")
BRIEF = {8: "uint8", 16: "float16"}  # bits a channel of what is made of a matte -> what a device hands back for it
BLOCK_BYTES = 400_000  # what refining one block takes at once, seen with every engine
NOT_FINITE = "the network answers with numbers that are not finite; these weights cannot be used."

Matte = namedtuple("Matte", "pha fgr err ref")


def padded(photo, unit=PATCH):
    """uint8 (H, W, 3) with the last row and column repeated up to multiples of ``unit``."""
    height, width = photo.shape[:2]
    if height % unit or width % unit:
        photo = np.pad(photo, ((0, -height % unit), (0, -width % unit), (0, 0)), mode="edge")
    return np.ascontiguousarray(photo)


def checked_size(src, bgr):
    """(height, width) of a pair of photos. Raises ValueError where ``Matter.predict`` does."""
    for name, image in (("src", src), ("bgr", bgr)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"{name} must be uint8 (H, W, 3), not {image.dtype} {image.shape}")
    if src.shape != bgr.shape:
        raise ValueError(f"src and bgr must have one size, not {src.shape[:2]} and {bgr.shape[:2]}")
    if 0 in src.shape:
        raise ValueError(f"src and bgr are empty: {src.shape[:2]}")
    return src.shape[:2]


def as_dtype(image, dtype):
    """float32 in 0..1 in one of ``DTYPES``; the array itself where it is that. Raises UserError for uint8 of inf or nan."""
    if dtype == "uint8" and image.dtype != np.uint8:
        if not np.isfinite(cv2.sumElems(image)).all():  # of which one that is not makes the sum so
            raise UserError(NOT_FINITE)
        return cv2.convertScaleAbs(image, alpha=255)
    return image.astype(dtype, copy=False)


def as_float(image):
    """A part of a matte in one of ``DTYPES`` as float32 in 0..1; the array itself where it is that."""
    if image.dtype == np.uint8:
        return image / np.float32(255)
    return image.astype(np.float32, copy=False)


def blocks_within(max_memory):
    """How many blocks may be refined at once within so many MiB; None for None. Raises UserError where two are too many."""
    if max_memory is None:
        return None
    count = int(max_memory * 2 ** 20 // BLOCK_BYTES)
    if count < 2:  # engines compute a single block in another order
        raise UserError(f"refining takes at least {2 * BLOCK_BYTES / 2 ** 20:.1f} MiB at once; {max_memory} MiB do not do.")
    return count
