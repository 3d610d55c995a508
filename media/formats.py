"""Facts in the bytes of an image file before anything is decoded: its format, its size, and whether it is whole."""
from __future__ import annotations

import itertools
import os
import re
import struct
from collections.abc import Iterator

from bgmatting.utils.errors import UserError

SCAN = 0xDA                                              # marker: the image itself begins
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}     # markers: the image's size, one for each kind of coding

SCAN_MARK, END_MARK = b"\xff\xda", b"\xff\xd9"
JPEG, PNG = b"\xff\xd8", b"\x89PNG"       # the first bytes of such files
STARTS = {"JPEG": (JPEG,), "PNG": (PNG,), "GIF": (b"GIF87a", b"GIF89a"), "BMP": (b"BM",),
          "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
          "RAW": (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"FOVb", b"II\x1a\0\0\0HEAPCCDR")}
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")  # chunks of a PNG
PILLOW_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF")  # what Pillow may be asked to open; MPO is JPEG to it
READ = "JPEG, PNG, TIFF, WebP, BMP, GIF, HEIC and AVIF"

MOST_PARTS = 10_000   # segments, chunks or blocks of a file; more where they have so many bytes each
USUAL_PART, GIF_PART = 1024, 128
MOST_SCANS = 100      # of a JPEG, each of which is another pass over all its pixels
MOST_BETWEEN = 1 << 16  # bytes between the segments of a JPEG, filling or none of them
MARK = re.compile(rb"\xff[\x01-\xfe]")

# ISO base media files name their brands in the first box.
RAW_BRANDS, AVIF_BRANDS = {b"crx "}, {b"avif", b"avis"}
HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}


def kind_of(data: bytes) -> str | None:
    """The format of a file by its content: "JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF"; "RAW" for cameras'
    own formats that are not built like TIFF, "VIDEO" for MP4 and its like; None for all others."""
    if data[4:8] == b"ftyp":
        return _kind_of_boxes(data)
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"AVI "):
        return "WEBP" if data[8:12] == b"WEBP" else "VIDEO"
    return next((kind for kind, starts in STARTS.items() if data.startswith(starts)), None)


def _kind_of_boxes(data):
    size = int.from_bytes(data[:4], "big")
    brands = {data[at:at + 4] for at in (8, *range(16, min(size, 256), 4))}
    if brands & RAW_BRANDS:
        return "RAW"
    if brands & AVIF_BRANDS and not brands & (HEIF_BRANDS - {b"mif1", b"msf1", b"mif2"}):
        return "AVIF"
    if brands & HEIF_BRANDS:
        return "AVIF" if b"av01" in data[:4096] and b"hvc1" not in data[:4096] else "HEIF"
    return "VIDEO"


def check_kind(path: str | os.PathLike, data: bytes) -> str:
    """The ``kind_of`` an image that is read. Raises UserError for an empty file and for all that is no such image."""
    if not data:
        raise UserError(f"cannot decode {path}: the file is empty. Copy or download it again.")
    kind = kind_of(data)
    if kind is None:
        raise undecodable(path)
    if kind == "RAW":
        raise raw(path)
    if kind == "VIDEO":
        raise UserError(f"cannot decode {path}: it is a video under the name of an image. Name it .mp4 or .mov.")
    if kind == "PNG" and data[12:16] == b"CgBI":
        raise UserError(f"{path} is Apple's variant of PNG (CgBI), which no usual decoder reads. Convert it on a Mac: "
                        "xcrun pngcrush -revert-iphone-optimizations IN.png OUT.png, or open it and export it anew.")
    check_parts(path, kind, data)
    return kind


def check_parts(path: str | os.PathLike, kind: str, data: bytes) -> None:
    """Raise UserError for a JPEG, PNG, WebP or GIF of more parts than an image has, which decoders would go through for
    minutes."""
    scans = 0
    if kind == "JPEG":
        _, start = _jpeg_header(data)
        too_many = start is None
        if data.count(SCAN_MARK) > MOST_SCANS:
            end = data.find(END_MARK, start or 0)
            scans = data.count(SCAN_MARK, start or 0, len(data) if end < 0 else end)
    else:
        walk = {"PNG": chunks, "WEBP": chunks, "GIF": gif_blocks}.get(kind)
        too_many = walk is not None and sum(1 for _ in walk(data)) == _most_parts(data)
    if too_many or scans > MOST_SCANS:
        raise UserError(f"cannot decode {path}: it is made of more parts than any image. Open it in a viewer and save it "
                        "again.")


def _most_parts(data):
    return MOST_PARTS + len(data) // (GIF_PART if data[:3] == b"GIF" else USUAL_PART)


def raw(path: str | os.PathLike) -> UserError:
    """The UserError for a camera's own format."""
    return UserError(f"{path} is a raw photo, which has to be developed first: export it as TIFF (16 bits) or JPEG with the "
                     f"camera's program, darktable, RawTherapee or Lightroom; src and bgr with the same settings.")


def undecodable(path: str | os.PathLike) -> UserError:
    """The UserError for a file that no decoder takes."""
    return UserError(f"cannot decode {path}: not an image, or damaged; {READ} are read. Open it in a viewer and save it "
                     f"again.")


def cut_short(path: str | os.PathLike) -> UserError:
    """The UserError for a file whose end is missing."""
    return UserError(f"{path} is cut short: its lower part is missing. Copy or download it again.")


def lacks_end(data: bytes) -> bool:
    """True for a JPEG or PNG without its end mark: some versions of OpenCV fill what is missing with gray."""
    if data.startswith(PNG):
        return data.rfind(b"IEND") < 0
    return data.startswith(JPEG) and data.rfind(b"\xff\xd9", scan_start(data)) < 0


def declared_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in the header of a JPEG or PNG, None for other files and where it does not say."""
    if data.startswith(PNG):
        if data[12:16] != b"IHDR":
            return None
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return jpeg_size(data) if data.startswith(JPEG) else None


def jpeg_segments(data: bytes) -> list[tuple[int, int, int]]:
    """[(marker, begin, end)] of the contents of every part of a JPEG's header."""
    return _jpeg_header(data)[0]


def _jpeg_header(data):
    """(``jpeg_segments``, where the header ends); that is None for a header of more parts, or more between them, than
    there is in any image."""
    found, at, left = [], 2, MOST_BETWEEN
    while at + 4 <= len(data):
        mark = MARK.search(data, at, at + left + 2)
        if mark is None or len(found) == _most_parts(data):
            return found, None if at + left + 2 < len(data) else at
        left, at = left - (mark.end() - 2 - at), mark.end() - 2
        if data[at + 1] == SCAN or at + 4 > len(data):
            break
        end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
        found.append((data[at + 1], at + 4, end))
        at = end
    return found, at


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, begin, end) of the contents of every chunk of a PNG or WebP, as far as they go, and as ``check_parts`` lets
    pass."""
    png = data.startswith(PNG)
    at = 8 if png else 12
    for _ in range(_most_parts(data)):
        if at + 8 > len(data):
            return
        if png:
            size, name = struct.unpack_from(">I4s", data, at)
        else:
            name, size = struct.unpack_from("<4sI", data, at)
        yield name, at + 8, at + 8 + size
        at += 8 + size + (4 if png else size % 2)


def gif_blocks(data: bytes) -> Iterator[bytes]:
    """The first byte of each of a GIF's blocks, "," for an image, and b"" for each piece of their data; as ``chunks``."""
    return itertools.islice(_gif_blocks(data), _most_parts(data))


def _gif_blocks(data):
    at = 13 + _palette(data, 10)
    while (kind := data[at:at + 1]) in (b"!", b",") and kind:
        yield kind
        at += 2 if kind == b"!" else 11 + _palette(data, at + 9)
        while at < len(data) and data[at]:
            yield b""
            at += 1 + data[at]
        at += 1


def _palette(data, at):
    """Bytes of the palette that a GIF's flags at ``at`` announce."""
    return 3 * 2 ** ((data[at] & 7) + 1) if at < len(data) and data[at] & 0x80 else 0


def pixels_only(data: bytes) -> bytes:
    """A PNG without the chunks that do not bear on its pixels, which libpng prints lines about; others as they are."""
    if not data.startswith(PNG):
        return data
    needed = [(begin, end) for name, begin, end in chunks(data) if name in NEEDED]
    return data[:8] + b"".join(data[begin - 8:end + 4] for begin, end in needed)


def scan_start(data: bytes) -> int:
    """Return where in the bytes of a JPEG the image begins: behind the header, which may hold a small copy of it."""
    return max((end for _, _, end in jpeg_segments(data)), default=2)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG in pixels; None where the header does not say."""
    for marker, begin, _ in jpeg_segments(data):
        if marker in FRAMES:
            height, width = (int.from_bytes(data[at:at + 2], "big") for at in (begin + 1, begin + 3))
            return (width, height) if width and height else None
    return None
