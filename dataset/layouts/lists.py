"""List files: one item a line, `fg bg [trimap]` as in Composition-1k and PaddleSeg's Matting, or `fg` alone as in PPM-100.

A word is a path from the set's folder (train/fg/a.jpg) or from the folder of its kind (a.jpg). Words are divided by
blanks, or by `|` where a line has one; a list of one word a line may have blanks within the path. The suffix is not
compared, for people convert their files; nor are the two ways in which Unicode writes an accented letter (NFC and NFD), for
list and files may come from different systems.

For training a set, what stands twice (Composition-1k lists each foreground with many backgrounds) counts once:
``listed_names``. For what is taken as the list says, each line is an item: ``listed_pictures``. There a line of one word is
a photo as it is, one of several words a foreground before that background, and the third word the trimap of it. Many lists
have the photo's own alpha as second word; such a line is a photo as it is, too.
"""
from __future__ import annotations

import os
import unicodedata
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bgmatting.dataset.layouts.pairing import files_by_name
from bgmatting.media import read_image
from bgmatting.utils.errors import UserError, quote

BACKGROUND, ALPHA, MATTE = "background", "alpha", "matte"
TRIED = 16                 # lines whose second word is opened
GRAY, ALIKE = 12, 8        # of 255: differences that compression makes, between channels and between mattes in the mean
KNOWN = (0, 1, 127, 128, 254, 255)    # what a matte or a trimap holds, for the most part
MOSTLY = 0.7               # share of the pixels


def listed_names(path: Path, column: int, folder: str, names: Container[str]) -> list[str]:
    """The names that one column of a list file asks for.

    Args:
        column: 0 for the foreground, 1 for the background.
        folder: the folder of the listed images as the catalogue writes it, such as 'train/fg'.
        names: what is there: paths below ``folder`` without suffix, as ``files_by_name``.
    Returns names, sorted, each once.
    Raises UserError: the list is missing, is not text, has a line that is too short, or names what is not there.
    """
    prefix, listed, missing = _prefix(folder), set(), []
    for number, line in list_lines(path):
        name = next((name for name in readings(line, column, prefix) if name in names), None)
        if name is not None:
            listed.add(name)
        elif len(words_of(line)) <= column:
            raise UserError(f"{path}, line {number}: expected at least {column + 1} words, such as "
                            f"`train/fg/a.jpg bg/b.jpg`. Correct the line, or take `list` out of the entry.")
        else:
            missing.append(f"line {number}: {line}")
    if missing:
        raise UserError(f"{path} names {len(missing)} image(s) that are not in {folder} ({quote(missing)}). "
                        f"Add the files or take the lines out.")
    if not listed:
        raise UserError(f"{path} has no lines. Fill it, or take `list` out of the entry to use all images.")
    return sorted(listed)


class Listed(NamedTuple):
    """Files of a line: fgr is a photo where there is no bgr; name: the path without suffix, numbered from the second on."""
    name: str
    fgr: str
    pha: str
    bgr: str | None = None
    trimap: str | None = None


def listed_pictures(root: str | Path, folders: dict[str, str]) -> list[Listed]:
    """The lines of a set's list, in its order.

    ``folders``: {"fgr": folder, "pha": folder, "list": file} below ``root``.
    Raises:
        UserError: the list is missing or empty, or names what is not there; a foreground has no alpha; or the second words
            are mattes, but not those of the photos.
    """
    root, path = Path(root), Path(root, folders["list"])
    fgr, pha = (files_by_name(root / folders[kind]) for kind in ("fgr", "pha"))
    prefix = _prefix(folders["fgr"])
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
        raise UserError(f"{path} names {len(missing)} image(s) of which a file is not there ({quote(missing)}). Add the "
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


def list_lines(path: Path) -> list[tuple[int, str]]:
    """[(number, text)] of the lines of a list file that are not empty. Raises UserError: it is missing, or no text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"no such list: {path}. Put it there, or take `list` out of the entry to use all "
                        f"pictures.") from None
    except (OSError, UnicodeDecodeError):
        raise UserError(f"cannot read the list {path}: expected a text file in UTF-8.") from None
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def words_of(line: str) -> list[str]:
    """The words of a line."""
    return [word.strip() for word in line.split("|")] if "|" in line else line.split()


def readings(line: str, column: int | None, prefix: str) -> Iterator[str]:
    """Possible meanings of a line, NFC: all of it, where a path has blanks, or the word of this column; None: all of it
    only."""
    for text in [line] + ([] if column is None else words_of(line)[column:column + 1]):
        path = unicodedata.normalize("NFC", text).replace("\\", "/")
        path = path[2:] if path.startswith("./") else path
        name = path[:path.rindex(".")] if "." in path.rsplit("/", 1)[-1] else path
        if name.startswith(prefix):
            yield name[len(prefix):]
        yield name


def _prefix(folder):
    return "" if folder == "." else unicodedata.normalize("NFC", folder).rstrip("/") + "/"


def _file(root, word):
    """The file that a word names, whichever way its letters are written; None where there is none."""
    forms = (word, *(unicodedata.normalize(form, word) for form in ("NFC", "NFD")))
    paths = (root / form.replace("\\", "/") for form in forms)
    return next((os.fspath(path) for path in paths if path.is_file()), None)
