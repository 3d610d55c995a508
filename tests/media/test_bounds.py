"""Files built to occupy a reader: each ends within half a second of computing, with one line."""
import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from bgmatting.media import is_animation, read_image, read_photo
from bgmatting.media.exif import orientation_in
from bgmatting.media.heif import sequence_length
from bgmatting.utils.errors import UserError
from tests.media.tiffs import tiff

MILLION = 1_000_000
SIZE = 64
PIXELS = np.zeros((SIZE, SIZE, 3), np.uint8)


def saved(kind, **options):
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, kind, **options)
    return data.getvalue()


def box(name, content=b""):
    return struct.pack(">I", 8 + len(content)) + name + content


def chunk(name, content=b""):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def nested(name, depth):
    content = b""
    for _ in range(depth):
        content = box(name, content)
    return content


def exif(values, size=64_000):
    """A directory of as many entries as have room, each of which says that its value is all of the record."""
    count = (size - 8) // 12
    entry = struct.pack("<HHII", 40000, values, size - 8, 8)
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entry * count).ljust(size, b"\0")


def chained(count, entries):
    """Directories that lie on one another, each of many entries."""
    start = 8 + np.arange(count) * 6
    body = b"".join(struct.pack("<HI", entries, at + 6) for at in start.tolist())
    return b"II*\0\x08\0\0\0" + body + bytes(entries * 12)



def many_strips(count, shared, coding=5):
    """A TIFF of strips of one row and one pixel, each at a place of its own, or all at one; coding: LZW, or 7: JPEG."""
    offsets = np.full(count, 8) if shared else 8 + np.arange(count)
    parts = {256: (4, [1]), 257: (4, [count]), 278: (4, [1]), 273: (4, offsets.tolist()), 279: (4, [1] * count),
             259: (3, [coding])}
    return tiff(np.zeros((1, 1, 1), np.uint8), photometric=1, more=parts) + bytes(0 if shared else count)


def scans(count):
    """A progressive JPEG whose last scan comes ``count`` times."""
    data = io.BytesIO()
    Image.fromarray(np.zeros((1000, 1000), np.uint8)).save(data, "JPEG", progressive=True)
    whole = data.getvalue()
    return whole[:-2] + whole[whole.rindex(b"\xff\xda"):-2] * count + whole[-2:]


def profile(size):
    """A colour profile of 100 tags that are each all of it."""
    names = [b"rTRC", b"gTRC", b"bTRC", b"rXYZ", b"gXYZ", b"bXYZ", *(b"%04d" % number for number in range(94))]
    whole = bytearray(size)
    whole[:24] = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    whole[36:40] = b"acsp"
    whole[128:132 + 1200] = struct.pack(">I", 100) + b"".join(name + struct.pack(">II", 2000, size - 2000) for name in names)
    whole[2000:2012] = b"curv\0\0\0\0" + struct.pack(">I", (size - 2012) // 2)
    return bytes(whole)


JPEG, PNG, WEBP, GIF = saved("JPEG"), saved("PNG"), saved("WEBP", lossless=True), saved("GIF")
FTYP = box(b"ftyp", b"heic\0\0\0\0mif1heic")
AVIF_FTYP = box(b"ftyp", b"avif\0\0\0\0mif1avif")
BOMBS = {
    "jpeg segments": lambda: JPEG[:2] + b"\xff\xfe\0\2" * MILLION + JPEG[2:],
    "jpeg segments of no length": lambda: JPEG[:2] + b"\xff\xfe\0\0" * MILLION + JPEG[2:],
    "jpeg, no segments": lambda: JPEG[:2] + b"\0" * 30 * MILLION + JPEG[2:],
    "jpeg, little between": lambda: JPEG[:2] + (b"\xff\xfe\0\3a" + b"b" * 9000) * 1000 + JPEG[2:],
    "jpeg filling": lambda: JPEG[:2] + b"\xff" * 30 * MILLION + JPEG[2:],
    "jpeg scans": lambda: scans(3000),
    "jpeg exif": lambda: JPEG[:2] + b"\xff\xe1" + struct.pack(">H", 64_008) + b"Exif\0\0" + exif(4) + JPEG[2:],
    "jpeg exif, many": lambda: JPEG[:2] + (b"\xff\xe1" + struct.pack(">H", 64_008) + b"Exif\0\0" + exif(2)) * 150 + JPEG[2:],
    "png chunks": lambda: PNG[:33] + chunk(b"tEXt") * MILLION + PNG[33:],
    "png data of no length": lambda: PNG[:33] + chunk(b"IDAT") * MILLION + PNG[33:],
    "png exif": lambda: PNG[:33] + chunk(b"eXIf", exif(4, 780_000)) + PNG[33:],
    "png text": lambda: PNG[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100 * MILLION))) * 50 + PNG[33:],
    "webp chunks": lambda: b"RIFF" + struct.pack("<I", 4 + 8 * MILLION) + b"WEBP" + b"JUNK\0\0\0\0" * MILLION + WEBP[12:],
    "gif pieces": lambda: GIF[:-1] + b"!\xfe" + b"\1a" * 5 * MILLION + b"\0;",
    "gif extensions": lambda: GIF[:-1] + b"!\xfe\0" * MILLION + b";",
    "gif pictures": lambda: GIF[:-1] + b",\0\0\0\0\1\0\1\0\0\2\1\0\0" * MILLION + b";",
    "heic free boxes": lambda: FTYP + box(b"free") * MILLION,
    "heic free boxes nested": lambda: FTYP + nested(b"free", 5000),
    "heic free boxes in meta": lambda: FTYP + box(b"meta", bytes(4) + box(b"free") * MILLION),
    "heic sequence": lambda: FTYP + box(b"moov", b"stsz" * 5 * MILLION),
    "heic tracks": lambda: FTYP + box(b"moov", box(b"trak", box(b"mdia", box(b"minf"))) * MILLION),
    "avif sizes": lambda: AVIF_FTYP + box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", box(b"ispe", bytes(12)) * 300_000))),
    "avif data": lambda: AVIF_FTYP + box(b"mdat", (b"\x12\0\x0a\xff" + bytes(range(1, 60))) * 100_000),
    "tiff strips at one place": lambda: many_strips(MILLION, True),
    "tiff strips": lambda: many_strips(MILLION, False),
    "tiff strips of jpeg": lambda: many_strips(MILLION, True, 7),
    "tiff strips of fax": lambda: many_strips(60_000, False, 4),
    "icc": lambda: tiff(np.zeros((4, 4, 3), np.uint16), bits=16, more={34675: (7, profile(20 * MILLION))}),
    "tiff samples": lambda: tiff(np.zeros((4, 4, 3), np.uint8), more={277: (3, [60_000])}),
    "tiff planes": lambda: tiff(np.zeros((4, 4, 3), np.uint8), planar=True, more={277: (3, [60_000])}),
    "tiff tiles": lambda: tiff(np.zeros((16, 16, 1), np.uint8), photometric=1, tile=16,
                               more={322: (4, [2 ** 31]), 323: (4, [2 ** 31])}),
    "tiff tiles at one place": lambda: tiff(np.zeros((16, 16, 1), np.uint8), photometric=1, tile=16, more={
        256: (4, [16_000]), 257: (4, [16_000]), 324: (4, [8] * MILLION), 325: (4, [256] * MILLION)}),
    "tiff values at one place": lambda: exif(4, 780_000),
    "tiff texts at one place": lambda: exif(2, 780_000),
    "tiff directories": lambda: chained(1000, 60_000),
    "bigtiff entries": lambda: struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 2 ** 60) + bytes(20 * MILLION),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_occupy_a_reader_ends(tmp_path, name):
    path = tmp_path / "a.jpg"
    path.write_bytes(BOMBS[name]())
    for read in (read_photo, read_image, is_animation):
        began = time.process_time()
        try:
            read(path)
        except UserError as error:
            assert "\n" not in str(error) and "a.jpg" in str(error)
        assert time.process_time() - began < 1, read.__name__


def test_what_is_looked_for_is_found_behind_others():
    tables = box(b"moov", box(b"trak") + box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"free") + box(
        b"stsz", struct.pack(">III", 0, 0, 5)))))))
    assert sequence_length(FTYP + box(b"free", bytes(100)) + tables) == 5
    assert orientation_in(b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHH", 1, 274, 3, 1, 6, 0)) == 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_large_photos_are_within_bounds(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2000), np.uint8)
    path = tmp_path / "a.bin"
    Image.fromarray(noise).save(path, kind, **({"quality": 95} if kind == "JPEG" else {}))
    assert read_photo(path).shape[:2] == noise.shape and not is_animation(path)


def test_little_between_the_segments_of_a_jpeg_is_passed_over(tmp_path):
    path, data = tmp_path / "a.jpg", JPEG[:2] + b"\xff" * 9 + JPEG[2:20] + b"\0\1\2" + JPEG[20:]
    for content in (JPEG[:2] + b"\xff" * 9 + JPEG[2:], data):
        path.write_bytes(content)
        assert read_photo(path).shape == read_image(path).shape == PIXELS.shape
