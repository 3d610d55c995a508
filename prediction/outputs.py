"""What is made of a matte: which pictures, in which format, of how many bits.

Types: pha alpha (gray), com the subject cut out (RGBA) or before a new background (RGB), fgr foreground colour, err
predicted error (gray), ref refined patches (gray).
"""
import os
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np

from bgmatting.media import encode, write_bytes
from bgmatting.model.inference.matte import as_float
from bgmatting.utils.errors import UserError, no_space, suggest
from bgmatting.utils.files import LONGEST_NAME

GRAY = ("pha", "err", "ref")
Parts = namedtuple("Parts", "pha fgr err ref")  # of a matte, None where it is not wanted

TYPES = ("pha", "com", "fgr", "err", "ref")
SUFFIXES = {"png": ".png", "webp": ".webp", "tiff": ".tif", "jpg": ".jpg"}
NAMED = {".png": "png", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff", ".jpg": "jpg", ".jpeg": "jpg"}
DEEP = ("png", "tiff")                  # formats that hold 16 bits
CLEAR = ("png", "webp", "tiff")         # formats that hold alpha
LOSSY = ("com", "fgr")                  # types of photographs, where WebP may lose what is not seen


def check_types(types):
    """The wanted output types, each once and in their order. Raises UserError for one that does not exist."""
    for name in types:
        if name not in TYPES:
            raise UserError(f"unknown type '{name}'.{suggest(name, TYPES)}")
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
        backdrop: a new background (``prediction.backdrop``), or None: com is a cut-out.
    """

    def __init__(self, bits=8, backdrop=None):
        self.bits, self._backdrop = bits, backdrop

    def wants(self, types):
        """Which parts of a matte these types are made from, for ``Matter.predict``."""
        return wanted_of(types)

    def background(self, index, src, bgr):
        """What com of this photo is set before, uint8 or uint16 (H, W, 3), or None; args as a backdrop's ``frame`` has."""
        return None if self._backdrop is None else self._backdrop.frame(index, src, bgr)

    def write(self, paths, matte, behind=None):
        """Write ``paths`` {type: file}; behind as ``background`` returns it.

        Raises:
            UserError: a file cannot be written. OSError: the disk is full.
        """
        for kind, path in paths.items():
            cut_out = kind == "com" and behind is None
            write(path, picture(matte, kind, self.bits, behind), lossless=cut_out or kind not in LOSSY)

    def canvas(self, types, size, behind=None):
        """An empty ``Canvas`` for a photo of ``size`` (height, width); behind as ``background`` returns it."""
        return Canvas(types, size, self.bits, behind)


class Canvas:
    """The pictures of one photo, made of a matte that comes in strips, so that it is never whole in memory.

    Args:
        types: of the pictures. size: (height, width). bits: 8 or 16. behind: as ``Outputs.background`` returns it.
    """

    def __init__(self, types, size, bits, behind):
        self._size, self._bits, self._behind = size, bits, behind
        self._pictures = dict.fromkeys(types)

    def add(self, top, matte):
        """Take in the rows of a matte from ``top`` on."""
        for kind in self._pictures:
            behind = None if self._behind is None else self._behind[top:]
            part = next(part for part in matte if part is not None)
            made = picture(matte, kind, self._bits, None if behind is None else behind[:len(part)])
            if self._pictures[kind] is None:
                self._pictures[kind] = np.empty((*self._size, *made.shape[2:]), made.dtype)
            self._pictures[kind][top:top + len(made)] = made

    def write(self, paths):
        """Write ``paths`` {type: file}, and forget the pictures. Raises as ``Outputs.write``."""
        for kind, path in paths.items():
            cut_out = kind == "com" and self._behind is None
            write(path, self._pictures.pop(kind), lossless=cut_out or kind not in LOSSY, owned=True)


def picture(matte, kind, bits=8, behind=None):
    """One output type of a matte as uint8 or uint16: (H, W), (H, W, 3) for fgr, (H, W, 4) RGBA for com.

    The colour of a cut-out is the predicted foreground, and 0 where nothing of the subject is left.

    Args:
        matte: its parts in 0..1, or uint8 where they were rounded already.
        bits: 8 or 16, both rounded from the network's own numbers.
        behind: uint8 or uint16 (H, W, 3): com is pha * fgr + (1 - pha) * behind instead, (H, W, 3).
    """
    if kind != "com":
        return _rounded(getattr(matte, kind), bits)
    if behind is not None:
        pha = np.clip(as_float(matte.pha), 0, 1)[..., None]
        com = behind.astype(np.float32)
        com /= np.iinfo(behind.dtype).max
        com += pha * (np.clip(as_float(matte.fgr), 0, 1) - com)
        return _rounded(com, bits)
    pha, fgr = _rounded(matte.pha, bits)[..., None], _rounded(matte.fgr, bits)
    return np.concatenate([np.where(pha > 0, fgr, 0).astype(fgr.dtype), pha], axis=2)


def deepened(matte, src, deep):
    """A matte that the network made of ``src``, whose colours have the depth that was rounded away for it.

    The network adds to src what differs from the subject's colour; the same is added to the deeper numbers.

    Args:
        matte: its fgr float32 (H, W, 3) in 0..1, or None. src: uint8 (H, W, 3). deep: uint16, the same picture.
    """
    if matte.fgr is None:
        return matte
    fgr = cv2.addWeighted(deep, 1 / 65535, src, -1 / 255, 0, dtype=cv2.CV_32F)
    fgr += as_float(matte.fgr)
    return Parts(matte.pha, fgr, matte.err, matte.ref)


def write(path, image, lossless=True, owned=False):
    """Write one picture; args as ``media.encode``. Raises UserError where it cannot be, OSError where the disk is full."""
    try:
        write_bytes(path, encode(Path(path).suffix, image, lossless, owned))
    except UserError as error:
        raise UserError(f"cannot write {path}: {error}") from None
    except OSError as error:
        if no_space(error):
            raise
        raise UserError(f"cannot write {path}: {error.strerror}. Name another folder with --output.") from None


def _rounded(x, bits):
    if x.dtype == np.uint8 and bits == 8:
        return x
    x = np.clip(as_float(x), 0, 1)
    x *= 2 ** bits - 1
    return np.rint(x, out=x).astype(np.uint8 if bits == 8 else np.uint16)


def names_picture(output, suffixes):
    """True where the path ``output`` names a picture to write, and not a folder, which may end in a slash."""
    if str(output).endswith(("/", os.sep)):
        return False
    output = Path(output)
    return output.suffix.lower() in suffixes and not output.is_dir()


def folder_of(output, is_file):
    """The folder that results go to, where ``output`` is the folder itself, or a file in it."""
    if not is_file:
        return output
    return os.path.dirname(output) or "."


def too_long(outputs):
    """Why a file system does not take the name of a result; None where it does."""
    longest = max((path.name for path in outputs.values()), key=lambda name: len(os.fsencode(name)))
    if len(os.fsencode(longest)) <= LONGEST_NAME:
        return None
    return (f"its result's name would have {len(os.fsencode(longest))} bytes, and {LONGEST_NAME} are possible. Shorten "
            f"that of the source.")


def wanted_of(types):
    """Which parts of a matte the output types need, for ``Matter.predict``."""
    wanted = set(types) - {"com"}
    if "com" in types:
        wanted |= {"pha", "fgr"}
    return tuple(name for name in ("pha", "fgr", "err", "ref") if name in wanted)


def finished(matte, types, behind=None, bits=8):
    """{type: uint8 image} of a matte; uint16 where ``bits`` is 16.

    Args:
        matte: pha, err, ref (H, W), fgr (H, W, 3), float in 0..1 or uint8; what ``types`` do not need may be None.
        types: of "pha", "com", "fgr", "err", "ref".
        behind: uint8 RGB (H, W, 3) that com is put before; None: com is a cut-out, RGBA, its colour the predicted
            foreground, and 0 where nothing of the subject is left. It may be uint16 where bits is 16.
    """
    if bits == 16:
        return {kind: picture(matte, kind, bits, behind) for kind in types}
    parts = {name: _to_uint8(getattr(matte, name)) for name in ("pha", "fgr", "err", "ref")
             if name in wanted_of(types)}
    if "com" in types:
        parts["com"] = cut_out(parts["pha"], parts["fgr"]) if behind is None else before(matte.pha, parts["fgr"], behind)
    return {kind: parts[kind] for kind in types}


def cut_out(pha, fgr):
    """uint8 RGBA of uint8 pha (H, W) and fgr (H, W, 3)."""
    seen = cv2.threshold(pha, 0, 255, cv2.THRESH_BINARY)[1]
    return cv2.merge((*cv2.split(cv2.bitwise_and(fgr, fgr, mask=seen)), pha))


def before(pha, fgr, behind):
    """uint8 RGB: pha * fgr + (1 - pha) * behind, with pha float in 0..1 or uint8."""
    pha = np.clip(as_float(pha), 0, 1)
    return cv2.blendLinear(fgr, np.ascontiguousarray(behind), pha, 1 - pha)


def _to_uint8(part):
    """round(255 part), kept in 0..255; the part itself where it is that."""
    return part if part.dtype == np.uint8 else cv2.multiply(as_float(part), 255.0, dtype=cv2.CV_8U)
