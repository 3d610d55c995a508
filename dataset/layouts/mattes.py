"""Alpha files: which channel of an image is the matte, and whether it can be one.

A matte is 0 where nothing of the subject is and 255 where it is opaque. People also have masks of 0 and 1, of class numbers
or of class colours, and mattes in the alpha channel of an image.
"""
from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bgmatting.media import read_gray, read_image
from bgmatting.media.formats import JPEG, PNG
from bgmatting.media.pixels import to_8_bits
from bgmatting.media.reading import read_stored
from bgmatting.utils.errors import UserError

NOISE = 12         # compression leaves up to this in an image that shows nothing
FAINT = 64         # of 255: a matte that stays below this and is flat is a mask of other units
FLAT = 0.5         # share of the pixels above 0 that have one and the same value in a mask
SEEN = 0.005       # share of the image that a mask covers at least
TRIED = 8          # predictions that tell whether all are masks of 0 and 1
HEAD = 4096                                   # bytes that say what a file is
PNG_DEPTH, PNG_KIND = 24, 25                  # where a PNG says its bits a channel and its kind of colour
GRAY, PALETTE = 0, 3                          # kinds of colour of a PNG
COLOURED = 32      # of 255: channels that lie further apart are a colour
SMALL = 64         # pixels of the shorter side that tell whether there are colours


def read_pha(path: str | Path, least: int | None = None) -> np.ndarray:
    """Read a matte as uint8 (H, W): the alpha channel of an image that has one and is not the same all over, else its
    brightness; a palette is looked up.

    ``least``: as for ``media.read_image``.
    Raises UserError: as ``media.read_gray``, and where the file is a mask of other units than 0 to 255, or in colours.
    """
    pha, lossless = _read_channel(path, least)
    check_matte(pha, path, lossless)
    return to_8_bits(pha)


def read_prediction(path: str | Path) -> np.ndarray:
    """``read_pha`` of what some program took for the matte, which may be as faint as a mask of other units; whether these
    are such masks, ``check_predictions`` tells of all together."""
    return to_8_bits(_read_channel(path)[0])


def check_predictions(paths: Sequence[str | Path]) -> None:
    """Raise UserError where the predictions are masks of 0 and 1, by some of them. Raises as ``read_prediction``, too."""
    tried = [(path, *_read_channel(path)) for path in paths[::-(-len(paths) // TRIED) or 1]]
    if all(pha.max(initial=0) <= 1 for _, pha, _ in tried):
        for path, pha, lossless in tried:
            check_matte(pha, path, lossless)


def _read_channel(path, least=None):
    """(the matte in a file, uint8 or uint16 (H, W) as it is stored, whether that was without loss)"""
    head = _head(path)
    if _plain(head):
        pha = read_gray(path, least)
    else:
        image = read_stored(path, 16)
        pha, from_colours = _channel(image)
        if from_colours:
            _check_colours(path, image, head.startswith(PNG) and head[PNG_KIND] == PALETTE)
    return pha, not head.startswith(JPEG)


def is_jpeg(path: str | Path) -> bool:
    """Whether a file is a JPEG, by its content; False for one that cannot be read."""
    return _head(path).startswith(JPEG)


def alpha_note(path: str | Path) -> str | None:
    """A sentence on where a matte comes from: which channel is taken where an image has both an alpha
    channel and a brightness to choose from, or that a JPEG has colours; else None. Raises as ``read_pha``."""
    head = _head(path)
    if head.startswith(JPEG):  # a small copy tells; read_pha, which is in a hurry, does not look
        return "it has colours, as no matte has; its brightness is taken" if _coloured(read_image(path, SMALL)) else None
    image = None if _plain(head) else read_stored(path)
    if image is None or image.ndim == 2 or image.shape[2] == 3:
        return None
    if np.ptp(image[..., 3]):
        return "its alpha channel is taken for the matte, not its colours" if np.ptp(image[..., :3]) else None
    return f"its brightness is taken for the matte: its alpha channel is {image[0, 0, 3]} all over"


def check_matte(pha: np.ndarray, path: str | Path, lossless: bool = True) -> None:
    """Raise UserError where pha (H, W), read from ``path``, is a mask of 0 and 1, or of class numbers.

    Args:
        pha: uint8 or uint16. path: named in the message.
        lossless: whether it was stored without loss; what compression leaves of nothing is no mask.
    """
    full, top = int(np.iinfo(pha.dtype).max), int(pha.max(initial=0))
    if not 0 < top < FAINT * full // 255 or (not lossless and top <= NOISE):
        return
    counts = np.bincount(pha.ravel())[1:]
    seen = int(counts.sum())
    narrow = top <= 255 < full  # numbers of 8 bits in a file of 16, soft ones as well
    if (narrow or counts.max() >= FLAT * seen) and SEEN * pha.size <= seen < pha.size:
        _refuse(path, f"reaches only {top} of {full}", full // top if top in (1, 255) else None)


def _head(path):
    """The first bytes of a file; none where it cannot be read, which is told by whoever reads all of it."""
    try:
        with open(path if os.path.isfile(path) else os.devnull, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _plain(head):
    """Whether a file that begins so is an image of gray of 8 bits and nothing else, or a JPEG, whose colours cost time."""
    return not head or head.startswith(JPEG) or (
        head.startswith(PNG) and head[PNG_KIND] == GRAY and head[PNG_DEPTH] <= 8 and b"tRNS" not in head)


def _channel(image):
    """((H, W) of what ``read_stored`` gives, whether it is the brightness of colours)."""
    if image.ndim == 3 and image.shape[2] == 4 and np.ptp(image[..., 3]):
        return np.ascontiguousarray(image[..., 3]), False
    if image.ndim == 2:
        return image, False
    return cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY), True


def _check_colours(path, image, is_palette):
    if is_palette and np.ptp(image[..., :3], axis=2).any():
        _refuse(path, "has colours in its palette, as an image of classes has")
    if _coloured(to_8_bits(image)):
        _refuse(path, "has colours, as a photo or an image of classes has")


def _coloured(image):
    """Whether uint8 RGB[A] (H, W, C) shows colours, and not only what compression leaves of gray."""
    wide = cv2.subtract(*(functools.reduce(pick, cv2.split(image)[:3]) for pick in (cv2.max, cv2.min)))
    return np.count_nonzero(wide > COLOURED) >= max(1, SEEN * wide.size)


def _refuse(path, what, factor=None):
    cure = f"multiply its values by {factor}" if factor else "save the subject's pixels as 255 and the others as 0"
    raise UserError(f"{path} {what}: it is a mask of other units, not a matte, where 0 is empty and 255 opaque. To fix it, "
                    f"{cure}.")
