"""Sets of lazily loaded pictures, and the listings of folders that they are made from.

Which folders a set has, and how its files pair up, is the subject of ``dataset.layouts``.
"""
import os
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from bgmatting.media import read_image


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
        sizes: whether ``read`` takes ``least`` as well, and may return smaller pictures (``media.read_image``).
    """

    def __init__(self, names, files, read, sizes=False):
        self.names = list(names)
        self.files = list(files)
        self.read = read
        self.sizes = sizes

    def __len__(self):
        return len(self.names)

    @property
    def subjects(self):
        """Which person or clip each item shows: its folder (a clip of frames), or its own name outside any folder."""
        return [os.path.dirname(name) or name for name in self.names]

    def load(self, index, least=None):
        """Read one item as ``Pair``.

        Args:
            index: which.
            least: None, or pixels that the shorter side needs: a larger picture may be read at a part of its size.

        Raises:
            UserError: a file is gone or damaged, has no alpha, or fgr and pha are of different size.
        """
        options = {"least": least} if self.sizes else {}
        return Pair(self.names[index], *self.read(*self.files[index], **options))

    def subset(self, indices):
        """The set of these items only, in this order."""
        indices = list(indices)
        return PairSet([self.names[i] for i in indices], [self.files[i] for i in indices], self.read, self.sizes)


class BackgroundSet:
    """Pictures without a subject, in the order of their names (paths relative to ``folder``, with suffix)."""

    def __init__(self, folder, names):
        self._folder = os.fspath(folder)
        self.names = list(names)

    def __len__(self):
        return len(self.names)

    @property
    def subjects(self):
        """One word per picture: its file name without folder and suffix."""
        return [PurePosixPath(name).stem for name in self.names]

    def path(self, index):
        """The file of one picture."""
        return os.path.join(self._folder, self.names[index])

    def load(self, index, least=None):
        """Read one picture as uint8 RGB (H, W, 3). Args and errors as ``media.read_image``."""
        return read_image(self.path(index), least)

    def subset(self, indices):
        """The set of these pictures only, in this order."""
        return BackgroundSet(self._folder, [self.names[i] for i in indices])
