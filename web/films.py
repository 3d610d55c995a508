"""A film to films, and a ZIP of photos to a ZIP of mattes: the work of jobs."""
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath

from bgmatting.media import PHOTO_SUFFIXES
from bgmatting.media.files import is_system
from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.outputs import Outputs, check_types
from bgmatting.prediction.photos.cli import pictures_of
from bgmatting.prediction.photos.pairs import PairReader
from bgmatting.prediction.photos.pipeline import Work
from bgmatting.prediction.photos.plan import photo_jobs
from bgmatting.prediction.video.cli import job_of
from bgmatting.prediction.video.pipeline import matte_video
from bgmatting.prediction.video.scene import first_frames
from bgmatting.utils.errors import UserError, no_space
from bgmatting.web.photos import common_options
from bgmatting.web.refusals import Refused
from bgmatting.web.uploads import check_film, check_photo, is_film, safe_name

FIELDS = ("bgr", "target", "format", "fit", "align", "exposure", "temporal")
FILES = ("src", "bgr", "target", "zip")
MOST_PHOTOS = 1000  # in a ZIP
SWITCH = {"": None, "off": None, "on": True}


def film_options(form, folder):
    """``Options`` of a ``web.uploads.Form`` with a film. Raises UserError as predict.py, where words are not known."""
    src, bgr = form.files.get("src"), form.files.get("bgr") or form.fields.get("bgr")
    if src is None:
        raise UserError("the request needs its src: the film with the subject.")
    if not bgr:
        raise UserError("the request needs its bgr: a photo or video of the same scene without the subject, first:N where "
                        "its first N pictures show that, or median where the subject moves about.")
    if isinstance(bgr, str) and bgr != "median" and first_frames(bgr) is None:
        raise UserError("bgr is an uploaded photo or video, first:N or median.")
    temporal = form.fields.get("temporal", "")
    if temporal not in SWITCH:
        raise UserError(f"temporal is on or off, not {temporal}.")
    types = check_types(form.fields.get("type") or ["com"])
    return common_options(form, str(src), str(bgr), folder)._replace(
        type=types, video_format=form.fields.get("format") or None, temporal=SWITCH[temporal])


def check_inputs(options, settings):
    """How many frames the film may have. Raises Refused (413) for what is too large or long, UserError for no film."""
    most = check_film(options.src, settings)
    for path in (options.bgr, options.target_bgr):
        if path is not None and os.path.isabs(path):
            (check_film if is_film(path) else check_photo)(path, settings)
    return most


def make_film(options, matter, progress, most):
    """Matte a film.

    Args:
        options: of ``film_options``. matter: () -> the network. progress: called with (frames done, frames in all or None);
            what it raises ends the work. most: frames that are allowed, of ``check_inputs``.
    Returns:
        ([Path], notes)
    Raises:
        UserError: as predict.py says it.
    """
    def counted(done, in_all):
        if done > most:
            raise Refused(413, f"{options.src} has more than {most} frames; no more are taken here. Cut it.")
        progress(done, in_all)

    backdrop = None if options.target_bgr is None else open_backdrop(options.target_bgr)
    try:
        report = matte_video(matter, job_of(options, backdrop), counted)
    finally:
        if backdrop is not None:
            backdrop.close()
    damaged = [f"{report.damaged} damaged frames or packets were left out."] if report.damaged else []
    return list(report.files.values()), [*report.warnings, *damaged]


def zip_options(form, folder, settings):
    """``Options`` of a form with a ZIP, which is unpacked into FOLDER/src and FOLDER/bgr; results go to FOLDER/out."""
    options = common_options(form, str(Path(folder, "src")), str(Path(folder, "bgr")), folder)
    options = options._replace(type=check_types(form.fields.get("type") or ["pha", "com"]),
                               format=form.fields.get("format") or None)
    pictures_of(options, False)
    unpack(form.files["zip"], folder, settings)
    scenes = [path for path in Path(folder, "bgr").iterdir() if path.is_file()]
    if len(scenes) == 1:
        options = options._replace(bgr=str(scenes[0]))  # one for all
    return options


def unpack(path, folder, settings):
    """Unpack the photos below src/ and bgr/ of a ZIP, wherever those lie in it, into folders of these names.

    Raises:
        Refused: it would take more than ``settings.max_bytes`` four times over. UserError: it is no ZIP, or lacks a folder.
    """
    room = 4 * settings.max_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            found = [(info, place) for info in archive.infolist() if (place := _place(info)) is not None]
            if len(found) > 2 * MOST_PHOTOS:
                raise Refused(413, f"{Path(path).name} holds {len(found)} photos; at most {2 * MOST_PHOTOS} are taken here.")
            for info, place in found:
                room = _unpack(archive, info, Path(folder, *place), room)
    except (Refused, MemoryError):
        raise
    except Exception as error:  # of zlib, lzma and others, each its own
        if isinstance(error, UserError) or no_space(error):
            raise
        raise UserError(f"{Path(path).name} cannot be unpacked: not a ZIP, damaged, or with a password.") from None
    for name in ("src", "bgr"):
        if not Path(folder, name).is_dir():
            raise UserError(f"{Path(path).name} holds no photos below a folder {name}/. It needs src/ and bgr/, with "
                            f"partners of the same name, or one photo in bgr/ for all.")


def _place(info):
    """Where a member of a ZIP goes, as parts of a path; None for what is left out."""
    parts = [part for part in PurePosixPath(info.filename.replace("\\", "/")).parts if part not in ("/", "..")]
    if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16) or any(is_system(part) for part in parts):
        return None
    first = next((at for at, part in enumerate(parts[:-1]) if part in ("src", "bgr")), None)
    if first is None or not parts[-1].lower().endswith(PHOTO_SUFFIXES):
        return None
    return [parts[first], *(safe_name(part) for part in parts[first + 1:])]


def _unpack(archive, info, path, room):
    """Write one member; return the room that is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as packed, open(path, "wb") as file:
        while block := packed.read(1 << 20):
            room -= len(block)
            if room < 0:
                raise Refused(413, "the ZIP unpacks to more than is taken here. Send it in parts.")
            file.write(block)
    return room


def make_folder(options, matter, progress, settings):
    """Matte the photos of ``zip_options``. Args, errors as ``make_film``.

    Returns:
        ([Path of the ZIP], notes): failures are among the notes, and in failures.txt of the ZIP.
    """
    pictures = pictures_of(options, False)
    plan = photo_jobs(options.src, options.bgr, options.output, pictures.types, pictures.suffix)
    failures, seen = list(plan.failures), []
    backdrop = None if options.target_bgr is None else open_backdrop(options.target_bgr)
    pairs = PairReader(options.fit, fitter(options.align, options.exposure), pictures.bits)

    def read(job):
        check_photo(job.src, settings)
        check_photo(job.bgr, settings)
        return pairs(job)

    def report(job, size, seconds, notes):
        seen.append(job)
        failures.extend((job.name, f"note: {note}") for note in notes)

    work = Work(read, matter(), Outputs(pictures.bits, backdrop), report=report)
    for number, job in enumerate(plan.jobs):  # one by one, so that a stop is obeyed
        progress(number, len(plan.jobs))
        work.run([job])
    progress(len(plan.jobs), len(plan.jobs))
    failures += work.failures
    if not seen:
        raise UserError("; ".join(f"{name}: {reason}" for name, reason in failures[:3]) or "the ZIP holds no photos.")
    lines = [f"{name}: {reason}" for name, reason in sorted(failures)]
    return [_packed(Path(options.output), lines, options)], [*plan.notes, *lines]


def _packed(folder, lines, options):
    """The ZIP of a folder of results."""
    path = folder.parent / "mattes.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        if lines:
            text = "\n".join(line.replace(f"{Path(options.src).parent}/", "") for line in lines)
            archive.writestr("failures.txt", f"{text}\n")
    return path
