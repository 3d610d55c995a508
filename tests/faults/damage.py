"""Small pictures and clips of every usual kind, and ways to damage them."""
import io
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES = 264, 260, 6  # above 255, so that Matroska gives a side two bytes
PHOTOS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "bmp": "BMP", "gif": "GIF"}
VIDEOS = {"mp4": ("libx264", "yuv420p"), "webm": ("libvpx-vp9", "yuv420p"), "mov": ("mjpeg", "yuvj420p"),
          "avi": ("mpeg4", "yuv420p"), "mkv": ("ffv1", "yuv420p"), "gif": ("gif", "rgb8")}
NAMES = {"photo": ("png", "jpg", "webp", "tif", "bmp"), "video": ("mp4", "webm", "mov", "avi", "mkv")}
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
    """The bytes of a picture."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, PHOTOS[kind])
    return file.getvalue()


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
    data = bytearray(data)
    if damage == "empty":
        return kind, b""
    if damage == "truncated":
        return kind, bytes(data[:int(rng.integers(1, len(data)))])
    if damage == "noise":
        return kind, rng.bytes(int(rng.integers(1, 5000)))
    if damage == "renamed":
        other = [name for name in NAMES["photo" if rng.integers(2) else "video"] if name != kind]
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
    return kind, bytes(data)


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
    elif kind == "tif":
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
