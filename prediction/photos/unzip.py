"""A ZIP of photos in folders src/ and bgr/, unpacked for matting."""
from __future__ import annotations

import os
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


def unpack_photos(path: str | os.PathLike, folder: str | os.PathLike, most: int) -> list[str]:
    """Unpack the photos below src/ and bgr/ of a ZIP, wherever those lie in it, into FOLDER/src and FOLDER/bgr.

    Folders below src/ and bgr/ stay; those above them do where there are several: mon/src/a.png and mon/bgr/a.png become
    src/mon/a.png and bgr/mon/a.png. Returns a line about each member of these folders that is left out: no photo, refused,
    or not to be told from another.

    Raises:
        utils.archives.TooLarge: more members or photos, or more than ``most`` bytes. UserError: no ZIP, damaged, or
            without one of the folders.
    """
    with open_archive(path, Bounds(20 * MOST_PHOTOS, DIRECTORY, plain_zip=True)) as archive:
        places, others, outside = {}, [], []
        left_out = [f"{name}: {reason}" for name, reason in archive.refused]
        for member in archive.members:
            at = next((at for at, part in enumerate(member.parts[:-1]) if part in KINDS), None)
            if member.is_folder or any(map(is_system, member.parts)):
                continue
            if not portable(member.parts[-1]).lower().endswith(PHOTO_SUFFIXES):
                others += [member.name] if at is not None else []
            elif at is None:
                outside.append(member.name)
            else:
                places[member] = at
        if len(places) > 2 * MOST_PHOTOS:
            raise TooLarge(f"{path} holds {len(places)} photos; at most {2 * MOST_PHOTOS} are taken here. Divide it.")
        wanted = _paths(places, left_out)
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
    return left_out + ([f"left out: {len(outside)} outside src/ and bgr/ ({quote(outside)})."] if outside else [])


def _paths(places, left_out):
    """{member: parts of its path below the folder}; what cannot be told apart goes to ``left_out``.

    Args:
        places: {member: where in its path src or bgr stands}.
    """
    roots = {kind: {member.parts[:at] for member, at in places.items() if member.parts[at] == kind} for kind in KINDS}
    every = [*roots["src"], *roots["bgr"]]
    shared = len(os.path.commonprefix(every))
    alone = all(len(found) <= 1 for found in roots.values()) and shared in map(len, every)  # else of two scenes, maybe
    paths, meant = {}, {}
    for member, at in places.items():
        own = (*(() if alone else member.parts[shared:at]), *member.parts[at + 1:])
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
