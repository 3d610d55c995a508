"""Alpha files: which channel of a picture is the matte, and whether it can be one.

A matte is 0 where nothing of the subject is and 255 where it is opaque. People also have masks of 0 and 1, of class numbers
or of class colours, and mattes in the alpha channel of a picture.
"""
import os

import cv2
import numpy as np

from media import read_gray
from media.files import read_bytes
from media.formats import JPEG, PNG
from media.reading import read_stored
from utils.errors import UserError
from utils.foreign import caught

NOISE = 12         # compression leaves up to this in a picture that shows nothing
FAINT = 64         # of 255: a matte that stays below this and is flat is a mask of other units
FLAT = 0.5         # share of the pixels above 0 that have one and the same value in a mask
SEEN = 0.005       # share of the picture that a mask covers at least
HEAD = 4096                                   # bytes that say what a file is
PNG_DEPTH, PNG_KIND = 24, 25                  # where a PNG says its bits a channel and its kind of colour
GRAY, RGB, PALETTE = 0, 2, 3                  # kinds of colour of a PNG without an alpha channel


def read_pha(path, least=None):
    """Read a matte as uint8 (H, W): the alpha channel of a picture that has one and is not the same all over, else its
    brightness; a palette is looked up.

    Args:
        path: the file.
        least: as for ``media.read_image``.

    Raises:
        UserError: as ``media.read_gray``, and where the file is a mask of other units than 0 to 255.
    """
    head = _head(path)
    if _plain(head):
        pha = read_gray(path, least)
        if head.startswith(PNG) and head[PNG_DEPTH] == 16 and not pha.any():
            _check_depth(path)
    else:
        image = read_stored(path)
        if head.startswith(PNG) and head[PNG_KIND] == PALETTE:
            _check_palette(path, image)
        pha = _channel(image)
    check_matte(pha, path, not head.startswith(JPEG))
    return pha


def alpha_note(path):
    """Which channel is taken, as a sentence, where a picture has both an alpha channel and a brightness to choose from; else
    None. Raises as ``read_pha``."""
    image = None if _plain(_head(path)) else read_stored(path)
    if image is None or image.ndim == 2 or image.shape[2] == 3:
        return None
    if np.ptp(image[..., 3]):
        return "its alpha channel is taken for the matte, not its colours" if np.ptp(image[..., :3]) else None
    return f"its brightness is taken for the matte: its alpha channel is {image[0, 0, 3]} all over"


def check_matte(pha, path, lossless=True):
    """Raise UserError where uint8 ``pha`` (H, W), read from ``path``, is a mask of 0 and 1, or of class numbers.

    Args:
        path: named in the message.
        lossless: whether it was stored without loss; what compression leaves of nothing is no mask.
    """
    top = int(pha.max(initial=0))
    if not 0 < top < FAINT or (not lossless and top <= NOISE):
        return
    counts = np.bincount(pha.ravel(), minlength=256)[1:]
    seen = int(counts.sum())
    if counts.max() >= FLAT * seen and seen >= SEEN * pha.size and seen < pha.size:
        _refuse(path, f"reaches only {top} of 255", top)


def _head(path):
    """The first bytes of a file; none where it cannot be read, which is told by whoever reads all of it."""
    try:
        with open(path if os.path.isfile(path) else os.devnull, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _plain(head):
    """Whether a file that begins so is a picture of gray or colour and nothing else."""
    return not head or head.startswith(JPEG) or (
        head.startswith(PNG) and head[PNG_KIND] in (GRAY, RGB) and b"tRNS" not in head)


def _channel(image):
    """uint8 (H, W) of what ``read_stored`` gives."""
    if image.ndim == 3 and image.shape[2] == 4 and np.ptp(image[..., 3]):
        return np.ascontiguousarray(image[..., 3])
    return image if image.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY)


def _check_palette(path, image):
    if image.ndim == 3 and np.ptp(image[..., :3], axis=2).any():
        _refuse(path, "has colours in its palette, as a picture of classes has", int(image.max()))


def _check_depth(path):
    """Refuse a picture of 16 bits that is all 0 in 8 and not in 16: a mask of few units."""
    with caught():
        top = int(cv2.imdecode(np.frombuffer(read_bytes(path), np.uint8), cv2.IMREAD_UNCHANGED).max())
    if top:
        _refuse(path, f"reaches only {top} of 65535", top)


def _refuse(path, what, top):
    cure = "multiply its values by 255" if top == 1 else "save the subject's pixels as 255 and the others as 0"
    raise UserError(f"{path} {what}: it is a mask of other units, not a matte, where 0 is empty and 255 opaque. To mend it, "
                    f"{cure}.")
