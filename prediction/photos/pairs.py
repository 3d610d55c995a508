"""A src and its bgr, read, brought to one size, and made to fit each other."""
import threading
from typing import NamedTuple

import numpy as np

from media import read_photo
from media.formats import check_memory
from prediction.sizes import fit_size

MATTE_BYTES = 16  # a pixel takes beyond the pair itself, seen with photos of 96 megapixels


class Pair(NamedTuple):
    """src, bgr: uint8 RGB (H, W, 3) of one size; notes: lines of text that the user should see."""
    src: np.ndarray
    bgr: np.ndarray
    notes: list


class PairReader:
    """Reads the pair of a ``Job``: ``reader(job)`` -> Pair. The bgr read last is kept, for folders with one for all.

    Args:
        fit: None, or how a bgr of another size is brought to that of src: "resize", "crop".
        adapt: None, or (src, bgr) -> (bgr, notes), which aligns and corrects the background.
    """

    def __init__(self, fit=None, adapt=None):
        self._fit, self._adapt = fit, adapt
        self._kept = None, None
        self._lock = threading.Lock()

    def __call__(self, job):
        """Raises UserError: a file cannot be read, memory does not do, or the sizes differ and no fit was asked for."""
        notes = []
        src, bgr = read_photo(job.src, notes), self._background(job.bgr, notes)
        check_memory(job.src, src.shape[1], src.shape[0], MATTE_BYTES, "matting it")
        bgr = fit_size(bgr, src.shape[:2], self._fit, job.src, job.bgr)
        if self._adapt is not None:
            bgr, more = self._adapt(src, bgr)
            notes += more
        return Pair(src, bgr, notes)

    def _background(self, path, notes):
        """The picture; remarks on it go to ``notes`` when it is read, and not again while it is kept."""
        with self._lock:
            if self._kept[0] != path:
                self._kept = None, None  # before the next is read: two at once may be too much
                self._kept = path, read_photo(path, notes)
            return self._kept[1]
