"""No subject in two parts: dividing a set that has no split folders, holding files of a folder out, and checking."""
from __future__ import annotations

import re
import zlib
from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import PurePath

from bgmatting.dataset.layouts.sets import BackgroundSet, PairSet
from bgmatting.utils.errors import UserError, quote

VIEWS = 12  # of one panorama, at most


def check_disjoint(first: PairSet | BackgroundSet, second: PairSet | BackgroundSet, which: str,
                   numbers: bool = True) -> None:
    """Raise UserError where two sets share a subject, naming the first few. Compares names and opens no file.

    Args:
        which: names both in the message, such as 'PPM100: train and valid'.
        numbers: whether a name that is only a number counts, too.
    """
    shared = sorted(set(first.subjects) & set(second.subjects))
    if not numbers:
        shared = [name for name in shared if re.search(r"[^\d/_.-]", name)]
    if shared:
        raise UserError(f"{which} share {len(shared)} subject(s) ({quote(shared)}), so a score would flatter. Take "
                        f"them out of one; where only the names are alike, rename these, or add "
                        f"`names_are_subjects: false` to the dataset's entry.")


def part_of(subjects: Iterable[str], parts: dict[str, float], which: str) -> dict[str, str]:
    """The part each subject belongs to.

    A subject's place is a hash of its name, so it keeps its part when others are added, on every machine.
    In a small set the hash may leave a part empty; that part then takes the nearest subject from the fullest part.

    Args:
        subjects: names; the same name always gets the same part.
        parts: {part: share}, shares adding up to 1, such as {"train": 0.8, "valid": 0.1, "test": 0.1}.
        which: the set's name, for messages.
    Returns {subject: part}
    Raises UserError: fewer subjects than parts.
    """
    places = {subject: zlib.crc32(subject.encode("utf-8", "surrogateescape")) / 2 ** 32 for subject in sorted(set(subjects))}
    if len(places) < len(parts):
        raise UserError(f"{which}: {len(places)} subject(s) cannot be divided into {', '.join(parts)}: a subject (a clip "
                        f"folder, or a single image) is never divided. Add subjects, or give the set split folders.")
    names, ends = list(parts), list(accumulate(parts.values()))  # shares may add up to a hair under 1
    chosen = {subject: names[min(bisect(ends, place), len(ends) - 1)] for subject, place in places.items()}
    for part, low, high in zip(names, [0.0, *ends], ends):
        if part not in chosen.values():
            fullest = max(parts, key=list(chosen.values()).count)
            middle = (low + high) / 2
            nearest = min((s for s in chosen if chosen[s] == fullest), key=lambda s: abs(places[s] - middle))
            chosen[nearest] = part
    return chosen


def held_out(names: Sequence[str], one_of: int, valid: bool, folder: str, views: bool = False) -> list[int]:
    """Indices of the ``names`` that belong to validation, or to training.

    A name alone decides, so that a folder may grow. Where the rule leaves a part empty, that part has the first of the
    names.

    Args:
        names: paths, with or without suffix; one_of: about one of so many is held out.
        folder: named in the error.
        views: whether NAME-0, NAME-1, ..., VIEWS of them at most, are views of one panorama, which stay together.
    Raises UserError: all names are of one subject or scene, so that there is nothing to hold out.
    """
    groups = [re.sub(r"\.\w+$", "", PurePath(name).name) for name in names]
    if views:
        groups = _panoramas(groups)
    if len(set(groups)) < 2:
        raise UserError(f"{folder} holds {len(names)} usable image(s) of one subject or scene; at least two are needed, "
                        "one to train on and one to validate on.")
    held = {group for group in groups if zlib.crc32(group.encode("utf-8", "surrogateescape")) % one_of == 0}
    held = {groups[0]} if not held else held - {groups[0]} if held == set(groups) else held
    return [index for index, group in enumerate(groups) if (group in held) == valid]


def _panoramas(stems):
    """``stems``, those of views as their panorama is called: few and from 0 on, as ``dataset.stream.panorama`` numbers."""
    numbers = {}
    for stem in stems:
        name, _, number = stem.rpartition("-")
        numbers.setdefault(name, set()).add(number)
    known = set(map(str, range(VIEWS)))
    panoramas = {name for name, found in numbers.items() if name and "0" in found and found <= known}
    return [name if name in panoramas else stem for stem, name in zip(stems, (stem.rpartition("-")[0] for stem in stems))]
