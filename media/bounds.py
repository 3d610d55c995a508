"""Bounds of photos: how many pixels are read, and whether memory holds them."""
from __future__ import annotations

import os

from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import free_memory

LARGEST = 2 ** 28     # pixels, 16384 x 16384: above what phones and cameras make
BYTES = 8             # a pixel takes at once while it is read, seen with every format
SMALL = 16_000_000    # pixels: up to here memory is not asked for


def check_size(path: str | os.PathLike, width: int, height: int) -> None:
    """Raise UserError for more than ``LARGEST`` pixels, or more than memory holds, before any is taken for them."""
    pixels = width * height
    if pixels > LARGEST:
        raise UserError(f"{path} is {width}x{height}, {pixels / 1e6:.0f} megapixels; at most {LARGEST / 1e6:.0f} are read. "
                        f"Save it smaller.")
    check_memory(path, width, height, BYTES, "reading it")


def check_memory(path: str | os.PathLike, width: int, height: int, bytes_each: float, what: str) -> None:
    """Raise UserError where ``what`` takes more memory than there is: ``bytes_each`` for every pixel."""
    free = free_memory() if width * height > SMALL else None
    if free is not None and width * height * bytes_each > free:
        raise UserError(f"{path} is {width}x{height}: {what} takes about {width * height * bytes_each / 2 ** 30:.1f} GiB, "
                        f"and {free / 2 ** 30:.1f} GiB of memory are free. Save it smaller, or close other programs.")


def out_of_memory(path: str | os.PathLike) -> UserError:
    """The UserError for an image that took more than there is all the same."""
    return UserError(f"{path} needs more memory than there is. Save it smaller, or close other programs.")
