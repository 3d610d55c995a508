"""Mattes of the network as 8-bit pictures, quickly: the network works at the same time."""
from collections import namedtuple

import cv2
import numpy as np

GRAY = ("pha", "err", "ref")
Parts = namedtuple("Parts", "pha fgr err ref")


def wanted_of(words):
    """Which parts of a matte the output types ``words`` need, for ``Matter.predict``."""
    wanted = set(words) - {"com"}
    if "com" in words:
        wanted |= {"pha", "fgr"}
    return tuple(name for name in ("pha", "fgr", "err", "ref") if name in wanted)


def finished(matte, words, target=None):
    """{type: uint8 image} of a matte.

    Args:
        matte: pha, err, ref float32 (H, W), fgr float32 (H, W, 3), in 0..1; what ``words`` do not need may be None.
        words: of "pha", "com", "fgr", "err", "ref".
        target: uint8 RGB (H, W, 3) that com is put before; None: com is a cut-out, RGBA, its colour the predicted
            foreground, and 0 where nothing of the subject is left.
    """
    parts = {name: _to_uint8(getattr(matte, name)) for name in ("pha", "fgr", "err", "ref")
             if name in words or "com" in words and name in ("pha", "fgr")}
    if "com" in words:
        parts["com"] = cut_out(parts["pha"], parts["fgr"]) if target is None else before(matte.pha, parts["fgr"], target)
    return {word: parts[word] for word in words}


def cut_out(pha, fgr):
    """uint8 RGBA of uint8 pha (H, W) and fgr (H, W, 3)."""
    seen = cv2.threshold(pha, 0, 255, cv2.THRESH_BINARY)[1]
    return cv2.merge((*cv2.split(cv2.bitwise_and(fgr, fgr, mask=seen)), pha))


def before(pha, fgr, target):
    """uint8 RGB: pha * fgr + (1 - pha) * target, with pha float32 in 0..1."""
    pha = np.clip(pha, 0, 1)
    return cv2.blendLinear(fgr, np.ascontiguousarray(target), pha, 1 - pha)


def _to_uint8(part):
    """round(255 part), kept in 0..255."""
    return cv2.multiply(part, 255.0, dtype=cv2.CV_8U)
