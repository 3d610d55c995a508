"""An image of another size than its photo or film: stretched, scaled and cut, or refused."""
from __future__ import annotations

import os

import cv2
import numpy as np

from bgmatting.media.operations import cover
from bgmatting.utils.errors import UserError

FITS = ("resize", "crop")


class SizesDiffer(UserError):
    """Two sizes differ, and nobody said what to do about it."""


def fit_size(bgr: np.ndarray, size: tuple[int, int], fit: str | None, src_name: str | os.PathLike = "src",
             bgr_name: str | os.PathLike = "bgr") -> np.ndarray:
    """bgr uint8 (h, w, 3) brought to ``size`` (height, width); bgr itself where it has that size.

    Args:
        fit: "resize" stretches it; "crop" scales it to cover the size and cuts its centre out; None only checks.
    Raises:
        UserError: as ``check_size``.
    """
    check_size(bgr.shape[:2], size, fit, src_name, bgr_name)
    if bgr.shape[:2] == tuple(size):
        return bgr
    if fit == "crop":
        return cover(bgr, size)
    height, width = size
    shrinks = height <= bgr.shape[0] and width <= bgr.shape[1]
    return cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def check_size(bgr_size: tuple[int, int], size: tuple[int, int], fit: str | None, src_name: str | os.PathLike = "src",
               bgr_name: str | os.PathLike = "bgr") -> None:
    """Raises SizesDiffer where two sizes (height, width) differ and ``fit`` is None, UserError for none of ``FITS``."""
    if fit is not None and fit not in FITS:
        raise UserError(f"unknown way to fit '{fit}'; choose {' or '.join(FITS)}.")
    if fit is None and tuple(bgr_size) != tuple(size):
        raise SizesDiffer(f"{src_name} is {size[1]}x{size[0]} but its background {bgr_name} is {bgr_size[1]}x{bgr_size[0]}; "
                          f"both should be shots of one camera position and of one size. --fit resize stretches "
                          f"the background, --fit crop scales it and cuts it.")
