"""Reading and writing pictures.

Images are HWC uint8 RGB (or HW uint8 for alpha); files are replaced whole or not at all.
"""
import os
from pathlib import Path

import cv2
import numpy as np

from utils.errors import UserError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv")


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


def read_image(path):
    """Read a picture as uint8 RGB (H, W, 3), turned upright as its EXIF record says.

    Raises:
        UserError: the file is missing, is a folder or a video, is cut short, or cannot be decoded.
    """
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_gray(path):
    """Read a picture as uint8 (H, W); colour is turned to luminance. Raises as ``read_image``."""
    return _decode(path, cv2.IMREAD_GRAYSCALE)


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


def _decode(path, flags):
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
    if _is_cut(data.tobytes()):
        raise UserError(f"{path} is cut short: its lower part is missing. Copy or download it again.")
    image = _imdecode(data, flags)
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


def _is_cut(data):
    """True for a JPEG or PNG that ends before its end mark: some versions of OpenCV fill the missing part with gray."""
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    if data.startswith(b"\xff\xd8"):
        return data.find(b"\xff\xd9", _jpeg_scan_start(data)) < 0
    return False


def _jpeg_scan_start(data):
    """Where the picture itself begins: behind the header, which may hold a thumbnail with an end mark of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return at
