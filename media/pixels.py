"""Decoding by OpenCV, and arrays of pixels on their way to uint8 RGB."""
import cv2
import numpy as np

from bgmatting.media.formats import check_size, undecodable

ROWS = 1 << 22  # pixels worked on at once


def decoded(path, data, flags):
    """What cv2.imdecode makes of ``data``, as the pixels lie in the file: never turned. UserError where it makes nothing."""
    image = imdecode(data, flags)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise undecodable(path)
    check_size(path, image.shape[1], image.shape[0])
    return image


def imdecode(data, flags):
    """cv2.imdecode of bytes, not turned; None for all that it cannot decode."""
    if flags != cv2.IMREAD_UNCHANGED:  # which is -1, and never turns
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None


def swapped(image):
    """BGR (H, W, 3) as RGB, BGRA as RGBA, or the other way round, in its own memory."""
    code = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    step = max(1, ROWS // image.shape[1])
    for top in range(0, len(image), step):
        part = image[top:top + step]
        part[...] = cv2.cvtColor(part, code)
    return image


def to_8_bits(image):
    """uint16 of any shape, range 0..65535, to the nearest uint8 of range 0..255; uint8 stays as it is."""
    if image.dtype == np.uint8:
        return image
    return cv2.convertScaleAbs(image, alpha=1 / 257).reshape(image.shape)  # no uint16 lies half way
