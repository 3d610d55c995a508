"""The lines of a list file as pictures that belong together: `fg`, `fg bg` or `fg bg trimap`, as PaddleSeg's Matting lays
sets out.

A line of one word is a photo as it is. A line of several words is a foreground before that background, and the third word
the trimap of it. Words are divided by blanks, or by `|` where a line has one; a list of one word a line may have blanks
within the path.
"""
import os
from pathlib import Path
from typing import NamedTuple, Optional

from bgmatting.dataset.layouts.lists import list_lines, readings, words_of
from bgmatting.dataset.layouts.pairing import files_by_name
from bgmatting.dataset.layouts.pictures import read_fgr_pha
from bgmatting.media import read_image
from bgmatting.media.operations import blend, resize
from bgmatting.utils.errors import UserError, quote


class Listed(NamedTuple):
    """Files of a line: fgr is a photo where there is no bgr; name: the path without suffix, numbered from the second on."""
    name: str
    fgr: str
    pha: str
    bgr: Optional[str] = None
    trimap: Optional[str] = None


def listed_pictures(root, folders):
    """The lines of a set's list, in its order.

    Args:
        root: the dataset's folder.
        folders: {"fgr": folder, "pha": folder, "list": file} below ``root``.

    Returns:
        list of ``Listed``.

    Raises:
        UserError: the list is missing or empty, or names what is not there; or a foreground has no alpha.
    """
    root, path = Path(root), Path(root, folders["list"])
    fgr, pha = (files_by_name(root / folders[kind]) for kind in ("fgr", "pha"))
    prefix = "" if folders["fgr"] == "." else folders["fgr"].rstrip("/") + "/"
    found, missing, times = [], [], {}
    for number, line in list_lines(path):
        name = next((name for name in readings(line, 0, prefix) if name in fgr), None)
        others = [] if name is not None and name in readings(line, None, prefix) else words_of(line)[1:3]
        files = [_file(root, word) for word in others]
        if name not in pha or None in files:
            missing.append(f"line {number}: {line}")
            continue
        times[name] = times.get(name, -1) + 1
        found.append(Listed(name if times[name] == 0 else f"{name}_{times[name]}", fgr[name], pha[name], *files))
    if missing:
        raise UserError(f"{path} names {len(missing)} picture(s) of which a file is not there ({quote(missing)}). Add the "
                        "files or take the lines out.")
    if not found:
        raise UserError(f"{path} has no lines. Fill it.")
    return found


def read_listed(fgr_file, pha_file, bgr_file=None):
    """(photo, pha): uint8 RGB (H, W, 3) and uint8 (H, W); the photo is composed where a line names a background.

    Raises:
        UserError: a file cannot be read, or fgr and pha are of different size.
    """
    fgr, pha = read_fgr_pha(fgr_file, pha_file)
    return (fgr if bgr_file is None else blend(fgr, pha, behind(read_image(bgr_file), pha.shape))), pha


def behind(bgr, size):
    """A background (H, W, 3) for a picture of ``size`` (height, width): enlarged where it is smaller, and cut at the right
    and the bottom, as PaddleSeg's Matting does."""
    scale = max(whole / side for whole, side in zip(size, bgr.shape))
    if scale > 1:
        bgr = resize(bgr, *(max(whole, round(side * scale)) for whole, side in zip(size, bgr.shape)))
    return bgr[:size[0], :size[1]].copy()


def _file(root, word):
    path = root / word.replace("\\", "/")
    return os.fspath(path) if path.is_file() else None
