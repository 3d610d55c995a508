"""A src and its bgr or trimap, read, brought to one size, and made to fit each other."""
from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bgmatting.media import read_deep_photo, read_photo
from bgmatting.media.bounds import check_memory
from bgmatting.media.decoding import HERE
from bgmatting.media.pixels import to_8_bits
from bgmatting.media.reading import read_trimap
from bgmatting.prediction.sizes import fit_size
from bgmatting.utils.errors import UserError

MATTE_BYTES, DEEP_BYTES = 16, 20  # a pixel takes beyond the pair itself, and where the results are as deep as src; seen
#                                   with photos of 96 megapixels


class Pair(NamedTuple):
    """src, bgr: uint8 RGB (H, W, 3), trimap uint8 (H, W), of one size, None where there is none; notes: lines of text that
    the user should see; deep: src in uint16, where it has more than 8 bits and the results shall have them."""
    src: np.ndarray
    bgr: np.ndarray | None
    notes: list
    deep: np.ndarray | None = None
    trimap: np.ndarray | None = None


def photo(path: str | os.PathLike, bits: int) -> tuple[np.ndarray, list[str]]:
    """(``media.read_photo`` or ``read_deep_photo`` of a path, remarks on it)."""
    notes = []
    return (read_photo if bits == 8 else read_deep_photo)(path, notes), notes


class PairReader:
    """Reads the pair of a ``Job``: ``reader(job)`` -> Pair. The bgr read last is kept, for folders with one for all.

    Args:
        decode: ``call`` of one of ``media.decoding``.
        fit: None, or how a bgr of another size is brought to that of src: "resize", "crop".
        adapt: None, or (src, bgr) -> (bgr, notes), which aligns and corrects the background.
        bits: of a channel of the results, 8 or 16.
        method: the ``model.methods.method.Method`` that they are for, if what it takes is to be looked at; None: it is not.
    """

    def __init__(self, fit: str | None = None, adapt: Callable | None = None, bits: int = 8, method: Any = None,
                 decode: Callable = HERE.call):
        self._fit, self._adapt, self._bits, self._method, self._decode = fit, adapt, bits, method, decode
        self._kept = None, None
        self._lock = threading.Lock()

    def __call__(self, job):
        """Raises UserError: a file cannot be read, memory does not do, or the sizes differ and no fit was asked for."""
        src, notes = self._decode(photo, job.src, self._bits)
        bgr = None if job.bgr is None else self._background(job.bgr, notes)
        src, deep = to_8_bits(src), src if src.dtype == np.uint16 else None
        check_memory(job.src, src.shape[1], src.shape[0], MATTE_BYTES if deep is None else DEEP_BYTES, "matting it")
        if self._method is not None and self._method.pixel_bytes:
            height, width = self._method.rule.input_size(*src.shape[:2])
            check_memory(f"{job.src}, for {self._method.name},", width, height, self._method.pixel_bytes, "matting it")
        trimap = None
        if job.trimap is not None:
            trimap = self._decode(read_trimap, job.trimap)
            check_trimap(trimap, job.trimap, job.src, src.shape[:2], notes)
        if bgr is None:
            return Pair(src, None, notes, deep, trimap)
        bgr = fit_size(bgr, src.shape[:2], self._fit, job.src, job.bgr)
        if self._adapt is not None:
            bgr, more = self._adapt(src, bgr)
            notes += more
        return Pair(src, bgr, notes, deep)

    def _background(self, path, notes):
        """The image; remarks on it go to ``notes`` when it is read, and not again while it is kept."""
        with self._lock:
            if self._kept[0] != path:
                self._kept = None, None  # before the next is read: two at once may be too much
                image, found = self._decode(photo, path, 8)
                notes += found
                self._kept = path, image
            return self._kept[1]


def check_trimap(trimap: np.ndarray, path: str | os.PathLike, src_path: str, size: tuple[int, int],
                 notes: list[str]) -> None:
    """Raises UserError for a trimap, as ``media.reading.read_trimap`` has it, of another size than its photo, (height,
    width). Remarks are appended to ``notes``."""
    if trimap.shape != tuple(size):
        raise UserError(f"{src_path} is {size[1]}x{size[0]} but its trimap {path} is {trimap.shape[1]}x{trimap.shape[0]}; "
                        "both have to be of one size.")
    if np.isin(trimap, (0, 255)).all():
        notes.append(f"{path} has no unknown pixels, so that alpha is the trimap.")
