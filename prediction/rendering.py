"""Outputs made of a matte: which images, in which format, of how many bits. Their names: ``output_paths``.

Types: pha alpha (gray), com the subject cut out (RGBA) or before a new background (RGB), fgr foreground colour, err
predicted error (gray), ref refined patches (gray).
"""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from bgmatting.media import encode, write_bytes
from bgmatting.media.exr_dpx import off_curve
from bgmatting.media.operations import blend
from bgmatting.media.pixels import to_8_bits
from bgmatting.model.inference.matte import Matte, as_float
from bgmatting.utils.errors import UserError, no_space

GRAY = ("pha", "err", "ref")
TYPES = ("pha", "com", "fgr", "err", "ref")
DEEP = ("png", "tiff")                  # formats that hold 16 bits
CLEAR = ("png", "webp", "tiff")         # formats that hold alpha
LINEAR = 32                             # bits: float32 in linear light, for plates
SEEN = 0.05                             # alpha from which on a pixel counts as subject, where images are cropped
LOSSY = ("com", "fgr")                  # types of photographs, where WebP may lose what is not seen


def check_format(name: str, bits: int, types: Iterable[str], opaque: bool) -> None:
    """Raise UserError where a format of SUFFIXES cannot hold what is wanted. bits: 8 or 16; opaque: com has a background."""
    if bits == 16 and name not in DEEP:
        raise UserError(f"{name} holds 8 bits, not 16. These hold 16: {', '.join(DEEP)}.")
    if "com" in types and not opaque and name not in CLEAR:
        raise UserError(f"{name} holds no alpha, which com needs. These hold it: {', '.join(CLEAR)}; or put the subject "
                        f"on a background with --target-bgr.")


def wanted_of(types: Iterable[str]) -> tuple[str, ...]:
    """Return which parts of a matte the output types need, for ``Matter.predict``."""
    wanted = set(types) - {"com"}
    if "com" in types:
        wanted |= {"pha", "fgr"}
    return tuple(name for name in Matte._fields if name in wanted)


def rendered(matte: Matte, types: Iterable[str], bits: int = 8, behind: np.ndarray | None = None,
             premultiplied: bool = False) -> dict[str, np.ndarray]:
    """{type: uint8 image} of a matte, or of rows of one: (H, W), (H, W, 3) for fgr, (H, W, 4) RGBA for com.

    The colour of a cut-out is the predicted foreground, and 0 where nothing of the subject is left.

    Args:
        matte: pha, err, ref (H, W), fgr (H, W, 3), floats in 0..1 or uint8; what ``types`` do not need may be None.
        bits: 8, or 16 for uint16; ``LINEAR`` for float32, colours in linear light and of any range.
        behind: uint8 or uint16 (H, W, 3): com is pha * fgr + (1 - pha) * behind instead, (H, W, 3).
        premultiplied: the colours of a cut-out are multiplied by its alpha.
    """
    if bits == LINEAR:
        return _in_light(matte, types, behind, premultiplied)
    parts = {name: _rounded(getattr(matte, name), bits) for name in wanted_of(types)}
    if "com" in types:
        parts["com"] = (_cut_out(parts["pha"], parts["fgr"], premultiplied) if behind is None else
                        _before(matte, parts["fgr"], behind, bits))
    return {kind: parts[kind] for kind in types}


def _in_light(matte, types, behind, premultiplied):
    """As ``rendered``; what is added and multiplied is light."""
    parts = {name: np.clip(as_float(getattr(matte, name)), 0, 1) for name in wanted_of(types) if name != "fgr"}
    if matte.fgr is not None:
        parts["fgr"] = off_curve(as_float(matte.fgr))
    if "com" in types:
        pha = parts["pha"][..., None]
        if behind is None:
            parts["com"] = np.concatenate([parts["fgr"] * (pha if premultiplied else pha > 0), pha], axis=2)
        else:
            scene = off_curve(behind.astype(np.float32) / np.iinfo(behind.dtype).max)
            parts["com"] = scene + pha * (parts["fgr"] - scene)
    return {kind: parts[kind] for kind in types}


def _cut_out(pha, fgr, premultiplied):
    if premultiplied:
        fgr = cv2.multiply(fgr, cv2.merge((pha,) * 3), scale=1 / np.iinfo(pha.dtype).max)
    seen = (pha > 0).view(np.uint8)  # cv2.compare takes an image of one pixel for a number
    return cv2.merge((*cv2.split(cv2.bitwise_and(fgr, fgr, mask=seen)), pha))


def _before(matte, fgr, behind, bits):
    if bits == 8 and matte.pha.dtype == np.uint8:
        return blend(fgr, matte.pha, to_8_bits(behind))
    pha = np.clip(as_float(matte.pha), 0, 1)
    if bits == 8:
        return cv2.blendLinear(fgr, np.ascontiguousarray(to_8_bits(behind)), pha, 1 - pha)
    com = behind.astype(np.float32)
    com /= np.iinfo(behind.dtype).max
    com += pha[..., None] * (np.clip(as_float(matte.fgr), 0, 1) - com)
    return _rounded(com, bits)


def _rounded(part, bits):
    """The nearest whole numbers; the part itself where it is that."""
    if bits == 8:
        return part if part.dtype == np.uint8 else cv2.multiply(as_float(part), 255.0, dtype=cv2.CV_8U)
    part = np.clip(as_float(part), 0, 1)
    part *= 65535
    return np.rint(part, out=part).astype(np.uint16)


class Canvas:
    """The images of one photo, made of a matte that comes in strips, so that it is never whole in memory.

    Args:
        types: of the images. size: (height, width). bits, behind, premultiplied: as ``rendered``, of the whole photo;
            ``behind`` is kept as an attribute.
        crop: None, or pixels around the subject that ``pictures`` are cropped to.
    """

    def __init__(self, types: Iterable[str], size: tuple[int, int], bits: int = 8, behind: np.ndarray | None = None,
                 premultiplied: bool = False, crop: int | None = None):
        self._types, self._size, self._bits, self.behind = tuple(types), size, bits, behind
        self._premultiplied, self._crop = premultiplied, crop
        self._whole: dict[str, np.ndarray] = {}
        self._seen = np.zeros(size[0], bool), np.zeros(size[1], bool)  # rows and columns with something of the subject

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        """{type: image}."""
        if self._crop is None or not self._seen[0].any():
            return self._whole
        rows, columns = (slice(max(places[0] - self._crop, 0), places[-1] + 1 + self._crop)
                         for places in map(np.flatnonzero, self._seen))
        return {kind: np.ascontiguousarray(picture[rows, columns]) for kind, picture in self._whole.items()}

    def add(self, top: int, matte: Matte) -> None:
        """Take in the rows of a matte from ``top`` on."""
        rows = next(len(part) for part in matte if part is not None)
        behind = None if self.behind is None else self.behind[top:top + rows]
        if self._crop is not None:
            seen = as_float(matte.pha) >= SEEN
            self._seen[0][top:top + rows] |= seen.any(1)
            self._seen[1][:] |= seen.any(0)
        for kind, made in rendered(matte, self._types, self._bits, behind, self._premultiplied).items():
            if rows == self._size[0]:
                self._whole[kind] = made
                continue
            if kind not in self._whole:
                self._whole[kind] = np.empty((*self._size, *made.shape[2:]), made.dtype)
            self._whole[kind][top:top + rows] = made


def deepened(matte: Matte, src: np.ndarray, deep: np.ndarray | None) -> Matte:
    """A matte that the network made of ``src``, whose colours have the depth that was rounded away for it: the network adds
    to src what differs from the subject's colour; the same is added to the deeper numbers.

    Args:
        matte: its fgr float32 (H, W, 3) in 0..1, or None. src: uint8 (H, W, 3). deep: uint16, or float32 of any range,
            the same image; None: the matte stays as it is.
    """
    if deep is None or matte.fgr is None:
        return matte
    most = 1 if deep.dtype == np.float32 else 65535
    fgr = cv2.addWeighted(deep, 1 / most, src, -1 / 255, 0, dtype=cv2.CV_32F)
    fgr += as_float(matte.fgr)
    return matte._replace(fgr=fgr)


def write_pictures(paths: dict[str, Path], pictures: dict[str, np.ndarray], cut_out: bool, owned: bool = False,
                   premultiplied: bool = False) -> None:
    """Write ``paths`` {type: file}, and forget each image once it is written.

    Args:
        cut_out: com has alpha. owned: nobody else holds the arrays, so that they may be changed, which saves memory.
    Raises:
        UserError: a file cannot be written. OSError: the disk is full.
    """
    for kind, path in paths.items():
        try:
            lossless = kind not in LOSSY or kind == "com" and cut_out
            write_bytes(path, encode(Path(path).suffix, pictures.pop(kind), lossless, owned, premultiplied))
        except UserError as error:
            raise UserError(f"cannot write {path}: {error}") from None
        except OSError as error:
            if no_space(error):
                raise
            raise UserError(f"cannot write {path}: {error.strerror}. Name another folder with --output.") from None
