"""Which image belongs to which: names without their folder and suffix, partners found and checked."""
from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bgmatting.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, list_image_names
from bgmatting.media.files import not_listed
from bgmatting.utils.errors import UserError, quote


def names_below(folder: str | Path, unread: list | None = None, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> list[str]:
    """Images (or videos, by their ``suffixes``) below ``folder`` as ``media.list_image_names``, at least one.

    ``unread``: None, or a list that takes the errors over folders below that cannot be listed.
    Raises UserError: the folder is missing, is a file, or holds none.
    """
    folder = Path(folder)
    what, other, others, layout = "images", "videos", VIDEO_SUFFIXES, "video_pairs"
    if suffixes == VIDEO_SUFFIXES:
        what, other, others, layout = "videos", "images", IMAGE_SUFFIXES, "fgr_pha_folders"
    if not folder.is_dir():
        raise UserError(f"{folder} {'is not a folder' if folder.exists() else 'does not exist'}. Unpack the {what} there or "
                        "correct the path.")
    names = list_image_names(folder, suffixes, unread=unread)
    if not names and unread:
        raise UserError(not_listed(unread[0]))
    if not names and list_image_names(folder, others, unread=[]):
        raise UserError(f"{folder} holds {other} where {what} are expected. `layout: {layout}` in configs/datasets.yml "
                        f"reads pairs of {other}; else put {what} there or correct the path.")
    if not names:
        shown = ", ".join(sorted(suffix.lstrip(".") for suffix in suffixes))
        raise UserError(f"{folder} holds no {what} ({shown}). Put some there or correct the path.")
    return names


def files_by_name(folder: str | Path, unread: list | None = None,
                  suffixes: Sequence[str] = IMAGE_SUFFIXES) -> dict[str, str]:
    """{path without suffix: file} of ``names_below``, whose arguments it takes.

    Raises UserError: as that, and where two files differ in nothing but the suffix.
    """
    files = {}
    for relative in names_below(folder, unread, suffixes):
        name = unicodedata.normalize("NFC", relative[:relative.rindex(".")])  # partners may come from another system
        if name in files:
            twin = os.path.relpath(files[name], folder)
            raise UserError(f"{folder} has both {twin} and {relative}: which is meant? Remove one of them.")
        files[name] = os.path.join(folder, relative)
    return files


def check_sizes(image: np.ndarray, file: object, other: np.ndarray, other_file: object) -> None:
    """Raise UserError unless two images have the same height and width; names both."""
    if image.shape[:2] != other.shape[:2]:
        raise UserError(f"{file} is {image.shape[1]}x{image.shape[0]}, but {other_file} "
                        f"is {other.shape[1]}x{other.shape[0]}; both must have the same size.")


def check_partners(first_root: Path, first: dict[str, str], second_root: Path, second: dict[str, str]) -> None:
    """Raise UserError unless the two ``files_by_name`` have the same names; the message quotes the first few."""
    if first.keys() == second.keys():
        return
    alone = [f"{len(lone)} in {here} without a partner in {there} ({quote(lone)})"
             for here, there, lone in ((first_root, second_root, sorted(first.keys() - second.keys())),
                                       (second_root, first_root, sorted(second.keys() - first.keys()))) if lone]
    raise UserError(f"unpaired images: {'; '.join(alone)}. Partners have the same path apart from the suffix; "
                    f"add the missing files or remove these.")


def pair_up(first_root: Path, first: dict[str, str], second_root: Path, second: dict[str, str],
            unpaired: list | None = None) -> list[str]:
    """The names that both ``files_by_name`` have, in the order of the first.

    ``unpaired``: None, or a list that takes the files without a partner, for a caller who reports them one by one.
    Raises UserError: as ``check_partners``, where ``unpaired`` is None.
    """
    if unpaired is None:
        check_partners(first_root, first, second_root, second)
    else:
        unpaired += [first[name] for name in sorted(first.keys() - second.keys())]
        unpaired += [second[name] for name in sorted(second.keys() - first.keys())]
    return [name for name in first if name in second]
