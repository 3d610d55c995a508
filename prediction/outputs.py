"""What is made of a matte: which pictures, in which format, of how many bits.

Types: pha alpha (gray), com the subject cut out (RGBA) or before a new background (RGB), fgr foreground colour, err
predicted error (gray), ref refined patches (gray).
"""
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np

from media import encode, write_bytes
from utils.errors import UserError, no_space, suggest

GRAY = ("pha", "err", "ref")
Parts = namedtuple("Parts", "pha fgr err ref")

TYPES = ("pha", "com", "fgr", "err", "ref")
SUFFIXES = {"png": ".png", "webp": ".webp", "tiff": ".tif", "jpg": ".jpg"}
NAMED = {".png": "png", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff", ".jpg": "jpg", ".jpeg": "jpg"}
DEEP = ("png", "tiff")                  # formats that hold 16 bits
CLEAR = ("png", "webp", "tiff")         # formats that hold alpha
LOSSY = ("com", "fgr")                  # types of photographs, where WebP may lose what is not seen


def check_types(types):
    """The wanted output types, each once and in their order. Raises UserError for one that does not exist."""
    for word in types:
        if word not in TYPES:
            raise UserError(f"unknown type '{word}'.{suggest(word, TYPES)}")
    return tuple(dict.fromkeys(types))


def check_format(name, bits, types, opaque):
    """Raise UserError where the format cannot hold what is wanted.

    Args:
        name: of SUFFIXES; bits: 8 or 16; types: as ``check_types`` returns them; opaque: com has a background.
    """
    if name not in SUFFIXES:
        raise UserError(f"unknown format '{name}'.{suggest(name, SUFFIXES)}")
    if bits == 16 and name not in DEEP:
        raise UserError(f"{name} holds 8 bits, not 16. These hold 16: {', '.join(DEEP)}.")
    if "com" in types and not opaque and name not in CLEAR:
        raise UserError(f"{name} holds no alpha, which com needs. These hold it: {', '.join(CLEAR)}; or set the subject "
                        f"before a background with --target-bgr.")


class Outputs:
    """Makes and writes the pictures of a matte.

    Args:
        bits: 8 or 16 a channel.
        target: a new background (``prediction.backdrop``), or None: com is a cut-out.
    """

    def __init__(self, bits=8, target=None):
        self.bits, self._target = bits, target

    def wants(self, types):
        """Which parts of a matte these types are made from, for ``Matter.predict``."""
        found = {part for word in types for part in (("pha", "fgr") if word == "com" else (word,))}
        return tuple(part for part in ("pha", "fgr", "err", "ref") if part in found)

    def background(self, index, src, bgr):
        """What com of this photo is set before, uint8 (H, W, 3), or None; args as a target's ``frame`` takes them."""
        return None if self._target is None else self._target.frame(index, src, bgr)

    def write(self, paths, matte, target=None):
        """Write ``paths`` {type: file}; target as ``background`` returns it.

        Raises:
            UserError: a file cannot be written. OSError: the disk is full.
        """
        for word, path in paths.items():
            lossless = word not in LOSSY or word == "com" and target is None
            write(path, picture(matte, word, self.bits, target), lossless)


def picture(matte, word, bits=8, target=None):
    """One output type of a matte as uint8 or uint16: (H, W), (H, W, 3) for fgr, (H, W, 4) RGBA for com.

    The colour of a cut-out is the predicted foreground, and 0 where nothing of the subject is left.

    Args:
        bits: 8 or 16, both rounded from the network's own numbers.
        target: uint8 (H, W, 3): com is pha * fgr + (1 - pha) * target instead, (H, W, 3).
    """
    if word != "com":
        return _rounded(getattr(matte, word), bits)
    if target is not None:
        pha = np.clip(matte.pha, 0, 1)[..., None]
        com = target.astype(np.float32)
        com /= 255
        com += pha * (np.clip(matte.fgr, 0, 1) - com)
        return _rounded(com, bits)
    pha, fgr = _rounded(matte.pha, bits)[..., None], _rounded(matte.fgr, bits)
    return np.concatenate([np.where(pha > 0, fgr, 0).astype(fgr.dtype), pha], axis=2)


def write(path, image, lossless=True):
    """Write one picture. Raises UserError where it cannot be, OSError where the disk is full."""
    try:
        write_bytes(path, encode(Path(path).suffix, image, lossless))
    except UserError as error:
        raise UserError(f"cannot write {path}: {error}") from None
    except OSError as error:
        if no_space(error):
            raise
        raise UserError(f"cannot write {path}: {error.strerror}. Name another folder with --output.") from None


def _rounded(x, bits):
    x = np.clip(x, 0, 1)
    x *= 2 ** bits - 1
    return np.rint(x, out=x).astype(np.uint8 if bits == 8 else np.uint16)


def names_picture(output, suffixes):
    """True where the path ``output`` names a picture to write, and not a folder."""
    output = Path(output)
    return output.suffix.lower() in suffixes and not output.is_dir()


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
