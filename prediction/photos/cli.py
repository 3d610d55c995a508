"""predict.py for photos: one, or a folder of them."""
import os
import re
import sys
from contextlib import nullcontext
from typing import NamedTuple

from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.outputs import NAMED, SUFFIXES, Outputs, check_format, folder_of, names_picture
from bgmatting.prediction.photos.pairs import PairReader
from bgmatting.prediction.photos.pipeline import Work, reason_of
from bgmatting.prediction.photos.plan import others_by_kind, photo_jobs
from bgmatting.prediction.photos.sheet import Sheet
from bgmatting.prediction.progress import PhotoProgress, announced, list_failures, summary
from bgmatting.utils.cli import StopOnSignal, say
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_place, inside, prepare_folder, remove_leftovers


class Pictures(NamedTuple):
    """What to write of each photo: output types, the suffix of their files, bits of a channel."""
    types: tuple[str, ...]
    suffix: str
    bits: int


def run(options, open_matter):
    """Matte the photos of the command line.

    Args:
        options: ``prediction.options.Options``. open_matter: options -> the network, called when all else is known to be
            well.
    Returns:
        exit code: 0 all done, 1 some of a folder failed, 130 stopped by a signal.
    Raises:
        UserError: nothing can be done as asked. OSError: the disk is full.
    """
    single = not os.path.isdir(options.src)
    pictures = pictures_of(options, single)
    trimap = options.trimap if options.needs == "trimap" else None
    plan = photo_jobs(options.src, options.bgr, options.output, pictures.types, pictures.suffix, options.overwrite,
                      parse_shard(options.shard), trimap)
    folder = folder_of(options.output, single and names_picture(options.output, NAMED))
    check_place(folder)
    sheet = _sheet(options, plan, single)
    backdrop = None if options.target_bgr is None else open_backdrop(options.target_bgr)
    read = _reader(options, plan, single, pictures.bits)
    for note in [*plan.notes, *_doubts(options)]:
        say(f"note: {note}", sys.stderr)
    if not plan.jobs:
        return _end(options, plan, Work(None, None, None), sheet, single)
    matter = announced(open_matter(options))
    prepare_folder(folder)
    remove_leftovers(path for job in plan.jobs for path in job.outputs.values())
    progress = PhotoProgress(len(plan.jobs), single)
    work = Work(read, matter, Outputs(pictures.bits, backdrop), sheet, progress.report, progress.failed)
    with backdrop or nullcontext():
        _work(options, plan, work, progress, single)
    if single and work.failures:
        raise UserError(work.failures[0][1])
    return _end(options, plan, work, sheet, single)


def _reader(options, plan, single, bits):
    """job -> ``Pair``. A single photo is read here and now: a flaw shows before the network is loaded."""
    read = PairReader(options.fit, fitter(options.align, options.exposure), bits,
                      options.choice and options.choice.method)
    if not single:
        return read
    job = plan.jobs[0]
    try:
        pair = read(job)
    except Exception as error:
        raise UserError(reason_of(error) if isinstance(error, UserError) else f"{job.src}: {reason_of(error)}") from None

    def kept(job):
        return pair
    return kept


def _work(options, plan, work, progress, single):
    """Do the jobs of a plan, until a signal comes. Of a folder, what was done is told even where the disk is full."""
    try:
        with StopOnSignal() as signal:
            work.run(plan.jobs, lambda: signal.wanted)
    except OSError:
        progress.close()
        if not single:
            _tell(options, plan, work)
        raise
    finally:
        progress.close()


def _doubts(options):
    """Notes on files that are named twice."""
    if options.bgr is None:
        return []
    return [f"{flag} and --bgr name the same file, {options.bgr}. --bgr is the scene of src without the subject."
            for flag, path in (("--src", options.src), ("--target-bgr", options.target_bgr or ""))
            if os.path.exists(path) and os.path.samefile(path, options.bgr)]


def _sheet(options, plan, single):
    """The sheet to fill, or None. Raises UserError where it would lie among the photos or replace one."""
    if options.sheet is None:
        return None
    check_place(folder_of(options.sheet, True))
    named = [path for path in (options.src, options.bgr, options.trimap, options.target_bgr) if path is not None]
    for folder in named:
        if os.path.isdir(folder) and inside(options.sheet, folder):
            raise UserError(f"--sheet {options.sheet} lies among the photos of {folder}. Name another place.")
    inputs = {os.path.realpath(path) for path in named}
    if os.path.realpath(options.sheet) in inputs:
        raise UserError(f"--sheet {options.sheet} is an input. Name another file.")
    if os.path.lexists(options.sheet) and not options.overwrite:
        if single:
            raise UserError(f"{options.sheet} exists. --overwrite replaces it; --sheet can name another file.")
        say(f"note: {options.sheet} exists and stays as it is; --overwrite replaces it.", sys.stderr)
        return None
    return Sheet(options.sheet, options.sheet_rows)


def _end(options, plan, work, sheet, single):
    """Write the sheet, say how it went, and return the exit code."""
    if sheet is not None and sheet.write():
        say(f"sheet  ->  {sheet.path}")
    left = len(plan.jobs) - work.done - len(work.failures)
    failures = plan.failures + work.failures
    if not single:
        _tell(options, plan, work)
    if left:
        say("stopped; the same command goes on from here.", sys.stderr)
        return 130
    return 1 if failures else 0


def _tell(options, plan, work):
    """Say what came of a folder."""
    failures = sorted(plan.failures + work.failures)
    left = len(plan.jobs) - work.done - len(work.failures)
    say(summary(work.done, plan.finished, len(failures), left, options.output))
    list_failures(failures)
    if plan.left_out:
        say(f"left out: {'; '.join(others_by_kind(plan.left_out))}.", sys.stderr)


def pictures_of(options, single):
    """``Pictures`` that --output, --format, --type and --bit-depth together ask for.

    Args:
        single: src is one photo, so that --output may name a picture.
    Raises:
        UserError: they do not go together.
    """
    if single and names_picture(options.output, NAMED):
        suffix = os.path.splitext(options.output)[1].lower()
        name = NAMED[suffix]
        if options.format not in (None, name):
            raise UserError(f"--output {options.output} is {name}, but --format is {options.format}. Leave one out.")
        types = options.type or ("com",)
        if len(types) > 1:
            raise UserError(f"--output {options.output} is one picture, and --type names {len(types)}. Name a folder, or "
                            f"one type.")
    else:
        types, name = options.type or ("pha", "com"), options.format or "png"
        suffix = SUFFIXES.get(name)  # of an unknown one below
    bits = options.bit_depth or 8
    check_format(name, bits, types, options.target_bgr is not None)
    return Pictures(types, suffix, bits)


def parse_shard(text):
    """'2/8' -> (2, 8), None -> (1, 1). Raises UserError for all but i/n with 1 <= i <= n."""
    if text is None:
        return 1, 1
    parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
    if not parts or not 1 <= int(parts[1]) <= int(parts[2]):
        raise UserError(f"--shard is i/n, the i-th of n parts, counted from 1, such as 1/4; not '{text}'.")
    return int(parts[1]), int(parts[2])
