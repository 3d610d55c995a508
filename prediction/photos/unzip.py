"""A ZIP of photos in folders src/ and bgr/, unpacked for matting."""
from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from bgmatting.media import PHOTO_SUFFIXES
from bgmatting.media.files import is_system
from bgmatting.prediction.photos.plan import others_by_kind
from bgmatting.utils.archives import Bounds, TooLarge, open_archive, portable
from bgmatting.utils.errors import SHOWN, UserError, quote

KINDS = ("src", "bgr")
MOST_PHOTOS = 1000          # pairs
DIRECTORY = 4 << 20         # bytes of a ZIP's table of contents
LONGEST = 200               # bytes of a name; results get a suffix, and a number while they are written


def unpack_photos(path: str | os.PathLike, folder: str | os.PathLike, most: int) -> tuple[bool, list[str]]:
    """Unpack the photos below src/ and bgr/ of a ZIP, wherever those lie in it, into FOLDER/src and FOLDER/bgr.

    Folders below src/ and bgr/ stay; those above them do where there are several: mon/src/a.png and mon/bgr/a.png become
    src/mon/a.png and bgr/mon/a.png.

    Returns:
        (whether bgr/ held one file alone, left out or not, that is no photo's partner by its name: the scene of all photos;
        a line about each member of these folders that is left out: no photo, refused, or not to be told from another).

    Raises:
        utils.archives.TooLarge: more members or photos, or more than ``most`` bytes. UserError: no ZIP, damaged, or
            without one of the folders.
    """
    with open_archive(path, Bounds(20 * MOST_PHOTOS, DIRECTORY, plain_zip=True)) as archive:
        places, others, outside = {}, [], []
        left_out = [f"{name}: {reason}" for name, reason in archive.refused]
        held = [[part for part in name.replace("\\", "/").split("/") if part] for name, _ in archive.refused]
        for member in archive.members:
            at = _place(member.parts)
            if member.is_folder or any(map(is_system, member.parts)):
                continue
            held.append(member.parts)
            if not portable(member.parts[-1]).lower().endswith(PHOTO_SUFFIXES):
                others += [member.name] if at is not None else []
            elif at is None:
                outside.append(member.name)
            else:
                places[member] = at
        if len(places) > 2 * MOST_PHOTOS:
            raise TooLarge(f"{path} holds {len(places)} photos; at most {2 * MOST_PHOTOS} are taken here. Divide it.")
        below = _naming(places)
        for_all = _is_for_all(held, below)
        wanted = _paths(places, below, left_out)
        if sum(member.size for member in wanted) > most:
            raise TooLarge(f"{path} unpacks to more than is taken here, {most / 2 ** 20:.0f} MiB. Send it in parts.")
        for member, parts in wanted.items():
            target = Path(folder, *parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:
                file.writelines(archive.content(member))
    for kind in KINDS:
        if not Path(folder, kind).is_dir():
            raise UserError(f"{path} holds no photos below a folder {kind}/. It needs src/ and bgr/, with partners of the "
                            "same name, or one photo in bgr/ for all." + "".join(f" {line}." for line in left_out[:SHOWN]))
    left_out += [f"left out: {line}." for line in others_by_kind(others)]
    left_out += [f"left out: {len(outside)} outside src/ and bgr/ ({quote(outside)})."] if outside else []
    return for_all, left_out


def _place(parts):
    """Where in a path src or bgr stands; None for what is outside them."""
    return next((at for at, part in enumerate(parts[:-1]) if part in KINDS), None)


def _naming(places):
    """(parts of a path, where src or bgr stands in it) -> parts of its path below that folder. places: {member: where}."""
    roots = {kind: {member.parts[:at] for member, at in places.items() if member.parts[at] == kind} for kind in KINDS}
    every = [*roots["src"], *roots["bgr"]]
    shared = len(os.path.commonprefix(every))
    alone = all(len(found) <= 1 for found in roots.values()) and shared in map(len, every)  # else of two scenes, maybe
    return lambda parts, at: (*(() if alone else parts[shared:at]), *parts[at + 1:])


def _is_for_all(held, below):
    """Whether bgr/ holds one file, named as none of src/ is. held: parts of the paths of all files. below: ``_naming``'s."""
    names = {kind: [] for kind in KINDS}
    for parts in held:
        at = _place(parts)
        if at is not None and not any(map(is_system, parts)):
            name = "/".join(_stem([portable(part, LONGEST) for part in below(parts, at)]))
            names[parts[at]].append(unicodedata.normalize("NFC", name))
    return len(names["bgr"]) == 1 and names["bgr"][0] not in names["src"]


def _paths(places, below, left_out):
    """{member: parts of its path in the folder}; what cannot be told apart goes to ``left_out``.

    Args:
        places: {member: where in its path src or bgr stands}. below: ``_naming``'s.
    """
    paths, meant = {}, {}
    for member, at in places.items():
        own = below(member.parts, at)
        mapped = [portable(part, LONGEST) for part in own]
        paths[member] = [member.parts[at], *mapped]
        meant.setdefault(_stem(mapped), set()).add(_stem(own))
    for member in places:
        if len(meant[_stem(paths[member][1:])]) > 1:
            left_out.append(f"{member.name}: its name cannot be told from another's when signs are replaced")
            del paths[member]
    return paths


def _stem(parts):
    """A path without suffix."""
    return (*parts[:-1], os.path.splitext(parts[-1])[0])
