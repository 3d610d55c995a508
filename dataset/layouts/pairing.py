"""Which picture belongs to which: names without their folder and suffix, partners found and checked."""
from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from bgmatting.media import list_image_names
from bgmatting.media.files import not_listed
from bgmatting.utils.errors import UserError, quote


def picture_names(folder: str | Path, unread: list | None = None) -> list[str]:
    """Pictures below ``folder`` as ``media.list_image_names``, at least one.

    Args:
        unread: None, or a list that takes the errors over folders below that cannot be listed.
    Raises UserError: the folder is missing, is a file, or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {what}. Unpack the pictures there or correct the path.")
    names = list_image_names(folder, unread=unread)
    if not names and unread:
        raise UserError(not_listed(unread[0]))
    if not names:
        raise UserError(f"{folder} holds no pictures (jpg, png, bmp, tif, webp). Put some there or correct the path.")
    return names


def files_by_name(folder: str | Path, unread: list | None = None) -> dict[str, str]:
    """{path without suffix: file} of all pictures below ``folder``; unread as in ``picture_names``.

    Raises UserError: as ``picture_names``, and where two files differ in nothing but the suffix.
    """
    files = {}
    for relative in picture_names(folder, unread):
        name = unicodedata.normalize("NFC", relative[:relative.rindex(".")])  # partners may come from another system
        if name in files:
            twin = os.path.relpath(files[name], folder)
            raise UserError(f"{folder} has both {twin} and {relative}: which is meant? Remove one of them.")
        files[name] = os.path.join(folder, relative)
    return files


def check_partners(first_root: Path, first: dict[str, str], second_root: Path, second: dict[str, str]) -> None:
    """Raise UserError unless the two ``files_by_name`` have the same names; the message quotes the first few."""
    if first.keys() == second.keys():
        return
    alone = [f"{len(lone)} in {here} without a partner in {there} ({quote(lone)})"
             for here, there, lone in ((first_root, second_root, sorted(first.keys() - second.keys())),
                                       (second_root, first_root, sorted(second.keys() - first.keys()))) if lone]
    raise UserError(f"unpaired pictures: {'; '.join(alone)}. Partners have the same path apart from the suffix; "
                    f"add the missing files or remove these.")


def pair_up(first_root: Path, first: dict[str, str], second_root: Path, second: dict[str, str],
            unpaired: list | None = None) -> list[str]:
    """The names that both ``files_by_name`` have, in the order of the first.

    Args:
        unpaired: None, or a list that takes the files without a partner, for a caller who reports them one by one.
    Raises UserError: as ``check_partners``, where ``unpaired`` is None.
    """
    if unpaired is None:
        check_partners(first_root, first, second_root, second)
    else:
        unpaired += [first[name] for name in sorted(first.keys() - second.keys())]
        unpaired += [second[name] for name in sorted(second.keys() - first.keys())]
    return [name for name in first if name in second]
