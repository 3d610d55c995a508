"""Facts in a video's container that PyAV passes over: how it is cut, and in WebM how it is stretched.

MP4 and MOV have the box ``clap`` (ISO/IEC 14496-12), Matroska and WebM PixelCrop and DisplayWidth (RFC 9559). Both formats
are trees; only the branch that leads there is read.
"""
from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, NamedTuple

MOST = 100_000  # branches looked at; a file without an end would be read for ever
MP4_HEAD = 78   # bytes of a description of images before the boxes in it

SEGMENT, TRACKS, TRACK, KIND, VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0x83, 0xE0  # of Matroska
CROPS = {0x54CC: "left", 0x54BB: "top", 0x54DD: "right", 0x54AA: "bottom"}
DISPLAY_WIDTH, DISPLAY_HEIGHT, NAME, VOID = 0x54B0, 0x54BA, 0x536E, 0xEC
DISPLAY_ROOM = 24  # characters of a name of the track, whose place ``write_display`` takes


class Crop(NamedTuple):
    """Rows and columns of a decoded frame that are not shown."""
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def fits(self, width: int, height: int) -> bool:
        """Return whether something is left of a frame of that size."""
        return min(self) >= 0 and self.left + self.right < width and self.top + self.bottom < height


def crop_of(source: str | os.PathLike, formats: set[str], index: int, width: int, height: int) -> Crop:
    """The Crop that a file asks for; none where it says nothing or nonsense. formats: FFmpeg's names of its format;
    index: which of its streams of images, from 0; width, height: pixels of its frames."""
    find = _mp4_crop if "mp4" in formats else _matroska_crop if "matroska" in formats else None
    if find is None:
        return Crop()
    try:
        with open(source, "rb") as file:
            crop = find(file, index, width, height)
    except (OSError, struct.error, ValueError, ZeroDivisionError, IndexError, StopIteration):
        return Crop()
    return crop if crop is not None and crop.fits(width, height) else Crop()


def write_display(path: str | os.PathLike, width: int, height: int, aspect: Fraction) -> None:
    """Say in a finished WebM of one image track, whose frames have this size in pixels of this ``aspect`` (width to
    height), how it is to be shown, in the place of a name of DISPLAY_ROOM characters. Raises OSError: the file cannot be
    changed; ValueError: it has no such name."""
    shown = shown_size(width, height, aspect)
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        tracks = next(found for segment in _elements(file, SEGMENT, 0, end) for found in _elements(file, TRACKS, *segment))
        for start, stop in _elements(file, TRACK, *tracks):
            parts = {code: _read(file, first, last - first) for code, first, _, last in _all_elements(file, start, stop)}
            if VIDEO not in parts:
                continue
            del parts[NAME]
            (begin, close), = _elements(file, VIDEO, start, stop)
            parts[VIDEO] = _element(VIDEO, _read(file, begin, close - begin) + b"".join(
                _element(code, side.to_bytes(4, "big")) for code, side in zip((DISPLAY_WIDTH, DISPLAY_HEIGHT), shown)))
            made = b"".join(parts.values())
            made += _element(VOID, bytes(stop - start - len(made) - 2))
            if len(made) != stop - start:
                raise ValueError("the track has no room")
            file.seek(start)
            file.write(made)


def shown_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size in square pixels of an image whose pixels have another shape; exact where that can be."""
    wide, high = (width * aspect, height), (width, height / aspect)
    ways = (wide, high) if aspect > 1 else (high, wide)
    best = next((way for way in ways if all(Fraction(side).denominator == 1 for side in way)), ways[0])
    return tuple(max(1, round(side)) for side in best)


def _element(code, data):
    """An element of fewer than 16383 bytes."""
    size = (0x80 | len(data)).to_bytes(1, "big") if len(data) < 127 else (0x4000 | len(data)).to_bytes(2, "big")
    return code.to_bytes((code.bit_length() + 7) // 8, "big") + size + data


def _mp4_crop(file, index, width, height):
    end = file.seek(0, os.SEEK_END)
    moov = next(_boxes(file, b"moov", 0, end))
    track = [track for track in _boxes(file, b"trak", *moov)
             if any(_read(file, start + 8, 4) == b"vide" for start, _ in _inner(file, track, b"mdia", b"hdlr"))][index]
    start, stop = _inner(file, track, b"mdia", b"minf", b"stbl", b"stsd")[0]
    size = int.from_bytes(_read(file, start + 8, 4), "big")
    # where it belongs, and where some programs put it and FFmpeg takes it from
    places = [(start + 16 + MP4_HEAD, min(start + 8 + size, stop)), track, moov, (0, end)]
    clap = next((start for place in places for start, _ in _boxes(file, b"clap", *place)), None)
    return None if clap is None else _of_aperture(_read(file, clap, 32), width, height)


def _of_aperture(data, width, height):
    """The Crop of a clean aperture: its size, and how far its centre is from that of the frame, as eight int32."""
    wide, high, right, down = (above / below for above, below in zip(*[iter(struct.unpack(">8i", data))] * 2))
    left, top = (width - wide) / 2 + right, (height - high) / 2 + down
    return Crop(round(left), round(top), width - round(left + wide), height - round(top + high))


def _inner(file, where, *names):
    """[(start, end)] of the contents of the boxes at the end of a path of names."""
    found = [where]
    for name in names:
        found = [box for outer in found for box in _boxes(file, name, *outer)]
    return found


def _boxes(file: BinaryIO, name: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the contents of each box of that name between two places of an MP4."""
    for _ in range(MOST):
        if start + 8 > end:
            return
        head = _read(file, start, 16)
        size, begin = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop < begin or stop > end:
            return
        if head[4:8] == name:
            yield begin, stop
        start = stop


def _matroska_crop(file, index, width, height):
    end = file.seek(0, os.SEEK_END)
    for segment in _elements(file, SEGMENT, 0, end):
        for tracks in _elements(file, TRACKS, *segment):
            videos = [track for track in _elements(file, TRACK, *tracks)
                      if any(_number(file, *kind) == 1 for kind in _elements(file, KIND, *track))]
            for video in _elements(file, VIDEO, *videos[index]):
                return Crop(**{side: next((_number(file, *found) for found in _elements(file, code, *video)), 0)
                               for code, side in CROPS.items()})
    return None


def _elements(file, wanted, start, end):
    """(start, end) of the contents of each element of that code between two places of a Matroska file."""
    return ((begin, stop) for code, _, begin, stop in _all_elements(file, start, end) if code == wanted)


def _all_elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(code, start, start of the contents, end) of each element."""
    for _ in range(MOST):
        if start >= end:
            return
        head = _read(file, start, 12)
        code, length = _variable(head, False)
        size, more = _variable(head[length:], True)
        begin = start + length + more
        stop = end if size is None else begin + size
        if stop > end and code != SEGMENT:  # a file that is still being written, or was cut short
            return
        yield code, start, begin, min(stop, end)
        start = stop


def _variable(data, is_size):
    """(a number of variable length, or None for a size that is not known; bytes that it takes)."""
    length = 9 - data[0].bit_length() if data and data[0] else 9
    if length > 8 or len(data) < length:
        raise ValueError("no number of Matroska")
    value = int.from_bytes(data[:length], "big")
    if is_size:
        value &= (1 << 7 * length) - 1
        value = None if value == (1 << 7 * length) - 1 else value
    return value, length


def _number(file, start, end):
    return int.from_bytes(_read(file, start, min(end - start, 8)), "big")


def _read(file, at, count):
    file.seek(at)
    return file.read(count)
