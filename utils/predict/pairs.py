"""A src and its bgr, read, brought to one size, and made to fit each other."""
import threading
from typing import NamedTuple

import cv2
import numpy as np

from dataset.evaluation import cover
from utils.errors import UserError
from utils.media import read_photo

FITS = ("resize", "crop")


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
        """Raises UserError: a file cannot be read, or the two differ in size and no fit was asked for."""
        src, bgr, notes = read_photo(job.src), self._background(job.bgr), []
        bgr = fit_size(bgr, src.shape[:2], self._fit, job.src, job.bgr)
        if self._adapt is not None:
            bgr, notes = self._adapt(src, bgr)
        return Pair(src, bgr, list(notes))

    def _background(self, path):
        with self._lock:
            if self._kept[0] != path:
                self._kept = None, None  # before the next is read: two at once may be too much
                self._kept = path, read_photo(path)
            return self._kept[1]


def fit_size(bgr, size, fit, src_name="src", bgr_name="bgr"):
    """bgr uint8 (h, w, 3) brought to ``size`` (height, width).

    Args:
        fit: "resize" stretches it; "crop" scales it to cover the size and cuts its centre out; None only checks.
    Raises:
        UserError: the sizes differ and fit is None.
    """
    if bgr.shape[:2] == tuple(size):
        return bgr
    height, width = size
    if fit is None:
        raise UserError(f"{src_name} is {width}x{height} but its background {bgr_name} is {bgr.shape[1]}x{bgr.shape[0]}; "
                        f"both should be shots of one camera position and of one size. --fit resize stretches the "
                        f"background, --fit crop scales it and cuts it.")
    if fit == "crop":
        return cover(bgr, size)
    shrinks = height <= bgr.shape[0] and width <= bgr.shape[1]
    return cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
