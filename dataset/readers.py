"""Sets of lazily loaded pictures, and the listings of folders that they are made from.

Which folders a set has, and how its files pair up, is the subject of ``dataset.layouts``.
"""
import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from utils.errors import UserError
from utils.media import list_image_names, read_image

SHOWN = 3  # names quoted in an error message before "..."


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
        sizes: whether ``read`` takes ``least`` as well, and may return smaller pictures (``utils.media.read_image``).
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
        """Read one picture as uint8 RGB (H, W, 3). Args and errors as ``utils.media.read_image``."""
        return read_image(self.path(index), least)

    def subset(self, indices):
        """The set of these pictures only, in this order."""
        return BackgroundSet(self._folder, [self.names[i] for i in indices])


def picture_names(folder):
    """Pictures below ``folder`` as ``utils.media.list_image_names``, at least one.

    Raises:
        UserError: the folder is missing, is a file, or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {what}. Unpack the pictures there or correct the path.")
    names = list_image_names(folder)
    if not names:
        raise UserError(f"{folder} holds no pictures (jpg, png, bmp, tif, webp). Put some there or correct the path.")
    return names


def files_by_name(folder):
    """{path without suffix: file} of all pictures below ``folder``.

    Raises:
        UserError: as ``picture_names``, and where two files differ in nothing but the suffix.
    """
    files = {}
    for relative in picture_names(folder):
        name = relative[:relative.rindex(".")]
        if name in files:
            twin = os.path.relpath(files[name], folder)
            raise UserError(f"{folder} has both {twin} and {relative}: which is meant? Remove one of them.")
        files[name] = os.path.join(folder, relative)
    return files


def check_partners(first_root, first, second_root, second):
    """Raise UserError unless the two ``files_by_name`` have the same names; the message quotes the first few."""
    if first.keys() == second.keys():
        return
    alone = [f"{len(lone)} in {here} without a partner in {there} ({quote(lone)})"
             for here, there, lone in ((first_root, second_root, sorted(first.keys() - second.keys())),
                                       (second_root, first_root, sorted(second.keys() - first.keys()))) if lone]
    raise UserError(f"unpaired pictures: {'; '.join(alone)}. Partners have the same path apart from the suffix; "
                    f"add the missing files or remove these.")


def pair_up(first_root, first, second_root, second, unpaired=None):
    """The names that both ``files_by_name`` have, in the order of the first.

    Args:
        unpaired: None, or a list that takes the files without a partner, for a caller who reports them one by one.
    Raises:
        UserError: as ``check_partners``, where ``unpaired`` is None.
    """
    if unpaired is None:
        check_partners(first_root, first, second_root, second)
    else:
        unpaired += [first[name] for name in sorted(first.keys() - second.keys())]
        unpaired += [second[name] for name in sorted(second.keys() - first.keys())]
    return [name for name in first if name in second]


def quote(names):
    """The first few of ``names``, for an error message."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
