"""Which way up a picture is, by its EXIF record, and turning it."""
import struct

import numpy as np

from media.formats import chunks, jpeg_segments
from media.tags import directories, orientation_of

APP1 = 0xE1           # the part of a JPEG that holds EXIF
PREFIX = b"Exif\0\0"


def orientation(kind, data):
    """1 to 8, as EXIF counts, of a file in memory; 1 where it does not say. The number may be of any whole type.

    Args:
        kind: "JPEG", "PNG" or "WEBP"; all others are upright here, since their readers turn them. data: bytes.
    """
    return orientation_in(_record(kind, data))


def orientation_in(record):
    """The orientation in the bytes of an EXIF record, 1 where it is None or damaged."""
    try:
        record = record.removeprefix(PREFIX) if record else b""
        return orientation_of(next(directories(record), {})) if record else 1
    except (struct.error, KeyError, IndexError):
        return 1


def turned(image, turn):
    """An array (H, W[, C]) upright; ``turn`` is its ``orientation``. A view."""
    if turn >= 5:
        image = image.swapaxes(0, 1)
    upside, mirrored = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[turn]
    return image[::-1 if upside else 1, ::-1 if mirrored else 1]


def upright(image, turn):
    """As ``turned``, in memory of its own order."""
    return image if turn == 1 else np.ascontiguousarray(turned(image, turn))


def _record(kind, data):
    if kind == "JPEG":
        return next((data[begin:end] for marker, begin, end in jpeg_segments(data)
                     if marker == APP1 and data.startswith(PREFIX, begin)), None)
    if kind in ("PNG", "WEBP"):
        wanted = b"eXIf" if kind == "PNG" else b"EXIF"
        return next((data[begin:end] for name, begin, end in chunks(data) if name == wanted), None)
    return None
