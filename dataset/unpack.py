"""Unpack archives of datasets where training looks for them.

    python -m bgmatting unpack /home/aistudio/data                 # every ZIP and tar below it, into data/ of this project
    python -m bgmatting unpack set.zip --data-root /data           # one archive, elsewhere

An archive becomes a folder of its name; where all in it lies in one folder, that folder's name; where it holds several
datasets, each becomes a folder of its own. What was unpacked before is passed over. A killed run leaves nothing half
unpacked under a name that counts, and what the disk has no room for is refused before anything is written. Links, devices,
paths that lead out, and members that cannot be told from one another are refused by name.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from pathlib import Path

from bgmatting.dataset.catalog import USUAL_ROOT
from bgmatting.dataset.catalog_file import read_entries
from bgmatting.dataset.locating import core
from bgmatting.media.files import is_system
from bgmatting.utils.archives import OPENED, open_archive, why_not_opened
from bgmatting.utils.cli import CommandLine, run_main, say
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import LONGEST_NAME, PROJECT, WholeFolder

CATALOG = PROJECT / "configs" / "datasets.yml"
PAIR = {"fgr", "pha"}  # folders of a set, whatever it is called
PARTS = {"train", "training", "val", "valid", "validation", "test", "eval"}  # folders that are parts of one set
SHOWN = 3              # refused members that are named


def archives(places: list, left_out: list[str] | None = None) -> list[Path]:
    """The archives among files and below folders, sorted, each once.

    ``left_out``: None, or a list that takes a line about each archive below folders that cannot be opened here.
    Raises UserError: a place is not there, or a file is no archive that can be unpacked.
    """
    found, others = set(), {}
    for place in map(Path, places):
        if place.is_dir():
            for path in _files_below(place):
                advice = _why_not(path)
                if advice is not None:
                    told = path.name.split(".")[0] if "a part of" in advice else path.name  # one line for all parts
                    others.setdefault((path.parent, told), f"{path} is {advice}.")
                elif path.name.lower().endswith(OPENED):
                    found.add(path)
        elif not place.exists():
            raise UserError(f"no such file or folder: {place}.")
        elif _why_not(place) is not None:
            raise UserError(f"{place} is {_why_not(place)}.")
        elif not place.name.lower().endswith(OPENED):
            raise UserError(f"{place} is no archive of these kinds: {', '.join(OPENED)}. Unpack it by hand.")
        else:
            found.add(place)
    if left_out is not None:
        left_out += sorted(others.values())
    return sorted(found)


def _why_not(path):
    """Why an archive is not opened, told by its name and what lies beside it; None where it is, or is none."""
    if path.suffix.lower() == ".zip" and any(path.with_suffix(suffix).exists() for suffix in (".z01", ".Z01")):
        return "the last part of a split ZIP. Put its parts together (zip -s 0 NAME --out whole.zip) and unpack that"
    return why_not_opened(path.name)


def _files_below(place):
    """All files but those of other systems."""
    for folder, inner, names in os.walk(place):
        inner[:] = [name for name in inner if not is_system(name)]
        yield from (Path(folder, name) for name in sorted(names) if not is_system(name))


def unpack(archive: str | os.PathLike, root: str | os.PathLike) -> list[tuple[Path, bool]]:
    """Unpack one archive below ``root``; returns [(folder, whether it was there before)], one for each dataset in it.

    Raises UserError: the archive is damaged, empty, no file, larger than the room on the disk, or holds what is refused.
    """
    archive, root = Path(archive), Path(root)
    with open_archive(archive) as opened:
        _check_whole(archive, opened)
        members = [member for member in opened.members if not any(map(is_system, member.parts))]
        homes = _homes(archive.name, members)
        names = list(dict.fromkeys(name for name, _ in homes))
        if not names:
            raise UserError(f"{archive} cannot be unpacked (it is empty). Get it again.")
        there = {name for name in names if os.path.lexists(root / name)}
        wanted = [(member, name, path) for member, (name, path) in zip(members, homes) if name not in there]
        _need(sum(member.size for member, _, _ in wanted), archive, root)
        with contextlib.ExitStack() as folders:
            parts = {name: folders.enter_context(WholeFolder(root / name)) for name in names if name not in there}
            for member, name, path in wanted:
                _write(opened, member, parts[name].joinpath(*path))
    return [(root / name, name in there) for name in names]


def _check_whole(archive, opened):
    long = [member.name for member in opened.members if any(len(os.fsencode(part)) > LONGEST_NAME for part in member.parts)]
    refused = opened.refused + [(name, f"a name of more than {LONGEST_NAME} bytes") for name in long]
    if refused:
        lines = "; ".join(f"{name}: {reason}" for name, reason in refused[:SHOWN])
        more = f"; and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
        raise UserError(f"{archive} cannot be unpacked safely ({lines}{more}). Pack it anew without that, or unpack it by "
                        "hand.")


def _need(total, archive, root):
    """Raise UserError where the disk that ``root`` is on, or will be, has no room for ``total`` bytes."""
    place = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if total > free:
        raise UserError(f"{archive} is {total / 1e9:.1f} GB when unpacked, and {root} has room for {free / 1e9:.1f} GB. "
                        "Make room, or name another disk with --data-root.")


def _write(opened, member, path):
    if member.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as file:
        for piece in opened.content(member):
            file.write(piece)


def _homes(archive, members):
    """[(name of the folder below the root, parts of the path in it)], where each member goes."""
    folders = [member.parts if member.is_folder else member.parts[:-1] for member in members]
    shared = os.path.commonprefix(folders) or ()  # the folders that all have in common from the top
    tops = {}  # {folder in the shared one: the folders in it}
    for parts in folders:
        if len(parts) > len(shared):
            tops.setdefault(parts[len(shared)], set()).update(parts[len(shared) + 1:len(shared) + 2])
    if len(tops) < 2 or not _are_sets(tops):
        return [(shared[0], member.parts[1:]) if shared else (_stem(archive), member.parts) for member in members]
    rest = f"{_stem(archive)} (rest)"  # of what lies beside the sets, such as a readme
    inner = [member.parts[len(shared):] for member in members]
    return [(parts[0], parts[1:]) if parts and parts[0] in tops else (rest, parts) for parts in inner]


def _are_sets(tops):
    """Whether folders {name: names in it} are datasets, of which the catalogue knows one at least, and not parts of one."""
    forms = [form for entry in read_entries(CATALOG).values() for form in (entry, *entry.get("also", ()))]
    known = {core(form["path"]) for form in forms if form.get("path")}
    named = [name for name in tops if core(name) in known]
    others = [name for name in tops if name not in named]
    return bool(named) and all(set(map(str.lower, tops[name])) >= PAIR and name.lower() not in PARTS for name in others)


def _stem(archive):
    """An archive's name without its suffix."""
    suffix = max((suffix for suffix in OPENED if archive.lower().endswith(suffix)), key=len, default="")
    return archive[:len(archive) - len(suffix)]


def main(argv: list[str] | None = None) -> int:
    """Unpack what the command line names. Returns 1 where some of it could not be, else 0."""
    parser = CommandLine(prog="python -m bgmatting unpack", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="PLACE", help="archives, or folders to look for archives in")
    parser.add_argument("--data-root", help="folder of datasets (default: $DATA_ROOT, else data/ of this project)")
    args = parser.parse_args(argv)
    root = args.data_root or os.environ.get("DATA_ROOT") or USUAL_ROOT
    failed = []
    wanted = archives(args.places, failed)
    for archive in wanted:
        try:
            for folder, before in unpack(archive, root):
                say(f"{archive}  ->  {folder}" + ("  (there already)" if before else ""))
        except UserError as error:
            if len(wanted) + len(failed) == 1:
                raise
            failed.append(str(error))
    if not wanted and not failed:
        say(f"no archives in {', '.join(args.places)}.")
    for line in failed:
        say(f"not unpacked: {line}", sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    run_main(main)
