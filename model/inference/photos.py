"""Forms in which people have their photos: arrays, PIL images, or files."""
from __future__ import annotations

import os
from typing import Union

import numpy as np
from PIL import Image, ImageOps

from bgmatting.media import read_photo
from bgmatting.media.pixels import to_8_bits
from bgmatting.media.reading import read_trimap

Picture = Union[np.ndarray, Image.Image, str, os.PathLike]


def opened(src: Picture, bgr: Picture | None,
           trimap: Picture | None) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Arrays of the photos and the trimap of one call; arrays stay as they are.

    PIL images are turned upright and made RGB, and their colours stay; files are read as ``media.read_photo`` does, with
    their colours brought to sRGB.

    Raises UserError: a file cannot be read, or a trimap's is none. TypeError: something is neither of these.
    """
    return _array(src, "RGB", read_photo), _array(bgr, "RGB", read_photo), _array(trimap, "L", read_trimap)


def _array(given, mode, read):
    if given is None or isinstance(given, np.ndarray):
        return given
    if isinstance(given, (str, os.PathLike)):
        return read(given)
    if isinstance(given, Image.Image):
        image = ImageOps.exif_transpose(given)
        if image.mode.startswith("I"):  # gray of 16 bits, which Pillow would cut off at 255
            image = Image.fromarray(to_8_bits(np.clip(np.asarray(image), 0, 65535).astype(np.uint16)))
        return np.asarray(image.convert(mode))
    raise TypeError(f"a photo is a uint8 array, a PIL image or a path, not {type(given).__name__}")
