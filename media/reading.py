"""Pictures of data sets: fast, at a part of their size where that suffices, colours as they are stored."""
import io

import cv2
import numpy as np
from PIL import Image

from media.files import read_bytes
from media.formats import BITS, JPEG, TIFF, check_size, check_whole, declared_size, shorter_side, undecodable
from utils.errors import UserError

# JPEG decoding to a part of the size: the decoder leaves out what would not be seen.
REDUCED = {
    cv2.IMREAD_COLOR: {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8},
    cv2.IMREAD_GRAYSCALE: {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
                           8: cv2.IMREAD_REDUCED_GRAYSCALE_8}}


def read_image(path, least=None):
    """Read a picture as uint8 RGB (H, W, 3), turned upright as its EXIF record says.

    Args:
        path: the file.
        least: pixels that the shorter side has to have. A JPEG with two, four or eight times as many is read at a half,
            a quarter or an eighth of its size, sides rounded up, in a fraction of the time. None: at its own size.

    Raises:
        UserError: the file is missing, is a folder or a video, is cut short, cannot be decoded, or says that it holds more
            than ``LARGEST`` pixels.
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
    image = read_stored(path)
    if image.ndim != 3 or image.shape[2] != 4:
        raise UserError(f"{path} has no alpha channel; expected an RGBA picture such as a PNG cut-out.")
    return np.ascontiguousarray(image[..., :3]), np.ascontiguousarray(image[..., 3])


def read_stored(path):
    """Read a picture with the channels that it has: uint8 (H, W), RGB (H, W, 3) or RGBA (H, W, 4); a palette is looked up.

    Raises:
        UserError: as ``read_image``.
    """
    image = _decode(path, cv2.IMREAD_UNCHANGED)
    if image.dtype == np.uint16:
        image = to_8_bits(image)
    if image.dtype != np.uint8:
        raise UserError(f"{path} holds numbers of unknown range ({image.dtype}). Save it with 8 or 16 bits.")
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def to_8_bits(image):
    """uint16 of any shape, range 0..65535, to the nearest uint8 of range 0..255."""
    return cv2.convertScaleAbs(image, alpha=1 / 257)  # no uint16 lies half way, so that its rounding does not matter


def imdecode(data, flags):
    """cv2.imdecode of bytes, None for all that it cannot decode."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None


def _decode(path, flags, least=None):
    data = read_bytes(path)
    check_whole(path, data)
    declared = declared_size(data)
    if declared is not None:
        check_size(path, *declared)
    reduction = 1 if least is None else _reduction(data, least)
    image = _tiff_rgba(data) if flags == cv2.IMREAD_UNCHANGED and data.startswith(TIFF) else None
    if image is None:
        image = imdecode(data, REDUCED[flags][reduction] if reduction > 1 else flags)
    if image is None:
        raise undecodable(path)
    return image


def _tiff_rgba(data):
    """A TIFF of 8-bit RGBA as BGRA, None for others: OpenCV multiplies the colours of such a file by their alpha."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.mode == "RGBA" and max(picture.tag_v2.get(BITS, (1,))) == 8:
                return cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGBA2BGRA)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        pass  # OpenCV tells
    return None


def _reduction(data, least):
    """The largest of 1, 2, 4, 8 that leaves a picture's shorter side ``least`` pixels; 1 for all but JPEG."""
    side = shorter_side(data) if data.startswith(JPEG) else None
    return next((part for part in (8, 4, 2) if side is not None and side >= part * least), 1)
