"""Subjects to be set before scenes: rendered ones from folders, and the ones that ``dataset.generate`` paints.

A subject is float32 (H, W, 4) in 0..1, colour multiplied by alpha, cut to where it is seen, and which sides of its picture
cut it.
"""
import functools
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.dataset.generate import make_subject

HELD_OUT = 8          # one of so many names is for validation alone
PAINT_STREAM = 11     # last words of seeds
PAINTED_SIDE = 640    # pixels of the square that a subject is painted in
PAINTED_POOL = 24     # painted subjects that are in use at a time ...
PAINTED_USES = 16     # ... and over how many sample numbers the next comes in: painting takes as long as training
KEPT = 96             # rendered subjects that a process keeps in memory
RARE = 0.6            # kinds come as often as the power of their count, 1: as they are there, 0: all alike
VISIBLE = 0.02        # alpha from which a pixel counts as seen


class Subject(NamedTuple):
    """``rgba`` as above; ``cut``: whether its left, top, right and bottom side is where its picture ended."""
    rgba: np.ndarray
    cut: tuple


def held_out(name):
    """Whether the file called so is kept for validation; told from the name alone, so that folders may grow."""
    return zlib.crc32(Path(name).stem.encode()) % HELD_OUT == 0


def kind_of(path):
    """What a file's name says is in it: "person" of person042_640.png."""
    return re.match(r"[^\W\d_]*", Path(path).stem).group()


class Rendered:
    """Subjects rendered into folders, straight colour and alpha in .webp or .png.

    Args:
        folders: where they lie; those that do not exist yet are passed over.
        valid: the ones held out instead of the ones to train on.
    """

    def __init__(self, folders, valid=False):
        self.folders, self.valid = folders, valid
        self.scan()

    def scan(self):
        """Look which files there are now."""
        found = [path for folder in self.folders for kind in ("*.webp", "*.png") for path in Path(folder).glob(kind)]
        self.kinds = {}
        for path in sorted(map(str, found)):
            if held_out(path) == self.valid:
                self.kinds.setdefault(kind_of(path), []).append(path)

    def __len__(self):
        return sum(map(len, self.kinds.values()))

    def draw(self, rng):
        """One of them at random, of a rare kind more often than it is there; a file that is not whole yet is passed over."""
        kinds = list(self.kinds.values())
        share = np.array([len(paths) for paths in kinds]) ** RARE
        for _ in range(20):
            paths = kinds[rng.choice(len(kinds), p=share / share.sum())]
            try:
                return read(paths[rng.integers(len(paths))])
            except OSError as error:
                wrong = error
        raise wrong


@functools.lru_cache(maxsize=KEPT)
def read(path):
    """The subject of one file. An error is not remembered: the file may be about to be written."""
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4 or not image[..., 3].any():
        raise OSError(f"{path} is not a picture with alpha")
    image = image.astype(np.float32) / np.iinfo(image.dtype).max
    return trimmed(np.dstack([image[..., 2::-1], image[..., 3]]))


class Painted:
    """Subjects painted by ``dataset.generate``: which one is a function of the sample's number."""

    def __init__(self, seed):
        self.seed = seed

    def draw(self, rng, number):
        """One of the subjects that are in use at sample ``number``."""
        return paint(self.seed, number // PAINTED_USES + int(rng.integers(PAINTED_POOL)))


@functools.lru_cache(maxsize=2 * PAINTED_POOL)
def paint(seed, number):
    """The painted subject of that number."""
    rng = np.random.default_rng([seed, number, PAINT_STREAM])
    pha, fgr = make_subject(rng, PAINTED_SIDE, PAINTED_SIDE)
    while not pha.any():
        pha, fgr = make_subject(rng, PAINTED_SIDE, PAINTED_SIDE)
    return trimmed(np.dstack([fgr, pha]).astype(np.float32) / 255)


def trimmed(rgba):
    """A Subject of a straight (H, W, 4) picture in 0..1, of which something is seen. float16 keeps thin alpha."""
    alpha = rgba[..., 3]
    seen = alpha > min(VISIBLE, 0.5 * alpha.max())
    rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    height, width = alpha.shape
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    cut = (left <= 1, top <= 1, right >= width - 1, bottom >= height - 1)
    rgba = rgba[top:bottom, left:right].copy()
    rgba[..., :3] *= rgba[..., 3:]
    return Subject(rgba.astype(np.float16), cut)
