"""Which files of a folder are for training and which are held out for validation."""
from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import PurePath

from bgmatting.utils.errors import UserError


def part(names: Sequence[str], one_of: int, valid: bool, folder: str) -> list[int]:
    """Indices of the ``names`` that belong to validation, or to training.

    A name alone decides, so that a folder may grow; all views of one panorama (NAME-0.jpg, NAME-1.jpg, ...) stay together.
    Where the rule leaves a part empty, that part has the first of the names.

    Args:
        names: paths, with or without suffix; one_of: about one of so many is held out.
        folder: named in the error.
    Raises UserError: all names are of one subject or scene, so that there is nothing to hold out.
    """
    groups = [_group(name) for name in names]
    if len(set(groups)) < 2:
        raise UserError(f"{folder} holds {len(names)} usable image(s) of one subject or scene; at least two are needed, "
                        "one to train on and one to validate on.")
    held = {group for group in groups if zlib.crc32(group.encode()) % one_of == 0}
    held = {groups[0]} if not held else held - {groups[0]} if held == set(groups) else held
    return [index for index, group in enumerate(groups) if (group in held) == valid]


def _group(name):
    return re.sub(r"-\d+$", "", re.sub(r"\.\w+$", "", PurePath(name).name))
