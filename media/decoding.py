"""Decoding the file of a picture: the steps that all readers share."""
from __future__ import annotations

import os
import warnings
from typing import Callable

import numpy as np

from media.animation import refuse_animation
from media.exif import orientation, upright
from media.files import read_bytes
from media.formats import check_kind, check_size, declared_size, out_of_memory, pixels_only, undecodable
from media.heif import read_container
from media.pixels import Stored
from media.tiff import read_tiff
from media.truncated import damage_told, ended
from utils.errors import UserError
from utils.foreign import caught


def decode(path: str | os.PathLike, raster: Callable, finish: Callable[[Stored], np.ndarray], bits: int = 8,
           notes: list | None = None) -> tuple[np.ndarray, list[str]]:
    """(pixels, turned upright, what the decoder says of damage) of a picture's file, whose content decides what it is.

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
