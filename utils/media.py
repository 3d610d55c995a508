"""Reading and writing pictures.

Images are HWC uint8 RGB (or HW uint8 for alpha); files are replaced whole or not at all.
"""
import os
from pathlib import Path

import cv2
import numpy as np

from utils.errors import UserError
from utils.jpeg import scan_start, shorter_side

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
JPEG = b"\xff\xd8"  # the first two bytes of such a file
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv")

# JPEG decoding to a part of the size: the decoder leaves out what would not be seen.
REDUCED = {
    cv2.IMREAD_COLOR: {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8},
    cv2.IMREAD_GRAYSCALE: {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
                           8: cv2.IMREAD_REDUCED_GRAYSCALE_8}}


def list_images(folder):
    """All pictures below ``folder``, any nesting, as sorted Paths. Hidden files and folders are passed over."""
    return [Path(folder, name) for name in list_image_names(folder)]


def list_image_names(folder):
    """As ``list_images``, but as text relative to ``folder`` with '/' between the parts.

    Opens no file and asks the disk for nothing but folder listings, so a set of 240,000 frames is listed in a second.
    Links are followed; one that leads back to a folder above itself is passed over.

    Raises:
        UserError: a folder is missing or may not be read.
    """
    names = []
    try:
        _walk(os.fspath(folder), "", (os.path.realpath(folder),), names)
    except OSError as error:
        raise UserError(f"cannot list {error.filename}: {error.strerror}.") from None
    return sorted(names)


def read_image(path, least=None):
    """Read a picture as uint8 RGB (H, W, 3), turned upright as its EXIF record says.

    Args:
        path: the file.
        least: pixels that the shorter side has to have. A JPEG with two, four or eight times as many is read at a half,
            a quarter or an eighth of its size, sides rounded up, in a fraction of the time. None: at its own size.

    Raises:
        UserError: the file is missing, is a folder or a video, is cut short, or cannot be decoded.
    """
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR, least), cv2.COLOR_BGR2RGB)


def read_gray(path, least=None):
    """Read a picture as uint8 (H, W); colour is turned to luminance. Args and errors as ``read_image``."""
    return _decode(path, cv2.IMREAD_GRAYSCALE, least)


def read_rgba(path):
    """Read a picture with transparency as (rgb uint8 (H, W, 3), pha uint8 (H, W)).

    Raises:
        UserError: as ``read_image``, and where the file has no alpha channel.
    """
    image = _decode(path, cv2.IMREAD_UNCHANGED)
    if image.ndim != 3 or image.shape[2] != 4:
        raise UserError(f"{path} has no alpha channel; expected an RGBA picture such as a PNG cut-out.")
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB), np.ascontiguousarray(image[..., 3])


def write_image(path, image):
    """Write uint8 gray (H, W), RGB (H, W, 3) or RGBA (H, W, 4); the suffix of ``path`` chooses the format.

    The file appears under its name only when it is complete.

    Raises:
        UserError: OpenCV cannot write this format.
        OSError: the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    try:
        done, data = cv2.imencode(path.suffix, image)
    except cv2.error:
        done = False
    if not done:
        raise UserError(f"cannot write {path}: pictures of type '{path.suffix}' are not supported; use .png or .jpg.")
    write_bytes(path, data.tobytes())


def write_bytes(path, data):
    """Replace ``path`` by ``data`` in one step: a reader sees the old file or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def _walk(folder, prefix, above, names):
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                real = os.path.realpath(entry.path)
                if real not in above:
                    _walk(entry.path, f"{prefix}{entry.name}/", above + (real,), names)
            elif entry.name.lower().endswith(IMAGE_SUFFIXES) and entry.is_file():
                names.append(prefix + entry.name)


def _decode(path, flags, least=None):
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a picture; name one file in it.")
    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise UserError(f"{path} is a video, not a picture; extract its frames into a folder and name that folder.")
    try:
        data = np.fromfile(path, dtype=np.uint8)  # cv2.imread cannot open every non-ASCII path
    except FileNotFoundError:
        raise UserError(f"no such picture: {path}. Check the path.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    raw = data.tobytes()
    if _is_cut(raw):
        raise UserError(f"{path} is cut short: its lower part is missing. Copy or download it again.")
    reduction = 1 if least is None else _reduction(raw, least)
    image = _imdecode(data, REDUCED[flags][reduction] if reduction > 1 else flags)
    if image is None:
        raise UserError(f"cannot decode {path}: not a picture, or damaged. Open it in a viewer and save it again.")
    return image


def _imdecode(data, flags):
    if data.size == 0:
        return None
    try:
        return cv2.imdecode(data, flags)
    except cv2.error:
        return None


def _reduction(data, least):
    """The largest of 1, 2, 4, 8 that leaves a picture's shorter side ``least`` pixels; 1 for all but JPEG."""
    side = shorter_side(data) if data.startswith(JPEG) else None
    return next((part for part in (8, 4, 2) if side is not None and side >= part * least), 1)


def _is_cut(data):
    """True for a JPEG or PNG that ends before its end mark: some versions of OpenCV fill the missing part with gray."""
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    if data.startswith(JPEG):
        return data.rfind(b"\xff\xd9", scan_start(data)) < 0
    return False
