"""What the service asks of files that it was sent, done by the processes that decode; imports little: so do those."""
from __future__ import annotations

import warnings

import cv2
import numpy as np
from PIL import Image

from bgmatting.media import read_bytes, read_photo
from bgmatting.media.animation import refuse_animation
from bgmatting.media.formats import PILLOW_FORMATS, check_kind, declared_size
from bgmatting.media.heif import container_size
from bgmatting.media.operations import scaled
from bgmatting.media.tiff import tiff_size
from bgmatting.utils.errors import UserError

SHOWN = 1600  # pixels of the longer side of what the page shows


def photo_size(path: str) -> tuple[int, ...] | None:
    """(width, height) of a photo by its header; () where it has more pixels than Pillow takes; None where the header does
    not say, and reading it will say what is wrong. Raises UserError for an animation, and for what is no photo by its first
    bytes."""
    data = read_bytes(path)
    kind = check_kind(path, data)  # also what is built to occupy a decoder
    refuse_animation(path, kind, data)
    found = declared_size(data)
    if found is not None:
        return found
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind in ("HEIF", "AVIF"):
                return container_size(path, kind, data)
            if kind == "TIFF":
                return tiff_size(path, data)
            with Image.open(path, formats=PILLOW_FORMATS) as image:
                return image.size
    except Image.DecompressionBombError:
        return ()
    except Exception:
        return None


def small_photo(path: str) -> np.ndarray:
    """A photo, ``small``. Raises as ``media.read_photo``."""
    return small(read_photo(path))


def small(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W[, C]) with at most SHOWN pixels on its longer side."""
    scale = SHOWN / max(image.shape[:2])
    return image if scale >= 1 else scaled(image, scale)


def camera_picture(data: bytes, most: int) -> np.ndarray:
    """uint8 RGB (H, W, 3) of a JPEG's bytes; of no pixels where it has more than ``most``. Raises UserError."""
    size = declared_size(data)
    if size is not None and size[0] * size[1] > most:
        return np.empty((0, 0, 3), np.uint8)
    try:
        image = None if size is None else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise UserError("the camera's image is no JPEG, or damaged.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
