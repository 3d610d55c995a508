"""Foregrounds of photos whose subject stands before a scene of its own (PPM-100, P3M-10k).

At soft edges such a photo shows a mixture of subject and scene. The colour of the subject alone is estimated once,
by the multi-level method of Germer et al. (2020) in PyMatting, and kept on disk.
"""
from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bgmatting.dataset.layouts.mattes import read_pha
from bgmatting.media import read_image, write_image
from bgmatting.utils.errors import UserError


class EstimateForeground:
    """Reads (photo file, pha file) as (fgr, pha), with fgr estimated, or taken from the cache if it was before.

    A cached foreground belongs to the path, size and time of change of both files: a changed file is estimated anew.

    Args:
        read: (photo file, pha file) -> (photo, pha), as ``dataset.layouts.pictures.read_fgr_pha``.
        cache: folder for the foregrounds; made when the first is written.
    Raises UserError: PyMatting is not installed.
    """

    def __init__(self, read: Callable, cache: str | Path):
        if importlib.util.find_spec("pymatting") is None:
            raise UserError("the foregrounds of photos are estimated by PyMatting, which is not installed. Run "
                            "`pip install pymatting`, or use a set with clean foregrounds.")
        self._read, self._cache = read, Path(cache)

    def __call__(self, photo_file: str, pha_file: str) -> tuple[np.ndarray, np.ndarray]:
        kept = self._cache / f"{_key(photo_file, pha_file)}.png"
        if kept.exists():
            return read_image(kept), read_pha(pha_file)
        photo, pha = self._read(photo_file, pha_file)
        fgr = estimate_fgr(photo, pha)
        try:
            write_image(kept, fgr)
        except PermissionError:
            raise UserError(f"cannot write the estimated foreground {kept}. Make {self._cache} writable.") from None
        return fgr, pha


def estimate_fgr(photo: np.ndarray, pha: np.ndarray) -> np.ndarray:
    """The subject's own colour.

    Args:
        photo: uint8 RGB (H, W, 3).
        pha: uint8 (H, W).
    Returns uint8 RGB (H, W, 3).
    """
    from pymatting import estimate_foreground_ml  # optional, and slow to import: it compiles
    fgr = estimate_foreground_ml(photo / 255.0, pha / 255.0)
    return np.clip(fgr * 255 + 0.5, 0, 255).astype(np.uint8)


def _key(*files):
    parts = []
    for file in files:
        try:
            stat = os.stat(file)
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}.") from None
        parts.append(f"{os.path.abspath(file)}\n{stat.st_size}\n{stat.st_mtime_ns}")
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
