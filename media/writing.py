"""Writing images: PNG, TIFF, WebP, JPEG and what else OpenCV encodes."""
from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np

from bgmatting.media.pixels import swapped
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import write_bytes

WEBP_SIDE = 16383  # pixels; the format holds no more
COMMON = (".png", ".jpg", ".jpeg")  # that are written everywhere
LOSSY = {".webp": [cv2.IMWRITE_WEBP_QUALITY, 92], ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95]}
LOSSLESS = {".webp": [cv2.IMWRITE_WEBP_QUALITY, 101]}


def encode(suffix: str, image: np.ndarray, lossless: bool = True, owned: bool = False, premultiplied: bool = False) -> bytes:
    """An image as the bytes of a file.

    Args:
        suffix: of the file, such as ".png"; it chooses the format.
        image: uint8 gray (H, W), RGB (H, W, 3) or RGBA (H, W, 4); uint16 as well for .png and .tif.
        lossless: False: WebP may lose what is not seen.
        owned: the array may be changed, which saves a copy of a large one.
        premultiplied: RGBA is, which TIFF alone states.
    Raises:
        UserError: this format is not known, or cannot hold this image.
    """
    suffix = suffix.lower()
    if suffix == ".webp" and max(image.shape[:2]) > WEBP_SIDE:
        raise UserError(f"WebP holds at most {WEBP_SIDE} pixels a side, not {image.shape[1]}x{image.shape[0]}; use .png.")
    if suffix in (".tif", ".tiff"):
        return _tiff(image, premultiplied)
    if image.ndim == 3:
        image = swapped(image if owned else image.copy())
    try:
        done, data = cv2.imencode(suffix, image, (LOSSLESS if lossless else LOSSY).get(suffix, []))
    except cv2.error:
        done = False
    if not done and suffix in COMMON:
        raise UserError(f"{suffix} does not hold an image of {image.shape[1]}x{image.shape[0]} pixels; use .tif.")
    if not done:
        raise UserError(f"images of type '{suffix}' are not supported; use .png or .jpg.")
    return data.tobytes()


def write_image(path: str | os.PathLike, image: np.ndarray, lossless: bool = True) -> None:
    """Write an image, args as ``encode``; the suffix of ``path`` chooses the format, and the file appears under its name
    only when it is complete. Raises UserError: as ``encode``; OSError: the disk is full, or the folder cannot be written."""
    path = Path(path)
    try:
        data = encode(path.suffix, image, lossless)
    except UserError as error:
        raise UserError(f"cannot write {path}: {error}") from None
    write_bytes(path, data)


def _tiff(image, premultiplied):
    import tifffile  # OpenCV leaves out the mark of an alpha channel, and other programs then drop or misread it
    shape = {"photometric": "minisblack"} if image.ndim == 2 else {"photometric": "rgb"}
    if image.ndim == 3 and image.shape[2] == 4:
        shape["extrasamples"] = ["assocalpha" if premultiplied else "unassalpha"]
    file = io.BytesIO()
    tifffile.imwrite(file, np.ascontiguousarray(image), compression="zlib", predictor=True, metadata=None, **shape)
    return file.getvalue()
