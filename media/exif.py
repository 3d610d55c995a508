"""The tags of TIFF files and EXIF records, both lists of directories (TIFF 6.0, BigTIFF) in either byte order, and what they
say about which way up an image is."""
from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from bgmatting.media.formats import chunks, jpeg_segments

ORIENTATION, SUB_IFDS = 274, 330
WHOLE = {3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}  # types: whole numbers
BYTES = (1, 7)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # bytes
MOST = 1000        # directories of a file; more are none
MOST_ENTRIES, MOST_VALUES = 1 << 16, 1 << 22  # of all of them
APP1 = 0xE1           # the part of a JPEG that holds EXIF
PREFIX = b"Exif\0\0"


class Left:
    """Budget for reading the directories of a file: a file that lets them lie on one another would hold more."""

    def __init__(self, data: bytes):
        self.entries, self.values, self.bytes = MOST_ENTRIES, MOST_VALUES, 2 * len(data)

    def take(self, entries: int = 0, values: int = 0, size: int = 0) -> None:
        """Raises struct.error where it is more than there can be."""
        self.entries, self.values, self.bytes = self.entries - entries, self.values - values, self.bytes - size
        if min(self.entries, self.values, self.bytes) < 0:
            raise struct.error("its directories hold more than an image has")


def directories(data: bytes, left: Left | None = None) -> Iterator[dict]:
    """Every directory of a chain, in bytes that begin with "II" or "MM", as {tag: tuple of whole numbers, bytes for
    bytes}; other types of values are left out. left: ``Left`` where further ones are read of the same file. Raises
    struct.error, IndexError: cut short or damaged."""
    left, offset, seen = left or Left(data), _first(data), set()
    while offset and offset not in seen and len(seen) < MOST:
        seen.add(offset)
        found, offset = _directory(data, offset, left)
        yield found


def sub_directories(data: bytes, directory: dict, left: Left) -> Iterator[dict]:
    """The directories that one of ``directories`` names in its tag SubIFDs."""
    for offset in directory.get(SUB_IFDS, ())[:MOST]:
        yield _directory(data, offset, left)[0]


def byte_order(data: bytes) -> str:
    """"<" or ">", as struct and numpy write it."""
    return {b"II": "<", b"MM": ">"}[bytes(data[:2])]


def orientation_of(directory: dict) -> int:
    """1 to 8, whichever type of whole number it has; 1 (upright) where it does not say."""
    value = directory.get(ORIENTATION, b"\1")
    return value[0] if len(value) and 1 <= value[0] <= 8 else 1


def is_big(data: bytes) -> bool:
    """Return whether a file is a BigTIFF, which counts in 64 bits."""
    return struct.unpack_from(byte_order(data) + "H", data, 2)[0] == 43


def _first(data):
    big = is_big(data)
    return struct.unpack_from(byte_order(data) + ("Q" if big else "I"), data, 8 if big else 4)[0]


def _directory(data, offset, left):
    """({tag: values}, offset of the next directory)"""
    order, big = byte_order(data), is_big(data)
    count, = struct.unpack_from(order + ("Q" if big else "H"), data, offset)
    at, size, room = offset + (8 if big else 2), (20 if big else 12), (8 if big else 4)
    found = {}
    left.take(entries=count)
    for place in range(at, at + count * size, size):
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, place)
        length = SIZES.get(kind, 0) * number
        begin = place + size - room
        if length > room:
            begin, = struct.unpack_from(order + ("Q" if big else "I"), data, begin)
        if begin + length > len(data):
            continue  # a damaged value is missed where it is needed
        left.take(values=number if kind in WHOLE else 0, size=length)
        if kind in BYTES:
            found.setdefault(tag, data[begin:begin + length])
        elif kind in WHOLE:
            found.setdefault(tag, struct.unpack_from(f"{order}{number}{WHOLE[kind]}", data, begin))
    end = at + count * size
    following = struct.unpack_from(order + ("Q" if big else "I"), data, end)[0] if end + room <= len(data) else 0
    return found, following


def orientation(kind: str, data: bytes) -> int:
    """1 to 8, as EXIF counts, of a file in memory; 1 where it does not say, and for all kinds but "JPEG", "PNG" and
    "WEBP", since their readers turn them."""
    return orientation_in(_record(kind, data))


def orientation_in(record: bytes | None) -> int:
    """The orientation in the bytes of an EXIF record, 1 where it is None or damaged."""
    try:
        record = record.removeprefix(PREFIX) if record else b""
        return orientation_of(next(directories(record), {})) if record else 1
    except (struct.error, KeyError, IndexError):
        return 1


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """An array (H, W[, C]) as it is to be seen, in memory of its own order."""
    if orientation == 1:
        return image
    if orientation > 4:
        image = image.swapaxes(0, 1)
    rows, columns = (-1 if orientation in backwards else 1 for backwards in ((3, 4, 7, 8), (2, 3, 6, 7)))
    return np.ascontiguousarray(image[::rows, ::columns])


def _record(kind, data):
    if kind == "JPEG":
        return next((data[begin:end] for marker, begin, end in jpeg_segments(data)
                     if marker == APP1 and data.startswith(PREFIX, begin)), None)
    if kind in ("PNG", "WEBP"):
        wanted = b"eXIf" if kind == "PNG" else b"EXIF"
        return next((data[begin:end] for name, begin, end in chunks(data) if name == wanted), None)
    return None
