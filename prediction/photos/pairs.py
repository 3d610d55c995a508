"""A src and its bgr, read, brought to one size, and made to fit each other."""
import threading
from typing import NamedTuple, Optional

import numpy as np

from media import read_deep_photo, read_photo
from media.formats import check_memory
from media.pixels import to_8_bits
from prediction.sizes import fit_size

MATTE_BYTES = 16  # a pixel takes beyond the pair itself, seen with photos of 96 megapixels


class Pair(NamedTuple):
    """src, bgr: uint8 RGB (H, W, 3) of one size; notes: lines of text that the user should see; deep: src in uint16, where
    it has more than 8 bits and the results shall have them."""
    src: np.ndarray
    bgr: np.ndarray
    notes: list
    deep: Optional[np.ndarray] = None


class PairReader:
    """Reads the pair of a ``Job``: ``reader(job)`` -> Pair. The bgr read last is kept, for folders with one for all.

    Args:
        fit: None, or how a bgr of another size is brought to that of src: "resize", "crop".
        adapt: None, or (src, bgr) -> (bgr, notes), which aligns and corrects the background.
        bits: of a channel of the results, 8 or 16.
    """

    def __init__(self, fit=None, adapt=None, bits=8):
        self._fit, self._adapt, self._bits = fit, adapt, bits
        self._kept = None, None
        self._lock = threading.Lock()

    def __call__(self, job):
        """Raises UserError: a file cannot be read, memory does not do, or the sizes differ and no fit was asked for."""
        notes = []
        read = read_photo if self._bits == 8 else read_deep_photo
        src, bgr = read(job.src, notes), self._background(job.bgr, notes)
        src, deep = to_8_bits(src), src if src.dtype == np.uint16 else None
        check_memory(job.src, src.shape[1], src.shape[0], MATTE_BYTES, "matting it")
        bgr = fit_size(bgr, src.shape[:2], self._fit, job.src, job.bgr)
        if self._adapt is not None:
            bgr, more = self._adapt(src, bgr)
            notes += more
        return Pair(src, bgr, notes, deep)

    def _background(self, path, notes):
        """The picture; remarks on it go to ``notes`` when it is read, and not again while it is kept."""
        with self._lock:
            if self._kept[0] != path:
                self._kept = None, None  # before the next is read: two at once may be too much
                self._kept = path, read_photo(path, notes)
            return self._kept[1]
