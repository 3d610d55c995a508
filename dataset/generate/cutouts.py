"""Painted subjects kept on disk once: painting costs as much time as training on them."""
from __future__ import annotations

from pathlib import Path
from typing import Callable

import cv2
import numpy as np

from bgmatting.dataset.generate.subjects.subject import KINDS, SHARE, make_subject
from bgmatting.media import write_image
from bgmatting.utils.errors import UserError

PAINT_STREAM = 11  # last word of seeds
AROUND = 16        # pixels beyond the subject whose colour is kept; further out it is 0, which takes no room


def write_subjects(folder: str | Path, count: int, seed: int = 0, size: int = 640,
                   tell: Callable[[str], None] = lambda line: None) -> int:
    """Write ``count`` painted subjects as ``folder``/KIND_SEED_NUMBER.webp, RGBA, lossless, straight colour.

    Which subject a file shows depends on its name and on ``size`` alone. Files that are there are passed over, so that an
    interrupted run goes on, and a larger ``count`` adds to a folder.

    Args:
        seed: whole number of 0 or more; another one gives other subjects.
        size: side of the square that a subject is painted in, in pixels.
        tell: called with a line about each file.
    Returns how many were written.
    Raises UserError: ``count``, ``seed`` or ``size`` is out of range.
    """
    if count < 1 or seed < 0 or not 16 <= size <= 8192:
        raise UserError("--count must be 1 or more, --seed 0 or more and --size from 16 to 8192, not "
                        f"{count}, {seed} and {size}.")
    folder, written = Path(folder), 0
    for number in range(count):
        rng = np.random.default_rng([seed, number, PAINT_STREAM])
        kind = KINDS[rng.choice(len(KINDS), p=SHARE)]
        path = folder / f"{kind}_{seed}_{number:05d}.webp"
        if path.exists():
            continue
        write_image(path, cutout(rng, size, kind))
        written += 1
        tell(f"{number + 1}/{count} {path.name}")
    return written


def cutout(rng: np.random.Generator, size: int, kind: str | None = None) -> np.ndarray:
    """Paint a subject, of which something is seen, as uint8 RGBA (size, size, 4); ``kind`` as of ``make_subject``."""
    pha = np.zeros((size, size), np.uint8)
    while not pha.any():
        pha, fgr = make_subject(rng, size, size, kind)
    near = cv2.dilate(pha, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)) > 0
    return np.dstack([fgr * near[..., None], pha])
