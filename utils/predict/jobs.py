"""Which src goes with which bgr, where the results go, and which of them are still to be made."""
import hashlib
import os
import re
import time
import unicodedata
from pathlib import Path
from typing import NamedTuple

from dataset.readers import quote
from utils.errors import UserError
from utils.media import PHOTO_SUFFIXES, VIDEO_SUFFIXES, list_image_names

LEFTOVER = re.compile(r"\.(.+)\.\d+\.tmp")  # what a killed write_bytes leaves of NAME
LEFTOVER_AGE = 60                           # seconds: older ones are written by nobody any more


class Job(NamedTuple):
    """One photo: its name (path below the source folder), the files src and bgr, and outputs {type: file to write}."""
    name: str
    src: Path
    bgr: Path
    outputs: dict


class Plan(NamedTuple):
    """What there is to do: jobs, failures [(name, reason)] found already, how many photos are finished, notes to show."""
    jobs: list
    failures: list
    finished: int
    notes: list


def photo_jobs(src, bgr, output, types, suffix=".png", overwrite=False, shard=(1, 1)):
    """Plan the work; opens no picture.

    A photo gives OUTPUT/NAME_pha.png and so on, or OUTPUT itself where that names a picture. A folder gives
    OUTPUT/pha/RELATIVE/NAME.png; its backgrounds are one photo for all, or a folder with the same names (suffixes may
    differ). Of a folder, outputs that exist are left alone, unless ``overwrite``.

    Args:
        src, bgr: a picture or a folder each; output: a folder, or a picture for one src and one type.
        types: as ``check_types`` returns them; suffix: of the outputs.
        shard: (i, n): the i-th, from 1, of n parts of a folder. A photo's part follows from its name alone.
    Raises:
        UserError: something is missing or empty, nothing is paired, an output exists (one photo), or would land on or
            among the inputs.
    """
    src, bgr, output = Path(src), Path(bgr), Path(output)
    for path in (src, bgr):
        if not os.path.exists(path):
            raise UserError(f"no such picture or folder: {path}. Check the path.")
    if src.is_dir():
        plan = _folder_plan(src, bgr, output, types, suffix, shard)
    else:
        plan = _single_plan(src, bgr, output, types, suffix, shard)
    inputs = {os.path.realpath(path) for job in plan.jobs for path in (job.src, job.bgr)}
    for path in (path for job in plan.jobs for path in job.outputs.values()):
        if os.path.realpath(path) in inputs:
            raise UserError(f"{path} would be overwritten, and it is an input. Name another folder with --output.")
    if overwrite:
        return plan
    if not src.is_dir():
        there = [path for path in plan.jobs[0].outputs.values() if os.path.lexists(path)]
        if there:
            raise UserError(f"{there[0]} exists. --overwrite replaces it; --output names another place.")
        return plan
    jobs = [job._replace(outputs={word: path for word, path in job.outputs.items() if not path.is_file()})
            for job in plan.jobs]
    jobs = [job for job in jobs if job.outputs]
    return plan._replace(jobs=jobs, finished=len(plan.jobs) - len(jobs))


def names_picture(output, suffixes):
    """True where the path ``output`` names a picture to write, and not a folder."""
    output = Path(output)
    return output.suffix.lower() in suffixes and not output.is_dir()


def parse_shard(text):
    """'2/8' -> (2, 8). Raises UserError for all but i/n with 1 <= i <= n."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--shard is i/n, the i-th of n parts, counted from 1, such as 1/4; not '{text}'.")
    return int(found[1]), int(found[2])


def shard_of(name, count):
    """The part, 1 to count, of the photo ``name``: the same on every machine, and whatever else the folder holds."""
    name = unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") % count + 1


def check_place(output):
    """Raise UserError where the folder ``output`` cannot be made or written; makes nothing."""
    place = Path(os.path.abspath(output))
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise UserError(f"cannot write into the output folder {output}: {place} is not a folder. "
                        f"Name another with --output.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"cannot write into the output folder {output}: no permission for {place}. "
                        f"Name another with --output.")


def remove_leftovers(paths):
    """Delete what killed runs left half written of ``paths``, if nobody has touched it for a minute."""
    wanted = {}
    for path in paths:
        wanted.setdefault(path.parent, set()).add(path.name)
    for folder, names in wanted.items():
        for entry in os.scandir(folder) if folder.is_dir() else ():
            found = LEFTOVER.fullmatch(entry.name)
            if found and found[1] in names:
                try:
                    if time.time() - entry.stat().st_mtime > LEFTOVER_AGE:
                        os.unlink(entry.path)
                except OSError:
                    continue  # somebody else was faster, or may; it harms nobody


def _single_plan(src, bgr, output, types, suffix, shard):
    if bgr.is_dir():
        raise UserError(f"{bgr} is a folder, but {src} is one photo; name the one picture that belongs to it.")
    if shard != (1, 1):
        raise UserError(f"--shard divides a folder, and {src} is one photo.")
    if names_picture(output, (suffix,)):
        return Plan([Job(src.name, src, bgr, {types[0]: output})], [], 0, [])
    return Plan([Job(src.name, src, bgr, {word: output / f"{src.stem}_{word}{suffix}" for word in types})], [], 0, [])


def _folder_plan(src, bgr, output, types, suffix, shard):
    for folder in (src, bgr):
        if folder.is_dir() and inside(output, folder):
            raise UserError(f"the output folder {output} lies among the photos of {folder}; "
                            f"the next run would take mattes for photos. Name another with --output.")
    photos, failures = _by_name(src), []
    scenes = _by_name(bgr) if bgr.is_dir() else dict.fromkeys(photos, [bgr])
    if not photos.keys() & scenes.keys():
        raise UserError(f"unpaired pictures: {src} ({quote(sorted(photos))}) and {bgr} ({quote(sorted(scenes))}) have no "
                        f"name in common. Partners have the same path apart from the suffix.")
    alone = sorted(scenes.keys() - photos.keys())
    notes = [f"{len(alone)} in {bgr} without a photo in {src} ({quote(alone)})."] if alone else []
    jobs = []
    for name, files in photos.items():
        if shard_of(name, shard[1]) != shard[0]:
            continue
        reason = _twins(files) or _twins(scenes.get(name, [])) or (None if name in scenes else f"no partner in {bgr}")
        if reason:
            failures.append((name, reason))
        else:
            jobs.append(Job(name, files[0], scenes[name][0],
                            {word: output / word / f"{name}{suffix}" for word in types}))
    return Plan(jobs, failures, 0, notes)


def _twins(files):
    return f"{files[0]} and {files[1].name} have one name: which is meant?" if len(files) > 1 else None


def _by_name(folder):
    """{path without suffix: files} of the photos below ``folder``, in order."""
    files = {}
    for relative in list_image_names(folder, PHOTO_SUFFIXES):
        files.setdefault(relative[:relative.rindex(".")], []).append(Path(folder, relative))
    if not files:
        videos = list_image_names(folder, VIDEO_SUFFIXES)
        hint = f"It holds videos ({quote(videos)}): name one as --src." if videos else "Put some there or correct the path."
        raise UserError(f"{folder} holds no pictures (jpg, png, bmp, tif, webp, heic, avif, gif). {hint}")
    return files


def inside(path, folder):
    """True where ``path`` is ``folder`` or lies below it."""
    path, folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return path == folder or folder in path.parents
