"""Datasets on disk: a layout and its folders in, a set of lazily loaded pictures out.

Listing a set opens no file; a picture is read when ``load`` asks for it.
"""
import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from utils.errors import UserError
from utils.media import list_image_names, read_gray, read_image, read_rgba

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
        files: one tuple of file paths per item, the arguments of ``read``.
        read: module-level function (file, ...) -> (fgr, pha); module-level so that worker processes can be sent it.
    """

    def __init__(self, names, files, read):
        self.names = list(names)
        self._files = list(files)
        self._read = read

    def __len__(self):
        return len(self.names)

    @property
    def subjects(self):
        """Which person or clip each item shows: its folder (a clip of frames), or its own name outside any folder."""
        return [os.path.dirname(name) or name for name in self.names]

    def load(self, index):
        """Read one item as ``Pair``.

        Raises:
            UserError: a file is gone or damaged, has no alpha, or fgr and pha are of different size.
        """
        return Pair(self.names[index], *self._read(*self._files[index]))

    def subset(self, indices):
        """The set of these items only, in this order."""
        indices = list(indices)
        return PairSet([self.names[i] for i in indices], [self._files[i] for i in indices], self._read)


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

    def load(self, index):
        """Read one picture as uint8 RGB (H, W, 3). Raises UserError where the file is gone or damaged."""
        return read_image(os.path.join(self._folder, self.names[index]))

    def subset(self, indices):
        """The set of these pictures only, in this order."""
        return BackgroundSet(self._folder, [self.names[i] for i in indices])


def fgr_pha_folders(root, folders):
    """Two parallel trees, paired by path without suffix: VideoMatte240K, Distinctions-646.

    Args:
        root: the dataset's folder.
        folders: {"fgr": folder, "pha": folder} below ``root``.
    Raises:
        UserError: a folder is missing or empty, or a picture has no partner.
    """
    fgr_root, pha_root = Path(root, folders["fgr"]), Path(root, folders["pha"])
    fgr, pha = files_by_name(fgr_root), files_by_name(pha_root)
    check_partners(fgr_root, fgr, pha_root, pha)
    return PairSet(fgr, [(fgr[name], pha[name]) for name in fgr], _read_fgr_pha)


def rgba_folder(root, folder):
    """A tree of RGBA pictures, colour is fgr and transparency is pha: PhotoMatte85. Raises as ``fgr_pha_folders``."""
    files = files_by_name(Path(root, folder))
    return PairSet(files, [(file,) for file in files.values()], read_rgba)


def backgrounds(root, folder):
    """A tree of photographs, any nesting: Backgrounds, BG-20k. Raises UserError: the folder is missing or empty."""
    folder = Path(root, folder)
    return BackgroundSet(folder, picture_names(folder))


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
    alone = [f"{len(lone)} in {here} without a partner in {there} ({_quote(lone)})"
             for here, there, lone in ((first_root, second_root, sorted(first.keys() - second.keys())),
                                       (second_root, first_root, sorted(second.keys() - first.keys()))) if lone]
    raise UserError(f"unpaired pictures: {'; '.join(alone)}. Partners have the same path apart from the suffix; "
                    f"add the missing files or remove these.")


def _quote(names):
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _read_fgr_pha(fgr_file, pha_file):
    fgr, pha = read_image(fgr_file), read_gray(pha_file)
    if fgr.shape[:2] != pha.shape:
        raise UserError(f"{pha_file} is {pha.shape[1]}x{pha.shape[0]} but its foreground {fgr_file} is "
                        f"{fgr.shape[1]}x{fgr.shape[0]}; both must have the same size.")
    return fgr, pha


PAIR_LAYOUTS = {"fgr_pha_folders": fgr_pha_folders, "rgba_folder": rgba_folder}
BACKGROUND_LAYOUTS = {"backgrounds": backgrounds}
