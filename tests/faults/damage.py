"""Small pictures and clips of every usual kind, and ways to damage them."""
import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.media.tiffs import directory, tiff

WIDTH, HEIGHT, FRAMES = 264, 260, 6  # above 255, so that Matroska gives a side two bytes
PILLOWS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "bmp": "BMP", "gif": "GIF", "avif": "AVIF"}
TIFFS = {"planar16.tif": {"bits": 16, "planar": True}, "deflate16.tif": {"bits": 16, "deflate": True, "predictor": True},
         "tiled.tif": {"tile": 32}, "cmyk.tif": {"photometric": 5, "big": True}}
RAWS = ("dng", "nef", "cr2", "raf", "cr3")  # a small picture comes first, which nobody wants
PHOTOS = (*PILLOWS, "heic", *TIFFS, *RAWS)
VIDEOS = {"mp4": ("libx264", "yuv420p"), "webm": ("libvpx-vp9", "yuv420p"), "mov": ("mjpeg", "yuvj420p"),
          "avi": ("mpeg4", "yuv420p"), "mkv": ("ffv1", "yuv420p"), "gif": ("gif", "rgb8")}
NAMES = {"photo": ("png", "jpg", "webp", "tif", "bmp", "heic", "avif"), "video": ("mp4", "webm", "mov", "avi", "mkv")}
FIGURES = (9000, 20000, 65500)       # sides to declare; 9000 x 9000 is what a photo may have
DAMAGES = ("empty", "truncated", "flipped", "header", "hole", "noise", "huge", "renamed")


def scene(rng):
    """uint8 RGB (H, W, 3): a texture, so that backgrounds can be aligned."""
    small = rng.integers(30, 200, (HEIGHT // 10, WIDTH // 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.BICUBIC))


def with_subject(image, index=0):
    """A copy with a bright square."""
    image = image.copy()
    image[90:170, 60 + 8 * index:140 + 8 * index] = (240, 220, 210)
    return image


def photo(kind, image):
    """The bytes of a picture, of PHOTOS; None where what writes it is not installed."""
    if kind in RAWS:
        return raw(kind, image)
    if kind in TIFFS:
        samples = np.asarray(Image.fromarray(image).convert("CMYK")) if kind == "cmyk.tif" else image
        return tiff(samples.astype(np.uint16) * (257 if TIFFS[kind].get("bits") == 16 else 1), **TIFFS[kind])
    file = io.BytesIO()
    try:
        if kind == "heic":
            import pillow_heif
            pillow_heif.from_pillow(Image.fromarray(image)).save(file)
        else:
            Image.fromarray(image).save(file, PILLOWS[kind])
    except (ImportError, KeyError, OSError, RuntimeError):
        return None
    return file.getvalue()


def raw(kind, image):
    """The bytes of a file that is built as a camera's own, with a small picture where programs look first."""
    small = image[::4, ::4]
    if kind == "dng":
        return tiff(small, more={254: (4, [1]), 50706: (1, [1, 4, 0, 0])})
    if kind == "nef":
        begin = len(tiff(small, more={254: (4, [1]), 330: (4, [0])}))
        sensor = {254: (4, [0]), 256: (4, [WIDTH]), 257: (4, [HEIGHT]), 262: (3, [32803]), 273: (4, [8]), 279: (4, [100])}
        return tiff(small, more={254: (4, [1]), 330: (4, [begin])}) + directory("<", sensor, begin)
    if kind == "cr2":
        data = tiff(small)
        begin = len(data) + 8
        return data[:4] + struct.pack("<I", begin) + b"CR\2\0" + data[8:] + bytes(4) + directory("<", {}, begin)
    head = b"FUJIFILMCCD-RAW 0201FF" if kind == "raf" else b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"
    return head + bytes(40) + photo("jpg", small)


def video(kind, images, path):
    """The bytes of a clip, written at ``path``, by PyAV."""
    import av
    codec, pixels = VIDEOS[kind]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "3"} if kind in ("mp4", "avi") else {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixels)))
        container.mux(stream.encode(None))
    return path.read_bytes()


def damaged(data, family, kind, damage, rng):
    """(suffix, bytes) of a damaged file.

    Args:
        data: the sound file; family: "photo" or "video"; kind: its suffix; damage: of DAMAGES; rng: a numpy Generator.
    """
    data, suffix = bytearray(data), kind.split(".")[-1]
    if damage == "empty":
        return suffix, b""
    if damage == "truncated":
        return suffix, bytes(data[:int(rng.integers(1, len(data)))])
    if damage == "noise":
        return suffix, rng.bytes(int(rng.integers(1, 5000)))
    if damage == "renamed":
        other = [name for name in NAMES["photo" if rng.integers(2) else "video"] if name != suffix]
        return other[int(rng.integers(len(other)))], bytes(data)
    if damage == "huge":
        declare(data, family, kind, int(rng.choice(FIGURES)), int(rng.choice(FIGURES)))
    elif damage == "hole":
        start = int(rng.integers(0, len(data)))
        size = min(int(rng.integers(1, 1 + len(data) // 3)), len(data) - start)
        data[start:start + size] = bytes(size)
    else:
        end = min(96, len(data)) if damage == "header" else len(data)
        for place in rng.integers(0, end, int(rng.integers(1, 40))):
            data[place] ^= 1 << int(rng.integers(8))
    return suffix, bytes(data)


def declare(data, family, kind, width, height):
    """Let the header of a file say ``width`` and ``height``, in place."""
    if kind == "png":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif kind == "jpg":
        place = data.index(b"\xff\xc0")
        data[place + 5:place + 9] = struct.pack(">HH", height, width)
    elif kind == "webp":
        data[26:30] = struct.pack("<HH", min(width, 16383), min(height, 16383))
    elif kind == "bmp":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "gif":
        data[6:10] = struct.pack("<HH", width, height)
    elif kind in ("heic", "avif"):
        place = data.index(b"ispe") + 8
        data[place:place + 8] = struct.pack(">II", width, height)
    elif kind in RAWS[2:] or TIFFS.get(kind, {}).get("big"):
        data[-8:] = b"\xff" * 8  # there is no such field here: its end is lost
    elif kind == "tif" or kind in TIFFS or kind in RAWS:
        _declare_tiff(data, width, height)
    elif kind in ("mp4", "mov"):
        place = data.index(b"avc1" if kind == "mp4" else b"jpeg", data.index(b"stsd"))
        data[place + 28:place + 32] = struct.pack(">HH", width, height)
    elif kind == "avi":
        place = data.index(b"strf")
        data[place + 12:place + 20] = struct.pack("<ii", width, height)
    else:  # Matroska: PixelWidth and PixelHeight, two bytes each
        for mark, now, size in ((b"\xb0\x82", WIDTH, width), (b"\xba\x82", HEIGHT, height)):
            place = data.index(mark + struct.pack(">H", now))
            data[place + 2:place + 4] = struct.pack(">H", size)


def _declare_tiff(data, width, height):
    start = struct.unpack("<I", data[4:8])[0]
    for number in range(struct.unpack("<H", data[start:start + 2])[0]):
        place = start + 2 + 12 * number
        tag, kind = struct.unpack("<HH", data[place:place + 4])
        if tag in (256, 257):
            data[place + 8:place + 12] = struct.pack("<I" if kind == 4 else "<Hxx", (width, height)[tag - 256])
