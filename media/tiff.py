"""TIFF: its samples as they are stored, whatever their number, depth, order and coding; and telling raw photos by it.

Pillow and OpenCV show many kinds wrongly (16 bits in planes, as a negative, with a channel more), so that here Pillow
only unpacks the bytes of each strip or tile, and they are put together by what the tags say (TIFF 6.0, Adobe 1992).
"""
from __future__ import annotations

import io
import math
import os
import struct

import numpy as np
from PIL.TiffImagePlugin import TiffImageFile

from bgmatting.media.bounds import check_size
from bgmatting.media.exif import Left, byte_order, directories, orientation_of, sub_directories
from bgmatting.media.formats import cut_short, raw, undecodable
from bgmatting.media.pixels import Stored, of_pillow
from bgmatting.utils.errors import UserError

SUBTYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL = 254, 256, 257, 258, 259, 262, 266
OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR, COLOURS = 273, 277, 278, 279, 284, 317, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, INK_SET, EXTRA, FORMAT = 322, 323, 324, 325, 332, 338, 339
PROFILE, DNG, CFA_PATTERN = 34675, 50706, 33422

WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, CMYK, YCBCR, LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
SPACES = {WHITE_IS_0: ("L", 1), BLACK_IS_0: ("L", 1), RGB: ("RGB", 3), PALETTE: ("RGB", 1), CMYK: ("CMYK", 4),
          LAB: ("LAB", 3), ICC_LAB: ("LAB", 3)}  # colour space, and how many samples it takes
SENSOR = (32803, 34892)                    # photometric: what a camera's sensor saw
PLAIN = 1
JPEGS = (6, 7)                             # compressions
PACKED = (5, 8, 32946, 32773, 34925, 50000)    # of bytes: LZW, Deflate, PackBits, LZMA, Zstandard
NEF, ARW, PEF, SRW = 34713, 32767, 65535, 32770  # compressions of raw photos
DEPTHS = (1, 2, 4, 8, 10, 12, 14, 16, 32)
MOST_SAMPLES, MOST_BLOCKS = 8, 1 << 17     # of a pixel; strips or tiles
DECODED = 1 << 24                          # bytes of strips or tiles decoded at once
GROUP = 1 << 22                            # samples unpacked at once where they are no whole bytes


def read_tiff(path: str | os.PathLike, data: bytes) -> Stored:
    """The image in the bytes ``data`` of a TIFF, as ``Stored``. Raises UserError: a raw photo, several pages,
    floating-point or signed numbers, a kind that is not known, cut short, damaged, or too large."""
    tags = picture_tags(path, data)
    (width, *_), (height, *_) = tags[WIDTH], tags[HEIGHT]
    check_size(path, width, height)
    if width < 1 or height < 1:
        raise undecodable(path)
    _check_blocks(path, data, tags)
    common = {"icc": bytes(tags.get(PROFILE, ())), "turn": orientation_of(tags)}
    if not _own(tags):
        return Stored(*_by_pillow(path, data, tags), **common)
    space, colours = SPACES[_one(tags, PHOTOMETRIC)]
    _check_numbers(path, tags, colours)
    samples = _samples(path, data, tags)
    extra = tags.get(EXTRA, ())
    place = next((at for at, kind in enumerate(extra) if kind in (1, 2)), 0)
    alpha = samples[..., colours + place] if samples.shape[2] > colours + place else None
    depth = tags.get(BITS, (1,))[0]
    pixels = _pixels(samples[..., :colours], tags, depth)
    alpha = None if alpha is None else _scaled(alpha, depth)
    premultiplied = alpha is not None and place < len(extra) and extra[place] == 1
    return Stored(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels, space, alpha, premultiplied,
                  **common)


def tiff_size(path: str | os.PathLike, data: bytes) -> tuple[int, int]:
    """(width, height) of the image. Raises as ``picture_tags``, and what reading a damaged file raises."""
    tags = picture_tags(path, data)
    return tags[WIDTH][0], tags[HEIGHT][0]


def picture_tags(path: str | os.PathLike, data: bytes) -> dict:
    """The tags of the one image of full size. Raises UserError for raw photos and several pages."""
    left = Left(data)
    pages = list(directories(data, left))
    if data[8:10] == b"CR" or any(_is_raw(tags) for page in pages for tags in (page, *sub_directories(data, page, left))):
        raise raw(path)
    whole = [tags for tags in pages if not _one(tags, SUBTYPE, 0) & 5]  # 1: a smaller copy, 4: a mask
    if len(whole) > 1:
        raise UserError(f"{path} is a TIFF of {len(whole)} pages, not a photo. Save the one that is meant by itself.")
    if pages and not whole:
        raise UserError(f"{path} holds a small copy of an image only. Export the image itself as TIFF or JPEG.")
    if not whole or any(tag not in whole[0] for tag in (WIDTH, HEIGHT, PHOTOMETRIC)):
        raise undecodable(path)
    return whole[0]


def _is_raw(tags):
    return (DNG in tags or CFA_PATTERN in tags or _one(tags, PHOTOMETRIC) in SENSOR
            or _one(tags, COMPRESSION) in (NEF, ARW, PEF, SRW))


def _own(tags):
    """Whether the samples are put together here; else the coding is one of images, which Pillow decodes whole."""
    return _one(tags, PHOTOMETRIC) in SPACES and _one(tags, COMPRESSION, PLAIN) in (PLAIN, *PACKED)


def _check_numbers(path, tags, colours):
    depths, formats = set(tags.get(BITS, (1,))), set(tags.get(FORMAT, (1,)))
    if formats & {3, 6}:
        raise UserError(f"{path} holds {max(depths)}-bit floating-point numbers of unknown range. Save it with 8 or 16 "
                        f"bits.")
    if formats & {2, 5} and _one(tags, PHOTOMETRIC) != LAB:
        raise UserError(f"{path} holds signed numbers of unknown range. Save it with 8 or 16 bits.")
    known = {8, 16} if _one(tags, PHOTOMETRIC) in (LAB, ICC_LAB) else set(DEPTHS)
    if len(depths) > 1 or not depths <= known:
        raise UserError(f"{path} has {', '.join(map(str, sorted(depths)))} bits a channel, which is not read. Save it "
                        f"with 8 or 16 bits.")
    if _one(tags, PHOTOMETRIC) == CMYK and _one(tags, INK_SET, 1) != 1:
        raise UserError(f"{path} is separated into inks other than CMYK. Save it as RGB.")
    if _one(tags, SAMPLES, 1) < colours:
        raise undecodable(path)


def _samples(path, data, tags):
    """Unsigned integers (H, W, samples) in the machine's byte order."""
    width, height, count = _one(tags, WIDTH), _one(tags, HEIGHT), _one(tags, SAMPLES, 1)
    depth, tiled = tags.get(BITS, (1,))[0], TILE_OFFSETS in tags
    rows = _one(tags, TILE_HEIGHT) if tiled else min(_one(tags, ROWS, height), height)
    columns = _one(tags, TILE_WIDTH) if tiled else width
    planes = count if _one(tags, PLANAR, 1) == 2 else 1
    offsets, sizes = _blocks(tags)
    if min(rows, columns) < 1:
        raise cut_short(path)
    down, across = math.ceil(height / rows), math.ceil(width / columns)
    check_size(path, columns * across, rows * down if tiled else height)
    row_bytes = math.ceil(columns * (count // planes) * depth / 8)
    if not sizes and _one(tags, COMPRESSION, PLAIN) == PLAIN:
        sizes = (rows * row_bytes,) * len(offsets)
    blocks = down * across
    if min(len(offsets), len(sizes)) < planes * blocks:
        raise cut_short(path)
    dtype = np.dtype(f"{byte_order(data)}u{max(1, 1 << (depth - 1).bit_length() >> 3)}") if depth % 8 == 0 else None
    made = np.empty((height, width, count), np.uint8 if depth <= 8 else np.uint16 if depth <= 16 else np.uint32)
    step = max(1, DECODED // (rows * row_bytes))
    for first, plane in ((first, plane) for plane in range(planes) for first in range(0, blocks, step)):
        part = slice(plane * blocks + first, plane * blocks + min(first + step, blocks))
        wanted = rows * (part.stop - part.start) if tiled else min(rows * step, height - first * rows)
        content = _unpacked(path, data, tags, offsets[part], sizes[part], (row_bytes, rows, wanted))
        found = _numbers(content, (wanted, columns, count // planes), depth, dtype)
        if _one(tags, PREDICTOR, 1) == 2:
            found = np.cumsum(found, axis=1, dtype=found.dtype)
            if depth < 8:
                found &= 2 ** depth - 1
        target = made[..., plane:plane + 1] if planes > 1 else made
        for number in range(first, min(first + step, blocks)):
            top, left = number // across * rows, number % across * columns
            place = target[top:top + rows, left:left + columns]
            place[...] = found[(number - first) * rows:][:len(place), :place.shape[1]]
    return made


def _blocks(tags):
    """(offsets, sizes) of strips or tiles."""
    return tuple(tags.get(tag, ()) for tag in ((TILE_OFFSETS, TILE_COUNTS) if TILE_OFFSETS in tags else (OFFSETS, COUNTS)))


def _check_blocks(path, data, tags):
    """Raise UserError for more channels, strips or tiles than any image has, or such as lie on one another."""
    offsets, sizes = _blocks(tags)
    if _one(tags, SAMPLES, 1) > MOST_SAMPLES:
        raise UserError(f"{path} has {_one(tags, SAMPLES)} channels; at most {MOST_SAMPLES} are read. Save it as RGB.")
    if len(offsets) > MOST_BLOCKS:
        raise UserError(f"{path} has {len(offsets)} strips or tiles; at most {MOST_BLOCKS} are read. Save it again.")
    if sum(min(size, max(len(data) - offset, 0)) for offset, size in zip(offsets, sizes)) > len(data):
        raise UserError(f"cannot decode {path}: parts of the image lie on one another. Save it again.")


def _unpacked(path, data, tags, offsets, sizes, shape):
    """The bytes of strips or tiles below one another, uint8 (rows in all, bytes of a row). shape: bytes of a row, rows of
    each, rows in all: the last may have fewer."""
    compression, fill = _one(tags, COMPRESSION, PLAIN), _one(tags, FILL, 1)
    row_bytes, rows, height = shape
    view = memoryview(data)
    if compression != PLAIN or fill != 1:
        parts = [view[offset:offset + size] for offset, size in zip(offsets, sizes)]
        return np.asarray(TiffImageFile(io.BytesIO(_as_gray(parts, shape, compression, fill))))
    lengths = [row_bytes * min(rows, height - top) for top in range(0, height, rows)]
    parts = [view[offset:offset + min(size, length)] for offset, size, length in zip(offsets, sizes, lengths)]
    if list(map(len, parts)) != lengths:
        raise cut_short(path)
    return np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), np.uint8).reshape(height, row_bytes)


def _as_gray(parts, shape, compression, fill):
    """Strips as a TIFF by themselves whose pixels are the strips' bytes, so that the codec is all that works on them. Args
    as ``_unpacked``; parts: the bytes of each."""
    many, sizes = len(parts), [len(part) for part in parts]
    offsets = (8 + np.cumsum([0, *sizes])).tolist()
    lists = offsets.pop()  # where the offsets and sizes of several stand
    values = np.array([*offsets, *sizes], "<u4").tobytes() if many > 1 else b""
    tags = [(WIDTH, 1, shape[0]), (HEIGHT, 1, shape[2]), (BITS, 1, 8), (COMPRESSION, 1, compression),
            (PHOTOMETRIC, 1, BLACK_IS_0), (FILL, 1, fill), (OFFSETS, many, lists if many > 1 else 8), (SAMPLES, 1, 1),
            (ROWS, 1, shape[1]), (COUNTS, many, lists + 4 * many if many > 1 else sizes[0])]
    entries = b"".join(struct.pack("<HHII", tag, 4, number, value) for tag, number, value in tags)
    head = b"II*\0" + struct.pack("<I", lists + len(values))
    return b"".join((head, *parts, values, struct.pack("<H", len(tags)), entries, bytes(4)))


def _numbers(content, shape, depth, dtype):
    """uint8 (rows, bytes) as unsigned integers of ``shape``; dtype: as stored, None where they are no whole bytes."""
    if dtype is not None:
        return content.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)
    rows, count = shape[0], shape[1] * shape[2]
    found = np.empty((rows, count), np.uint8 if depth < 8 else np.uint16)
    weights = (1 << np.arange(depth)[::-1]).astype(found.dtype)
    step = max(1, GROUP // max(count, 1))
    for top in range(0, rows, step):
        bits = np.unpackbits(content[top:top + step], axis=1)[:, :count * depth]
        found[top:top + step] = bits.reshape(-1, count, depth) @ weights
    return found.reshape(shape)


def _pixels(samples, tags, depth):
    """Samples as colours of full range: uint8, or uint16 where they are finer."""
    kind = _one(tags, PHOTOMETRIC)
    if kind == PALETTE:
        table = np.array(tags.get(COLOURS, ()), np.uint16).reshape(3, -1).T
        table = (table >> 8 if table.max() > 255 else table).astype(np.uint8)
        return table[np.minimum(samples[..., 0], len(table) - 1)]
    if kind == WHITE_IS_0:
        samples = np.uint32(2 ** depth - 1).astype(samples.dtype) - samples
    if kind in (LAB, ICC_LAB):
        return _lab(samples, kind, depth)
    return _scaled(samples, depth)


def _scaled(samples, depth):
    if depth == 32:
        return (samples >> 16).astype(np.uint16)
    if depth in (8, 16):
        return samples
    most, dtype = 2 ** depth - 1, np.uint8 if depth < 8 else np.uint16
    table = np.rint(np.arange(most + 1) * (np.iinfo(dtype).max / most)).astype(dtype)
    return table[samples]


def _lab(samples, kind, depth):
    """CIE L*a*b* as Pillow's mode LAB has it, uint8: L of 0..255; a and b of -128..127 as two's complement."""
    light, others = samples[..., :1], samples[..., 1:]
    if depth == 16:
        full = 65535 if kind == LAB else 65280
        light = np.rint(np.minimum(light, full) * (255 / full)).astype(np.uint8)
        from_least = np.minimum(others if kind == ICC_LAB else others ^ 0x8000, 65407)
        others, kind = (from_least.astype(np.uint32) + 128 >> 8).astype(np.uint8), ICC_LAB
    return np.concatenate([light, others ^ 0x80 if kind == ICC_LAB else others], axis=2)


def _by_pillow(path, data, tags):
    """(pixels, space, alpha, premultiplied) of a TIFF coded as an image: JPEG, fax, and what else Pillow knows."""
    depth, count = max(tags.get(BITS, (1,))), _one(tags, SAMPLES, 1)
    if depth > 8 or _one(tags, PHOTOMETRIC) == YCBCR and _one(tags, COMPRESSION, PLAIN) not in JPEGS:
        raise UserError(f"{path} is a TIFF of {depth} bits in a coding that is not read. Save it uncompressed or with "
                        f"LZW or Deflate.")
    try:
        picture = TiffImageFile(io.BytesIO(data))
        picture.seek(_page_number(data, tags))
        picture.load()
    except Exception:
        raise UserError(f"cannot decode {path}: damaged, or a TIFF of a kind that is not read (compression "
                        f"{_one(tags, COMPRESSION, PLAIN)}, photometric {_one(tags, PHOTOMETRIC)}, {count} channels of "
                        f"{depth} bits). Save it uncompressed or with LZW or Deflate, as RGB.") from None
    return (*of_pillow(picture), False)


def _page_number(data, wanted):
    return next(number for number, tags in enumerate(directories(data)) if tags == wanted)


def _one(tags, tag, default=None):
    values = tags.get(tag)
    return values[0] if values else default
