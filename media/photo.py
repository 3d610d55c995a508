"""People's own photos: every usual format, upright, colours brought to sRGB, transparency left out; 8 bits, or 16."""
from __future__ import annotations

import io
import os

import cv2
import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bgmatting.media.bounds import check_size
from bgmatting.media.colour_profile import to_rgb, usable_profile
from bgmatting.media.pixels import DEEP, Stored, decoded, of_pillow, swapped, visible
from bgmatting.media.reading import decode
from bgmatting.media.stated_colours import png_profile

# Pillow's readers by name: Image.open would try all that it has, and refuses sizes that phones make.
READERS = {"JPEG": JpegImageFile, "PNG": PngImageFile, "BMP": BmpImageFile, "WEBP": WebPImageFile, "GIF": GifImageFile}
FAST = {"JPEG": ("L", "RGB"), "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"), "BMP": ("L", "RGB"),
        "WEBP": ("RGB", "RGBA")}                     # formats and Pillow's modes that OpenCV reads alike, and faster


def read_photo(path: str | os.PathLike, notes: list | None = None) -> np.ndarray:
    """Read a photo as uint8 sRGB (H, W, 3), turned upright.

    JPEG (also MPO, its first image), PNG, BMP, TIFF, WebP, GIF of one image, AVIF where Pillow has it, HEIC where
    pillow-heif is installed; gray, palette, CMYK and Lab; a colour profile (ICC), or what the file states about its
    colours in numbers, is converted to sRGB; then more than 8 bits are rounded to 8; alpha is left out and the colours
    beneath it are kept. The content decides about the format, not the name.

    Args:
        notes: None, or a list that remarks are added to, such as that a profile was left out.

    Raises:
        UserError: missing, a folder, a video, a raw photo, an animation or several pages, empty, cut short, damaged, larger
            than ``media.bounds.LARGEST`` or than memory, or of a format whose package is not installed.
    """
    return _read(path, notes, 8)


def read_deep_photo(path: str | os.PathLike, notes: list | None = None) -> np.ndarray:
    """As ``read_photo``, but uint16 where the file has more than 8 bits a channel: PNG, TIFF and HEIC."""
    return _read(path, notes, 16)


def _read(path, notes, bits):
    found = []

    def raster(kind, data, plain, mended):
        return finish(_raster(path, kind, data, plain, mended, found))

    def finish(stored):
        pixels, _ = visible(stored, 16)
        profile = usable_profile(stored.icc, stored.space, found, bits == 16 and pixels.dtype == np.uint16)
        return to_rgb(pixels, stored.space, profile, bits)

    rgb, damage = decode(path, raster, finish, bits, found)
    if notes is not None:
        notes.extend(f"{path}: {note}" for note in found + damage)
    return rgb


def _raster(path, kind, data, plain, mended, notes):
    """A JPEG, PNG, WebP, BMP or GIF as ``Stored``, alpha left out; args as ``media.reading.decode`` calls it."""
    picture = READERS[kind](io.BytesIO(data))
    check_size(path, *picture.size)
    if kind == "PNG":
        PngImageFile(io.BytesIO(data)).verify()  # damage shows here without libpng's own lines on the terminal
    stated = png_profile(data, notes) if kind == "PNG" else False
    icc = picture.info.get("icc_profile") if stated is False else stated
    is_deep = kind == "PNG" and data[24:25] == b"\x10"
    if not is_deep and (mended or picture.mode not in FAST.get(kind, ())):  # libjpeg's line on what is mended tells nothing
        pixels, space, _ = of_pillow(picture)
        return Stored(pixels, space, icc=icc)
    image = swapped(decoded(path, plain, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH))
    if stated is False and picture.mode in ("1", "L", "LA", *DEEP):
        return Stored(image[..., 0], "L", icc=icc)
    return Stored(image, "RGB", icc=icc)
