"""predict.py for photos: one, or a folder of them."""
import os
import re
import sys

from prediction.alignment.fitter import background_fitter
from prediction.backdrop import open_target
from prediction.outputs import NAMED, SUFFIXES, Outputs, check_format, names_picture
from prediction.photos.pairs import PairReader
from prediction.photos.pipeline import Work
from prediction.photos.plan import photo_jobs
from prediction.photos.sheet import Sheet
from prediction.progress import PhotoProgress, list_failures, summary
from utils.cli import StopOnSignal
from utils.errors import UserError, one_line
from utils.files import check_place, inside, prepare_folder, remove_leftovers


def run_photos(args, open_matter):
    """Matte the photos of the command line.

    Args:
        args: as ``flags.check`` leaves them; open_matter: args -> the network, called when all else is known to be well.
    Returns:
        exit code: 0 all done, 1 some of a folder failed, 130 stopped by a signal.
    Raises:
        UserError: nothing can be done as asked. OSError: the disk is full.
    """
    single = not os.path.isdir(args.src)
    check_pictures(args, single)
    plan = photo_jobs(args.src, args.bgr, args.output, args.type, args.suffix, args.overwrite, parsed_shard(args))
    folder = os.path.dirname(args.output) or "." if single and names_picture(args.output, NAMED) else args.output
    check_place(folder)
    sheet = _sheet(args, plan, single)
    target = None if args.target_bgr is None else open_target(args.target_bgr)
    read = PairReader(args.fit, background_fitter(args))
    if single:
        pair = read(plan.jobs[0])  # a flaw shows before the network is loaded
        read = lambda job: pair  # noqa: E731
    for note in plan.notes + _doubts(args):
        print(one_line(f"note: {note}"), file=sys.stderr)
    if not plan.jobs:
        return _end(args, plan, Work(None, None, None), sheet)
    matter = open_matter(args)
    print(f"backend {matter.settings['backend']}, {matter.settings['precision']}, {matter.settings['device']}", flush=True)
    prepare_folder(folder)
    remove_leftovers(path for job in plan.jobs for path in job.outputs.values())
    progress = PhotoProgress(len(plan.jobs), single)
    work = Work(read, matter, Outputs(args.bits, target), sheet, progress.report, progress.failed)
    try:
        with StopOnSignal() as signal:
            work.run(plan.jobs, lambda: signal.wanted)
    except OSError:
        progress.close()
        if not single:
            _tell(args, plan, work)  # what there is in spite of it
        raise
    finally:
        progress.close()
        if target is not None:
            target.close()
    if single and work.failures:
        raise UserError(work.failures[0][1])
    return _end(args, plan, work, sheet, single)


def _doubts(args):
    """Notes on files that are named twice."""
    return [f"{flag} and --bgr name the same file, {args.bgr}. --bgr is the scene of src without the subject."
            for flag, path in (("--src", args.src), ("--target-bgr", args.target_bgr or ""))
            if os.path.exists(path) and os.path.samefile(path, args.bgr)]


def _sheet(args, plan, single):
    """The sheet to fill, or None. Raises UserError where it would lie among the photos or replace one."""
    if args.sheet is None:
        return None
    check_place(os.path.dirname(args.sheet) or ".")
    for folder in (args.src, args.bgr):
        if os.path.isdir(folder) and inside(args.sheet, folder):
            raise UserError(f"--sheet {args.sheet} lies among the photos of {folder}. Name another place.")
    if os.path.realpath(args.sheet) in {os.path.realpath(path) for path in (args.src, args.bgr, args.target_bgr or "")}:
        raise UserError(f"--sheet {args.sheet} is an input. Name another file.")
    if os.path.lexists(args.sheet) and not args.overwrite:
        if single:
            raise UserError(f"{args.sheet} exists. --overwrite replaces it; --sheet can name another file.")
        print(f"note: {args.sheet} exists and stays as it is; --overwrite replaces it.", file=sys.stderr)
        return None
    return Sheet(args.sheet, args.sheet_rows)


def _end(args, plan, work, sheet, single=False):
    """Write the sheet, say how it went, and return the exit code."""
    if sheet is not None and sheet.write():
        print(f"sheet  ->  {one_line(sheet.path)}", flush=True)
    left = len(plan.jobs) - work.done - len(work.failures)
    failures = plan.failures + work.failures
    if not single:
        _tell(args, plan, work)
    if left:
        print("stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 1 if failures else 0


def _tell(args, plan, work):
    """Say what came of a folder."""
    failures = sorted(plan.failures + work.failures)
    left = len(plan.jobs) - work.done - len(work.failures)
    print(summary(work.done, plan.finished, len(failures), left, args.output), flush=True)
    list_failures(failures)


def check_pictures(args, single):
    """Settle what --output, --format, --type and --bit-depth together mean for photos: sets type, suffix and bits.

    Args:
        single: src is one photo, so that --output may name a picture.
    """
    as_file = single and names_picture(args.output, NAMED)
    if as_file:
        suffix = os.path.splitext(args.output)[1].lower()
        if args.format not in (None, NAMED[suffix]):
            raise UserError(f"--output {args.output} is {NAMED[suffix]}, but --format is {args.format}. Leave one out.")
        args.type = args.type or ("com",)
        if len(args.type) > 1:
            raise UserError(f"--output {args.output} is one picture, and --type names {len(args.type)}. Name a folder, or "
                            f"one type.")
        args.suffix, args.format = suffix, NAMED[suffix]
    else:
        args.type, args.format = args.type or ("pha", "com"), args.format or "png"
        args.suffix = SUFFIXES[args.format]
    args.bits = args.bit_depth or 8
    check_format(args.format, args.bits, args.type, args.target_bgr is not None)


def parsed_shard(args):
    """(i, n) of --shard; (1, 1) without it."""
    return (1, 1) if args.shard is None else parse_shard(args.shard)


def parse_shard(text):
    """'2/8' -> (2, 8). Raises UserError for all but i/n with 1 <= i <= n."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--shard is i/n, the i-th of n parts, counted from 1, such as 1/4; not '{text}'.")
    return int(found[1]), int(found[2])
