"""HEIC and AVIF: photos of phones in a container like that of MP4."""
from __future__ import annotations

import contextlib
import io
import os

import cv2
import numpy as np
from PIL import features

from bgmatting.media.bounds import check_size
from bgmatting.media.exif import orientation_in
from bgmatting.media.formats import undecodable
from bgmatting.media.pixels import Stored, of_pillow
from bgmatting.media.stated_colours import profile_of_numbers
from bgmatting.utils.errors import UserError

WIDE = ("RGB;16", "RGBA;16")  # pillow-heif's modes for more than eight bits
SEQUENCE = b"\x12\x00\x0a"  # how AV1 data begin: a delimiter, and the head of a sequence header, whose length follows
MOST_BOXES, MOST_FOUND = 1000, 100  # in a box; of one kind that are looked at
ALIGNED = 8                # pixels by which a coded image may be larger


def read_container(path: str | os.PathLike, kind: str, data: bytes, bits: int = 8, notes: list[str] = ()) -> Stored:
    """The primary image of a "HEIF" or "AVIF" as ``Stored``; its icc is made of the colours that the container states
    where it has none. bits: 16: a HEIC of more than 8 bits comes with 16. notes: a list that takes remarks. Raises
    UserError: too large, or the package that reads it is missing."""
    turn = 1  # of HEIC, turned by its container; what its EXIF record says does not count
    if kind == "HEIF":
        picture = _heif(path, data, bits)
        check_size(path, *picture.size)
        made = (_full_range(picture), "RGB", None) if picture.mode in WIDE else of_pillow(picture.to_pillow())
    else:
        picture = _avif(path, data)
        check_size(path, *picture.size)
        if _is_misdeclared(data):
            raise undecodable(path)
        made = of_pillow(picture)
        turn = orientation_in(picture.info.get("exif"))  # where Pillow notes how the container is turned
        if bits == 16 and is_deep_avif(data):
            notes.append("it has more than 8 bits a channel, of which an AVIF is read with 8 here.")
    icc, stated = picture.info.get("icc_profile"), stated_colours(data)
    if not icc and stated is not None:
        icc = profile_of_numbers(*stated, notes)
    return Stored(*made, icc=icc, turn=turn)


def _full_range(picture):
    """uint16 RGB of a pillow-heif image whose numbers stand in the upper bits."""
    most = 65536 - (1 << 16 - picture.info.get("bit_depth", 16))
    return cv2.multiply(np.ascontiguousarray(np.asarray(picture)[..., :3]), (65535 / most,) * 4)


def container_size(path: str | os.PathLike, kind: str, data: bytes) -> tuple[int, int] | None:
    """(width, height) of the primary image, told by its header; None where AVIF is not read here.

    Args and errors as ``read_container``.
    """
    if kind == "AVIF" and not has_avif():
        return None
    return (_heif if kind == "HEIF" else _avif)(path, data).size


def _avif(path, data):
    if not has_avif():
        raise UserError(f"{path} is AVIF, which takes Pillow 11.3 or newer: pip install -U pillow.")
    from PIL.AvifImagePlugin import AvifImageFile
    return AvifImageFile(io.BytesIO(data))


def _heif(path, data, bits=8):
    try:
        import pillow_heif
    except ImportError:
        raise UserError(f"{path} is HEIC, which takes a package more: pip install pillow-heif.") from None
    return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=bits == 8)


def _is_misdeclared(data):
    """Whether an AVIF says another size than its images have; it would be scaled to that, whatever it takes."""
    coded = _coded_sizes(data)
    declared = {tuple(int.from_bytes(data[begin + shift:begin + shift + 4], "big") for shift in (4, 8))
                for begin, _ in _boxes_at(data, b"meta", b"iprp", b"ipco", b"ispe")}
    return bool(coded) and not any(abs(width - one) <= ALIGNED and abs(height - other) <= ALIGNED
                                   for width, height in declared for one, other in coded)


def _coded_sizes(data):
    """{(width, height)} of the first AV1 images that an AVIF holds, as their sequence headers say (AV1, section 5.5)."""
    found, at = set(), -1
    for _ in range(MOST_FOUND):
        at = data.find(SEQUENCE, at + 1)
        if at < 0:
            break
        begin = at + len(SEQUENCE)
        with contextlib.suppress(ValueError, IndexError):
            found.add(_sequence_size(data[begin + 1:begin + 1 + data[begin]]))
    return found


def _sequence_size(header):
    """(width, height) of a sequence header. Raises ValueError where it is cut short, or of a film's kind."""
    bits = "".join(f"{byte:08b}" for byte in header)
    at = 5 + 5  # profile, still image, reduced header; level
    if bits[4] == "0":
        if bits[5:12] != "0" * 7:  # timing, delay, several operating points
            raise ValueError("not of a still image")
        at = 5 + 2 + 5 + 12 + 5 + (int(bits[24:29], 2) > 7)
    sides = [int(bits[at + 4 * number:at + 4 * number + 4], 2) + 1 for number in range(2)]
    at += 8
    return int(bits[at:at + sides[0]], 2) + 1, int(bits[at + sides[0]:at + sum(sides)], 2) + 1


def has_avif() -> bool:
    """Return whether Pillow reads AVIF."""
    try:
        return features.check("avif")
    except ValueError:  # a Pillow that does not know the word
        return False


def sequence_length(data: bytes) -> int:
    """Return how many images the longest moving track of a HEIC or AVIF holds; 0 where nothing moves."""
    tables = _boxes_at(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz")
    return max((int.from_bytes(data[begin + 8:begin + 12], "big") for begin, _ in tables), default=0)


def is_deep_avif(data: bytes) -> bool:
    """Return whether an AVIF says that its images have more than 8 bits a channel (AV1 in ISOBMFF, section 2.3)."""
    at = data.find(b"av1C")
    return at >= 0 and at + 6 < len(data) and bool(data[at + 6] & 0x40)


def stated_colours(data: bytes) -> tuple[int, int] | None:
    """(primaries, transfer) as ITU-T H.273 numbers them, of the container's box "colr"; None where it does not say."""
    at = next((data.find(b"colrnclx", begin, end) for begin, end in _boxes_at(data, b"meta")), -1)
    return None if at < 0 else tuple(int.from_bytes(data[at + shift:at + shift + 2], "big") for shift in (8, 10))


def _boxes_at(data, *path):
    """[(begin, end)] of the contents of the boxes that a path of names leads to, from the outermost on."""
    found = [(0, len(data))]
    for wanted in path:
        found = [(begin + 4 * (name == b"meta"), end) for place in found for name, begin, end in _boxes(data, *place)
                 if name == wanted][:MOST_FOUND]
    return found


def _boxes(data, at, end):
    """(name, begin, end) of the contents of every box in a part of a file, as far as they go; more than any file has are
    passed over."""
    for _ in range(MOST_BOXES):
        size, name, head = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8:at + 16], "big"), 16
        size = size or end - at  # 0: to the end
        if size < head or at + head > end:
            return
        yield name, at + head, min(at + size, end)
        at += size
