"""Subjects to be set before scenes: cut out of RGBA images in a folder, or painted by ``dataset.generate``."""
from __future__ import annotations

import re
from pathlib import PurePath
from typing import Callable, NamedTuple

import numpy as np

from bgmatting.dataset.generate.cutouts import cutout
from bgmatting.dataset.generate.subjects.subject import KINDS, SHARE
from bgmatting.dataset.layouts.pictures import read_cutout, rgba_folder
from bgmatting.dataset.splits import held_out
from bgmatting.utils.errors import UserError

HELD_OUT = 8          # one of so many names is for validation alone
PAINTED_SIDE = 640    # pixels of the square that a subject is painted in
RARE = 0.6            # kinds come as often as the power of their count, 1: as they are there, 0: all alike
VISIBLE = 5           # alpha above which a pixel counts as seen, of 255


class Subject(NamedTuple):
    """A subject cut to where it is seen.

    Attributes:
        rgba: float32 (H, W, 4) in 0..1, colour multiplied by alpha.
        cut: whether its left, top, right and bottom side is where its image ended.
        kind: what it is, as its file's name says.
    """
    rgba: np.ndarray
    cut: tuple
    kind: str = ""


class Folder:
    """Subjects in a folder of RGBA images, straight colour, named KIND*.png or .webp.

    Args:
        folder: where they are, any nesting.
        valid: whether to take those held out for validation instead of those to train on.
    Raises UserError: there is no such folder, or it holds less than two images.
    """

    def __init__(self, folder: str, valid: bool = False):
        whole = rgba_folder(folder, ".")
        whole.read = read_subject
        self.set = whole.subset(held_out(whole.names, HELD_OUT, valid, folder))
        self.folder, self._kinds = folder, {}
        for index, name in enumerate(self.set.names):
            self._kinds.setdefault(kind_of(name), []).append(index)

    def draw(self, rng: np.random.Generator, kind: str | None, load: Callable) -> Subject:
        """Draw one, of ``kind`` or, where that is None, of a rare kind more often than it is there.

        ``load``: (index) -> ``Pair`` of that image of ``self.set``.
        Raises UserError: there is none of this kind, or the image cannot be used.
        """
        if kind is None:
            share = np.array([len(indices) for indices in self._kinds.values()]) ** RARE
            kind = list(self._kinds)[rng.choice(len(share), p=share / share.sum())]
        if kind not in self._kinds:
            raise UserError(f"{self.folder} has no subject of the kind '{kind}', but of {', '.join(sorted(self._kinds))}. "
                            "Change stream_kinds, or make some.")
        indices = self._kinds[kind]
        pair = load(indices[rng.integers(len(indices))])
        return trimmed(pair.fgr, pair.pha)._replace(kind=kind)


def read_subject(file: str) -> tuple[np.ndarray, np.ndarray]:
    """As ``layouts.pictures.read_cutout``. Raises as that, and where the alpha is 0 everywhere."""
    fgr, pha = read_cutout(file)
    if not pha.any():
        raise UserError(f"{file} shows nothing: its alpha is 0 everywhere. Remove it.")
    return fgr, pha


def kind_of(name: str) -> str:
    """The kind of subject that a file's name states: "person" of person_042_640."""
    return re.match(r"[^\W\d_]*", PurePath(name).name).group()


def paint(rng: np.random.Generator, kind: str | None = None) -> Subject:
    """Paint a subject, of which something is seen."""
    kind = kind or KINDS[rng.choice(len(KINDS), p=SHARE)]
    rgba = cutout(rng, PAINTED_SIDE, kind)
    return trimmed(rgba[..., :3], rgba[..., 3])._replace(kind=kind)


def trimmed(fgr: np.ndarray, pha: np.ndarray) -> Subject:
    """Cut uint8 RGB (H, W, 3), straight colour, and uint8 (H, W), not all 0, to a Subject."""
    seen = pha > min(VISIBLE, pha.max() // 2)
    rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    cut = (left <= 1, top <= 1, right >= pha.shape[1] - 1, bottom >= pha.shape[0] - 1)
    rgba = np.dstack([fgr[top:bottom, left:right], pha[top:bottom, left:right]]).astype(np.float32) / 255
    rgba[..., :3] *= rgba[..., 3:]
    return Subject(rgba, cut)
