"""Which src goes with which bgr, where the results go, and which of them are still to be made."""
from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bgmatting.media import PHOTO_SUFFIXES, list_image_names
from bgmatting.media.files import not_listed
from bgmatting.media.unsupported import other_kind
from bgmatting.prediction.inputs import inputs_of
from bgmatting.prediction.options import ONE_OF, PHOTO, PHOTOS, Options, parts_of
from bgmatting.prediction.output_paths import (
    NAMED,
    SUFFIXES,
    beside_each_other,
    check_free,
    check_output,
    in_folders,
    names_picture,
    too_long,
)
from bgmatting.prediction.rendering import check_format
from bgmatting.prediction.video.empty_scene import first_frames
from bgmatting.utils.errors import UserError, quote
from bgmatting.utils.files import inside, why_missing


class Job(NamedTuple):
    """One photo: its name (path below the source folder), the files src and bgr or trimap (None where there is none),
    outputs {type: file to write}, and its number among all photos of the folder, from 0."""
    name: str
    src: Path
    bgr: Path | None
    outputs: dict
    trimap: Path | None = None
    index: int = 0


class Plan(NamedTuple):
    """A plan: jobs, failures [(name, reason)] found already, how many photos are finished, notes to show, and
    the files of the folder that are no photos."""
    jobs: list
    failures: list
    finished: int = 0
    notes: tuple = ()
    left_out: tuple = ()


class Pictures(NamedTuple):
    """Outputs of each photo: output types, the suffix of their files, bits of a channel."""
    types: tuple
    suffix: str
    bits: int


def pictures_of(options: Options, single: bool) -> Pictures:
    """``Pictures`` that output, format, type and bit_depth together ask for; ``single``: of one photo, so that output may
    name an image. Raises UserError where they do not go together."""
    check_output(options.output, ONE_OF[PHOTO if single else PHOTOS], NAMED if single else ())
    if single and names_picture(options.output, NAMED):
        suffix = os.path.splitext(options.output)[1].lower()
        name = NAMED[suffix]
        if options.format not in (None, name):
            raise UserError(f"--output {options.output} is {name}, but --format is {options.format}. Leave one out.")
        types = options.type or ("com",)
        if len(types) > 1:
            raise UserError(f"--output {options.output} is one image, and --type names {len(types)}. Name a folder, or "
                            f"one type.")
    else:
        types, name = options.type or ("pha", "com"), options.format or "png"
        suffix = SUFFIXES[name]
    bits = options.bit_depth or 8
    check_format(name, bits, types, options.target_bgr is not None)
    return Pictures(types, suffix, bits)


def photo_jobs(options: Options, pictures: Pictures) -> Plan:
    """Plan the work; opens no image.

    A photo gives OUTPUT/NAME_pha.png and so on, or OUTPUT itself where that names an image. A folder gives
    OUTPUT/pha/RELATIVE/NAME.png; its backgrounds or trimaps are one image for all, or a folder with the same names
    (suffixes may differ). Of a folder, outputs that exist are left alone, unless ``options.overwrite``. A photo's shard
    follows from its name alone.

    Raises:
        UserError: something is missing or empty, nothing is paired, an output exists (one photo), or would land on or
            among the inputs.
    """
    types, suffix = pictures.types, pictures.suffix
    as_file = names_picture(options.output, (suffix,))
    partner = options.bgr if options.trimaps is None else options.trimaps
    src, partner, output = Path(options.src), None if partner is None else Path(partner), Path(options.output)
    is_missing = options.trimaps is None and partner is not None and not partner.exists()
    if is_missing and (options.bgr == "median" or first_frames(options.bgr) is not None):
        raise UserError(f"--bgr {options.bgr} is for videos; {src} is {ONE_OF[PHOTOS if src.is_dir() else PHOTO]}. "
                        f"Name a photo of the empty scene.")
    for path in (src,) if partner is None else (src, partner):
        if not os.path.exists(path):
            raise UserError(f"no such image or folder: {path}. {why_missing(path)}")
        kind, advice = other_kind(path.name) or (None, "")
        if kind not in (None, "video") and not path.is_dir():
            raise UserError(f"{path} is a {kind}, which is not read as a photo: {advice}.")
    if src.is_dir():
        plan = _folder_plan(src, partner, output, types, suffix, parts_of(options.shard), options.pair)
    else:
        plan = _single_plan(src, partner, output, as_file, types, suffix, parts_of(options.shard))
    check_free((path for job in plan.jobs for path in job.outputs.values()),
               (*inputs_of(options), *(path for job in plan.jobs for path in (job.src, job.bgr))),
               options.overwrite or src.is_dir())
    if options.trimaps is not None:
        plan = plan._replace(jobs=[job._replace(bgr=None, trimap=job.bgr) for job in plan.jobs])
    if options.overwrite or not src.is_dir():
        return plan
    jobs = [job._replace(outputs={kind: path for kind, path in job.outputs.items() if not os.path.isfile(path)})
            for job in plan.jobs]
    jobs = [job for job in jobs if job.outputs]
    return plan._replace(jobs=jobs, finished=len(plan.jobs) - len(jobs))


def shard_of(name: str, count: int) -> int:
    """The part, 1 to count, of the photo ``name``: the same on every machine, and whatever else the folder holds."""
    name = unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") % count + 1


def _single_plan(src, partner, output, as_file, types, suffix, shard):
    if partner is not None and partner.is_dir():
        raise UserError(f"{partner} is a folder, but {src} is one photo; name the one image that belongs to it.")
    if shard != (1, 1):
        raise UserError(f"--shard divides a folder, and {src} is one photo.")
    outputs = {types[0]: output} if as_file else beside_each_other(output, src.stem, types, suffix)
    if too_long(outputs):
        raise UserError(f"{src.name}: {too_long(outputs)}")
    return Plan([Job(src.name, src, partner, outputs)], [])


def _folder_plan(src, partner, output, types, suffix, shard, pair):
    inputs = [folder for folder in (src, partner) if folder is not None and folder.is_dir()]
    _check_apart([output], inputs)
    left_out, jobs, unread = [], [], []
    photos = _by_name(src, left_out, unread)
    results = (path for name in photos for path in in_folders(output, name, types, suffix).values())
    _check_apart(sorted({path.parent for path in results}), inputs)
    scenes = dict.fromkeys(photos, [partner])
    if partner is not None and partner.is_dir():
        scenes = _by_name(partner, [], unread)
    failures = [(str(error.filename), f"{error.strerror or error}; nothing in this folder was done") for error in unread]
    in_order = pair == "order" and partner is not None and partner.is_dir()
    partners = _partners_in_order(src, photos, partner, scenes) if in_order else _partners_by_name(photos, scenes)
    if not partners:
        raise UserError(f"unpaired images: {src} ({quote(sorted(photos))}) and {partner} ({quote(sorted(scenes))}) have "
                        f"no name in common. Partners have the same path apart from the suffix; --pair order takes them "
                        f"as they come.")
    alone = sorted(scenes.keys() - set(partners.values()))
    notes = [f"{len(alone)} in {partner} without a photo in {src} ({quote(alone)})."] if alone else []
    for index, (name, files) in enumerate(photos.items()):
        if shard_of(name, shard[1]) != shard[0]:
            continue
        scene = scenes.get(partners.get(name), [])
        outputs = in_folders(output, name, types, suffix)
        reason = _twins(files) or _twins(scene) or (None if scene else f"no partner in {partner}") or too_long(outputs)
        if reason:
            failures.append((name, reason))
        else:
            jobs.append(Job(name, files[0], scene[0], outputs, index=index))
    if photos and not jobs and not failures:
        notes.append(f"part {shard[0]} of {shard[1]}: none of the {len(photos)} photos belongs to it; a photo's part "
                     f"follows from its name.")
    return Plan(jobs, failures, 0, notes, left_out)


def _check_apart(places, inputs):
    """Raises UserError where one of the folders ``places``, for results, is one of the folders ``inputs`` or lies in it."""
    for place in places:
        for folder in inputs:
            if inside(place, folder):
                where = "is an input" if os.path.realpath(place) == os.path.realpath(folder) else f"is inside {folder}"
                raise UserError(f"the output folder {place} {where}; the next run would read the mattes as photos. "
                                f"Name another with --output.")


def _partners_by_name(photos, scenes):
    """{name of a photo: that of its scene}: the same, or the same but for how the system writes accents."""
    composed = {}
    for name in scenes:
        composed.setdefault(unicodedata.normalize("NFC", name), []).append(name)
    partners = {name: name for name in photos if name in scenes}
    for name in set(photos) - partners.keys():
        alike = [other for other in composed.get(unicodedata.normalize("NFC", name), ()) if other not in photos]
        if len(alike) == 1:
            partners[name] = alike[0]
    return partners


def _partners_in_order(src, photos, partner, scenes):
    """Partners in order, the first with the first; numbers in names count as numbers. src, partner: their folders."""
    if len(photos) != len(scenes):
        raise UserError(f"--pair order needs the same number of images in both folders: {src} has {len(photos)}, {partner} "
                        f"{len(scenes)}.")

    def place(name):
        return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
    return dict(zip(sorted(photos, key=place), sorted(scenes, key=place)))


def others_by_kind(names: Iterable[str]) -> list[str]:
    """Lines of text that say which files are no photos, and what to do about them; the names shortened."""
    kinds = {}
    for name in sorted(names):
        kinds.setdefault(other_kind(name) or ("no photo", ""), []).append(name)
    return [f"{len(found)} {kind}{'' if len(found) == 1 else 's'} ({quote(found)}){advice and ': '}{advice}"
            for (kind, advice), found in kinds.items()]


def _twins(files):
    return f"{files[0]} and {files[1].name} have one name: which is meant?" if len(files) > 1 else None


def _by_name(folder, others, unread):
    """{path without suffix: files} of the photos below ``folder``, in order; ``others`` takes the files that are none,
    ``unread`` the errors over folders that cannot be listed."""
    files, missed = {}, []
    for relative in list_image_names(folder, PHOTO_SUFFIXES, others, missed):
        files.setdefault(relative[:relative.rindex(".")], []).append(Path(folder, relative))
    unread += missed
    if not files and missed:
        raise UserError(not_listed(missed[0]))
    if not files:
        hint = "; ".join(others_by_kind(others)) or "Put some there or correct the path"
        raise UserError(f"{folder} holds no images (jpg, png, bmp, tif, webp, heic, avif, gif). {hint}.")
    return files
