"""Decoding by OpenCV, and arrays of pixels on their way to uint8 RGB."""
from __future__ import annotations

import os
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from bgmatting.media.bounds import check_size
from bgmatting.media.formats import undecodable

ROWS = 1 << 22  # pixels worked on at once
AT_ONCE = 256   # rows of colours divided by alpha at once
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")      # Pillow's modes for gray of more than eight bits
SPACES = {"CMYK": "CMYK", "L": "L", "LA": "L", "1": "L", "LAB": "LAB"}  # of Pillow's modes; all others are RGB


class Stored(NamedTuple):
    """An image as stored: pixels uint8 or uint16 (H, W) or (H, W, C), not turned; space "L", "RGB", "CMYK", "LAB"; alpha
    (H, W) of the same type or None; premultiplied: the colours are; icc bytes or None; turn: its EXIF orientation."""
    pixels: np.ndarray
    space: str
    alpha: np.ndarray | None = None
    premultiplied: bool = False
    icc: bytes | None = None
    turn: int = 1


def decoded(path: str | os.PathLike, data: bytes, flags: int) -> np.ndarray:
    """``data`` decoded by cv2.imdecode, as the pixels lie in the file: never turned. UserError where it makes nothing."""
    image = imdecode(data, flags)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise undecodable(path)
    check_size(path, image.shape[1], image.shape[0])
    return image


def imdecode(data: bytes, flags: int) -> np.ndarray | None:
    """cv2.imdecode of bytes, not turned; None for all that it cannot decode."""
    if flags != cv2.IMREAD_UNCHANGED:  # which is -1, and never turns
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None


def swapped(image: np.ndarray) -> np.ndarray:
    """BGR (H, W, 3) as RGB, BGRA as RGBA, or the other way round, in its own memory."""
    code = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    step = max(1, ROWS // image.shape[1])
    for top in range(0, len(image), step):
        part = image[top:top + step]
        part[...] = cv2.cvtColor(part, code)
    return image


def to_8_bits(image: np.ndarray) -> np.ndarray:
    """uint16 of any shape, range 0..65535, to the nearest uint8 of range 0..255; uint8 stays as it is."""
    if image.dtype == np.uint8:
        return image
    return cv2.convertScaleAbs(image, alpha=1 / 257).reshape(image.shape)  # no uint16 lies half way


def of_pillow(picture: Image.Image) -> tuple[np.ndarray, str, np.ndarray | None]:
    """(pixels, space, alpha) of a Pillow image, as ``Stored`` has them."""
    alpha = np.asarray(picture.getchannel("A")) if picture.mode in ("RGBA", "LA") else None
    if picture.mode in DEEP:
        return np.clip(np.asarray(picture), 0, 65535).astype(np.uint16), "L", alpha
    space = SPACES.get(picture.mode, "RGB")
    return np.asarray(picture if picture.mode == space else picture.convert(space)), space, alpha


def visible(stored: Stored, bits: int = 8) -> tuple[np.ndarray, np.ndarray | None]:
    """(pixels, alpha) of a ``Stored``, its colours not darkened by alpha: uint8, or as they are stored where bits is 16;
    alpha None where there is none."""
    pixels = stored.pixels if bits == 16 else to_8_bits(stored.pixels)
    if stored.alpha is None:
        return pixels, None
    alpha = np.ascontiguousarray(stored.alpha)
    alpha = alpha if bits == 16 else to_8_bits(alpha)
    if stored.premultiplied:
        pixels = np.concatenate([_undarkened(pixels[top:top + AT_ONCE], alpha[top:top + AT_ONCE])
                                 for top in range(0, len(pixels), AT_ONCE)])
    return pixels, alpha


def _undarkened(pixels, alpha):
    """Colours (H, W[, C]) that were multiplied by alpha (H, W), divided by it, in their own type."""
    most = int(np.iinfo(pixels.dtype).max)
    divisor = np.maximum(alpha, 1).astype(np.uint32).reshape(*alpha.shape, *(1,) * (pixels.ndim - 2))
    wide = pixels.astype(np.uint32)  # first: numpy 1 would multiply in the narrow type
    return np.minimum((wide * most + divisor // 2) // divisor, most).astype(pixels.dtype)
