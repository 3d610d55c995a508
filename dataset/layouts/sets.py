"""Sets of lazily loaded images, and the listings of folders that they are made from.

Which folders a set has, and how its files pair up, is the subject of ``dataset.layouts``.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from bgmatting.media import read_image

SIDE = 64  # pixels of a plain background


class Pair(NamedTuple):
    """A foreground and its alpha: fgr uint8 RGB (H, W, 3), pha uint8 (H, W), name the path without suffix."""
    name: str
    fgr: np.ndarray
    pha: np.ndarray


class PairSet:
    """Foregrounds with alpha, in the order of their names.

    Args:
        names: one path per item, relative to the set and without suffix, such as '0012/00035'.
        files: one tuple per item, the arguments of ``read``; first the paths of fgr and pha (or of one RGBA file).
        read: (file, ...) -> (fgr, pha); a module-level function, or an object that can be pickled, so that worker
            processes can be sent it.
        sizes: whether ``read`` takes ``least`` as well, and may return smaller images (``media.read_image``).
    """

    def __init__(self, names: Iterable[str], files: Iterable[tuple], read: Callable, sizes: bool = False):
        self.names = list(names)
        self.files = list(files)
        self.read = read
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.names)

    @property
    def subjects(self) -> list[str]:
        """Which person or clip each item shows: its folder (a clip of frames), or its own name outside any folder."""
        return [os.path.dirname(name) or name for name in self.names]

    def load(self, index: int, least: int | None = None) -> Pair:
        """Read one item as ``Pair``.

        ``least``: None, or pixels that the shorter side needs: a larger image may be read at a part of its size.
        Raises UserError: a file is gone or damaged, has no alpha, or fgr and pha are of different size.
        """
        options = {"least": least} if self.sizes else {}
        return Pair(self.names[index], *self.read(*self.files[index], **options))

    def subset(self, indices: Iterable[int]) -> PairSet:
        """The set of these items only, in this order."""
        indices = list(indices)
        return PairSet([self.names[i] for i in indices], [self.files[i] for i in indices], self.read, self.sizes)


class BackgroundSet:
    """Images without a subject, in the order of their names (paths relative to ``folder``, with suffix)."""

    def __init__(self, folder: str | Path, names: Iterable[str]):
        self._folder = os.fspath(folder)
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def subjects(self) -> list[str]:
        """One word per image: its file name without folder and suffix."""
        return [PurePosixPath(name).stem for name in self.names]

    def path(self, index: int) -> str:
        """The file of one image."""
        return os.path.join(self._folder, self.names[index])

    def load(self, index: int, least: int | None = None) -> np.ndarray:
        """Read one image as uint8 RGB (H, W, 3). Args and errors as ``media.read_image``."""
        return read_image(self.path(index), least)

    def subset(self, indices: Iterable[int]) -> BackgroundSet:
        """The set of these images only, in this order."""
        return BackgroundSet(self._folder, [self.names[i] for i in indices])


class ColourSet:
    """One plain background. Takes the place of a ``BackgroundSet``.

    ``colour``: (red, green, blue), 0..255.
    """

    def __init__(self, colour: tuple[int, int, int]):
        self.names = self.subjects = ["#{:02x}{:02x}{:02x}".format(*colour)]
        self._image = np.full((SIDE, SIDE, 3), colour, np.uint8)

    def __len__(self) -> int:
        return 1

    def load(self, index: int, least: int | None = None) -> np.ndarray:
        """uint8 RGB (``SIDE``, ``SIDE``, 3)."""
        return self._image.copy()
