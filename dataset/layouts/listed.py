"""The lines of a list file as pictures that belong together: `fg`, `fg bg` or `fg bg trimap`, as PaddleSeg's Matting lays
sets out.

A line of one word is a photo as it is. A line of several words is a foreground before that background, and the third word
the trimap of it. Many lists have the photo's own alpha as second word; such a line is a photo as it is, too. Words are
divided by blanks, or by `|` where a line has one; a list of one word a line may have blanks within the path.
"""
from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bgmatting.dataset.layouts.lists import list_lines, readings, words_of
from bgmatting.dataset.layouts.pairing import files_by_name
from bgmatting.dataset.layouts.pictures import read_fgr_pha
from bgmatting.media import read_image
from bgmatting.media.operations import blend, resize
from bgmatting.utils.errors import UserError, quote

BACKGROUND, ALPHA, MATTE = "background", "alpha", "matte"
TRIED = 16                 # lines whose second word is opened
GRAY, ALIKE = 12, 8        # of 255: differences that compression makes, between channels and between mattes in the mean
KNOWN = (0, 1, 127, 128, 254, 255)    # what a matte or a trimap holds, for the most part
MOSTLY = 0.7               # share of the pixels


class Listed(NamedTuple):
    """Files of a line: fgr is a photo where there is no bgr; name: the path without suffix, numbered from the second on."""
    name: str
    fgr: str
    pha: str
    bgr: str | None = None
    trimap: str | None = None


def listed_pictures(root: str | Path, folders: dict[str, str]) -> list[Listed]:
    """The lines of a set's list, in its order.

    Args:
        root: the dataset's folder.
        folders: {"fgr": folder, "pha": folder, "list": file} below ``root``.
    Returns list of ``Listed``.
    Raises:
        UserError: the list is missing or empty, or names what is not there; a foreground has no alpha; or the second words
            are mattes, but not those of the photos.
    """
    root, path = Path(root), Path(root, folders["list"])
    fgr, pha = (files_by_name(root / folders[kind]) for kind in ("fgr", "pha"))
    prefix = "" if folders["fgr"] == "." else folders["fgr"].rstrip("/") + "/"
    found, missing, taken = [], [], set()
    for number, line in list_lines(path):
        name = next((name for name in readings(line, 0, prefix) if name in fgr), None)
        others = [] if name is not None and name in readings(line, None, prefix) else words_of(line)[1:3]
        files = [_file(root, word) for word in others]
        if name not in pha or None in files:
            missing.append(f"line {number}: {line}")
            continue
        shown, number = name, 0
        while shown in taken or (number and shown in fgr):
            number += 1
            shown = f"{name}_{number}"
        taken.add(shown)
        found.append(Listed(shown, fgr[name], pha[name], *files))
    if missing:
        raise UserError(f"{path} names {len(missing)} picture(s) of which a file is not there ({quote(missing)}). Add the "
                        "files or take the lines out.")
    if not found:
        raise UserError(f"{path} has no lines. Fill it.")
    return _without_mattes(found, path)


def _without_mattes(lines, path):
    """The lines, bgr left out where it is the alpha of the photo: by its place, else by what some of the files hold."""
    lines = [line._replace(bgr=None) if line.bgr and os.path.samefile(line.bgr, line.pha) else line for line in lines]
    others = [line for line in lines if line.bgr]
    tried = others[::max(1, len(others) // TRIED)]
    kinds = {_kind_of_second(line) for line in tried}
    if kinds == {ALPHA}:
        return [line._replace(bgr=None) for line in lines]
    if MATTE in kinds or ALPHA in kinds:
        name = next(line.name for line in tried if _kind_of_second(line) != BACKGROUND)
        raise UserError(f"{path}: the second word of a line is a background, and some are mattes, such as that of {name}. "
                        "Leave the second words out for photos as they are.")
    return lines


def _kind_of_second(line):
    """Whether the file of a second word is a ``BACKGROUND``, the photo's ``ALPHA``, or another ``MATTE``."""
    try:
        shown = read_image(line.bgr)
        if np.ptp(shown.reshape(-1, 3), axis=1).max() > GRAY:
            return BACKGROUND
        pha = read_image(line.pha)
    except UserError:
        return BACKGROUND  # reported by whoever needs the file
    if shown.shape != pha.shape:
        return BACKGROUND
    if np.abs(np.subtract(shown, pha, dtype=np.int16)).mean() < ALIKE:
        return ALPHA
    return MATTE if np.isin(shown[..., 0], KNOWN).mean() > MOSTLY else BACKGROUND


def read_listed(fgr_file: str, pha_file: str, bgr_file: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(photo, pha): uint8 RGB (H, W, 3) and uint8 (H, W); the photo is composed where a line names a background.

    Raises UserError: a file cannot be read, or fgr and pha are of different size.
    """
    fgr, pha = read_fgr_pha(fgr_file, pha_file)
    return (fgr if bgr_file is None else blend(fgr, pha, behind(read_image(bgr_file), pha.shape))), pha


def behind(bgr: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A background (H, W, 3) for a picture of ``size`` (height, width): enlarged where it is smaller, and cut at the right
    and the bottom, as PaddleSeg's Matting does."""
    scale = max(whole / side for whole, side in zip(size, bgr.shape))
    if scale > 1:
        bgr = resize(bgr, *(max(whole, round(side * scale)) for whole, side in zip(size, bgr.shape)))
    return bgr[:size[0], :size[1]].copy()


def _file(root, word):
    path = root / word.replace("\\", "/")
    return os.fspath(path) if path.is_file() else None
