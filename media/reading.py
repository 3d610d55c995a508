"""Decoding the file of an image, in the steps that all readers share; and images of data sets: fast, at a part of their
size where that suffices, colours as they are stored."""
from __future__ import annotations

import os
import warnings
from typing import Callable

import cv2
import numpy as np

from bgmatting.media.animation import refuse_animation
from bgmatting.media.bounds import check_size, out_of_memory
from bgmatting.media.colour_profile import to_rgb
from bgmatting.media.exif import orientation, upright
from bgmatting.media.files import read_bytes
from bgmatting.media.formats import JPEG, check_kind, declared_size, jpeg_size, pixels_only, undecodable
from bgmatting.media.heif import read_container
from bgmatting.media.pixels import Stored, decoded, to_8_bits, visible
from bgmatting.media.tiff import read_tiff
from bgmatting.media.truncated import damage_told, ended
from bgmatting.utils.errors import UserError
from bgmatting.utils.library_output import caught

# JPEG decoding to a part of the size: the decoder leaves out what would not be seen.
REDUCED = {
    cv2.IMREAD_COLOR: {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8},
    cv2.IMREAD_GRAYSCALE: {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
                           8: cv2.IMREAD_REDUCED_GRAYSCALE_8}}

NUMBERED = 3      # a trimap whose values end here counts its classes instead of being an image
COLOURED = 8      # gray levels by which the channels of a gray JPEG may differ


def decode(path: str | os.PathLike, raster: Callable, finish: Callable[[Stored], np.ndarray], bits: int = 8,
           notes: list | None = None) -> tuple[np.ndarray, list[str]]:
    """(pixels, turned upright, what the decoder says of damage) of a image's file, whose content decides what it is.

    Args:
        raster: (kind, data, data for OpenCV, whether its end had to be mended) -> pixels of a JPEG, PNG, WebP, BMP or GIF,
            not turned. finish: the same of what a TIFF, HEIC or AVIF holds.
        bits: 16: of a HEIC of more than 8 bits all are kept.
        notes: None, or a list that takes remarks on how the file is read.
    Raises:
        UserError: see ``media.read_photo``.
    """
    data, notes = read_bytes(path), [] if notes is None else notes
    # Pillow's remarks on flawed headers, and on sizes, which are judged here; and those of libraries in C
    with warnings.catch_warnings(), caught() as said:
        warnings.simplefilter("ignore")
        try:
            pixels, turn = _decoded(path, data, raster, finish, bits, notes)
        except UserError:
            raise
        except MemoryError:
            raise out_of_memory(path) from None
        except Exception:  # decoders raise what they like for damaged files
            raise undecodable(path) from None
    return upright(pixels, turn), damage_told(said)


def _decoded(path, data, raster, finish, bits, notes):
    kind = check_kind(path, data)
    refuse_animation(path, kind, data)
    if kind in ("TIFF", "HEIF", "AVIF"):
        stored = read_tiff(path, data) if kind == "TIFF" else read_container(path, kind, data, bits, notes)
        return finish(stored), stored.turn
    whole = ended(path, data, notes)
    declared = declared_size(whole)
    if declared is not None:
        check_size(path, *declared)
    return raster(kind, whole, pixels_only(whole), whole is not data), orientation(kind, whole)


def read_image(path: str | os.PathLike, least: int | None = None, notes: list | None = None) -> np.ndarray:
    """Read an image as uint8 RGB (H, W, 3), turned upright as its EXIF record says.

    Args:
        path: the file.
        least: pixels that the shorter side has to have. A JPEG with two, four or eight times as many is read at a half,
            a quarter or an eighth of its size, sides rounded up, in a fraction of the time. None: at its own size.
        notes: None, or a list that takes what the decoder says of a JPEG that is damaged and read all the same.

    Raises:
        UserError: the file is missing, is a folder, a video, an animation or a raw photo, is cut short, cannot be
            decoded, or says that it holds more than ``media.bounds.LARGEST`` pixels.
    """
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR, least, notes=notes), cv2.COLOR_BGR2RGB)


def read_gray(path: str | os.PathLike, least: int | None = None) -> np.ndarray:
    """Read an image as uint8 (H, W); colour is turned to luminance. Args and errors as ``read_image``."""
    return _decode(path, cv2.IMREAD_GRAYSCALE, least)


def read_rgba(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read an image with transparency as (rgb uint8 (H, W, 3), pha uint8 (H, W)). Raises UserError: as ``read_image``,
    and where the file has no alpha channel."""
    image = read_stored(path)
    if image.ndim != 3 or image.shape[2] != 4:
        raise UserError(f"{path} has no alpha channel; expected an RGBA image such as a PNG cut-out.")
    return np.ascontiguousarray(image[..., :3]), np.ascontiguousarray(image[..., 3])


def read_stored(path: str | os.PathLike, bits: int = 8) -> np.ndarray:
    """Read an image with the channels that it has: uint8 (H, W), RGB (H, W, 3) or RGBA (H, W, 4), uint16 where bits is
    16 and a PNG or TIFF has more than 8; a palette is looked up. Raises UserError: as ``read_image``."""
    image = _decode(path, cv2.IMREAD_UNCHANGED, bits=bits)
    image = image if bits == 16 else to_8_bits(image)
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def read_trimap(path: str | os.PathLike) -> np.ndarray:
    """Read a trimap as uint8 (H, W): 0 background, 255 foreground, any other value unknown. Raises UserError: as
    ``read_image``, and where the image has colours or counts its classes 0, 1, 2."""
    deep = read_stored(path, 16)
    stored = to_8_bits(deep)
    if stored.ndim == 3 and (stored[..., :3].max(2) - stored[..., :3].min(2)).max() > COLOURED:
        raise UserError(f"{path} is an image in colours. A trimap is gray: 0 background, 255 foreground, 128 unknown.")
    gray, top = (image if image.ndim == 2 else image[..., 1] for image in (stored, deep))
    top = top.max()
    if 0 < top <= NUMBERED or deep.dtype == np.uint16 and 0 < top <= 255:
        said = "" if deep.dtype == np.uint8 else " of 65535, as numbers of 8 bits in a file of 16 are. Save it with 8 bits"
        raise UserError(f"{path} holds the numbers 0 to {top}{said}. A trimap has 0 for background, 255 for foreground, "
                        "and 128 for unknown.")
    return np.ascontiguousarray(gray)


def _decode(path, flags, least=None, bits=8, notes=None):
    """Gray (H, W), BGR or BGRA as OpenCV's ``flags`` say, upright."""
    def raster(kind, data, plain, mended):
        reduction = 1 if least is None else _reduction(data, least)
        return decoded(path, plain, REDUCED[flags][reduction] if reduction > 1 else flags)

    def finish(stored):
        pixels, alpha = visible(stored, bits)
        rgb = to_rgb(pixels, stored.space, bits=bits) if stored.space != "L" else pixels
        return _as_opencv(rgb, alpha if alpha is None or rgb.dtype == np.uint16 else to_8_bits(alpha), flags)

    image, damage = decode(path, raster, finish)
    if notes is not None:
        notes += damage
    return image


def _as_opencv(pixels, alpha, flags):
    """uint8 gray or RGB, and its alpha or None, as cv2.imdecode would give it by ``flags``."""
    if flags == cv2.IMREAD_GRAYSCALE:
        return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if flags == cv2.IMREAD_UNCHANGED and pixels.ndim == 2 and alpha is None:
        return pixels
    made = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR)
    return made if flags == cv2.IMREAD_COLOR or alpha is None else np.dstack([made, alpha])


def _reduction(data, least):
    """The largest of 1, 2, 4, 8 that leaves a image's shorter side ``least`` pixels; 1 for all but JPEG."""
    size = jpeg_size(data) if data.startswith(JPEG) else None
    return next((part for part in (8, 4, 2) if size is not None and min(size) >= part * least), 1)
