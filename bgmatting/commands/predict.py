"""Matte photos, videos and cameras: cut the subject out, or put it on another background.

    python predict.py                                              # the sample pair in image/sample; results in image/
    python predict.py --src me.jpg --bgr room.jpg --output me.png  # the subject cut out
    python predict.py me.jpg room.jpg --output out                 # out/me_pha.png, out/me_com.png
    python predict.py --src photos --bgr rooms --output out        # out/pha/NAME.png, out/com/NAME.png
    python predict.py --src me.jpg --bgr room.jpg --target-bgr beach.jpg --output at_beach.jpg
    python predict.py --src clip.mp4 --bgr room.jpg --output out   # a video; see --help
    python predict.py --src "shot_####.exr" --bgr plate.exr --output out  # numbered images; also frame_%04d.png
    python predict.py --src - --bgr room.jpg --output - < me.jpg > me.png # through pipes; frames: with --size 1920x1080
    python predict.py --src camera:0                               # live, in a window: press b to capture the empty scene
    python predict.py --src me.jpg --output me.png                 # no background photo: MODNet, if its weights are there
    python predict.py --src me.jpg --trimap me_trimap.png --output me.png    # with a trimap: uses DIM

src is the photo with the subject; bgr is the same scene without it, from the same camera position.
Exit codes: 0 done, 1 some photos of a folder failed (they are listed), 2 error, 130 stopped (the same
command then goes on with a folder).
"""
from __future__ import annotations

import argparse
import os
import shutil
import sys
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from bgmatting.prediction.options import (
    CAMERA,
    FILMS,
    ONE_OF,
    PHOTO,
    PHOTOS,
    PIPE,
    SEQUENCE,
    VIDEO,
    add_flags,
    options_of,
)
from bgmatting.prediction.output_paths import SUFFIXES
from bgmatting.prediction.source import Source
from bgmatting.utils.cli import CommandLine, say
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError, no_space
from bgmatting.utils.files import WORKPLACE
from bgmatting.utils.pipes import own_stdout, spooled


def parse(argv: list[str] | None = None) -> Namespace:
    """The parsed flags of a command line, by the names of ``prediction.options.Options``."""
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="*", metavar="SRC BGR TYPE", help="the same as --src, --bgr and --type")
    add_flags(parser, output=WORKPLACE / "image")
    args = parser.parse_args(argv)
    given = {"src": args.inputs[:1], "bgr": args.inputs[1:2], "type": [args.inputs[2:]] if args.inputs[2:] else []}
    for name, (value, *_) in ((name, value) for name, value in given.items() if value):
        if getattr(args, name) is not None:
            parser.error(f"--{name} is given twice: {getattr(args, name)} and {value}")
        setattr(args, name, value)
    return args


def main(argv: list[str] | None = None) -> int:
    """Do a command line. Returns the exit code; raises UserError or OSError where it cannot be done."""
    args = parse(argv)
    if "OPENCV_LOG_LEVEL" not in os.environ and hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(0)  # what is wrong with a file is said in one line of our own
    prepare_cpu(load=False)
    with ExitStack() as stack:
        options = options_of(vars(args))
        if options.output == PIPE:
            options = replace(options, stdout=stack.enter_context(own_stdout()))
        if options.src == PIPE and options.size is None:
            options = replace(options, src=stack.enter_context(spooled(options.stdin or sys.stdin.buffer)))
        try:
            return _matte(options, stack)
        except UserError as error:
            if args.src != PIPE or options.src == PIPE:
                raise
            raise UserError(str(error).replace(options.src, "stdin"), error.hint) from None  # not the file kept aside


def _matte(options, stack):
    from bgmatting.prediction import core
    from bgmatting.prediction.progress import Shown
    source = None if options.src is None else Source(options.src, SEQUENCE if options.src == PIPE else None)
    piped = options.output == PIPE and (source is None or source.kind not in FILMS)
    if piped:
        options = replace(options, output=_picture_for_pipe(options, source, stack))
    source, options = core.settled(source, options)
    name = Path(source.name).name if source.kind in FILMS else source.name
    progress = Shown(name, source.kind == PHOTOS)
    try:
        report = core.matte(source, options, progress=progress)
    except Exception as error:
        progress.close()
        if hasattr(error, "report"):
            _show(source, options, error.report, error)
        raise
    progress.close()
    if piped:
        with open(options.output, "rb") as file:
            shutil.copyfileobj(file, options.stdout)
        options.stdout.flush()
    return _show(source, options, report)


def _picture_for_pipe(options, source, stack):
    """Where the image is written that then goes to stdout. Raises UserError where it cannot be one."""
    if source is not None and source.kind != PHOTO:
        raise UserError(f"--output - is for one photo or video, and {source.name} is {ONE_OF[source.kind]}. Name a folder.")
    if len(options.type or ()) > 1:
        raise UserError(f"--output - is one image, and --type names {len(options.type)}. Name one.")
    suffix = SUFFIXES.get((options.format or "png").lower(), ".png")
    return os.path.join(stack.enter_context(TemporaryDirectory()), f"stdout{suffix}")


def _show(source, options, report, error=None):
    """Say what came of it, in spite of an error where there is one; return the exit code."""
    show = {VIDEO: _show_video, SEQUENCE: _show_video, CAMERA: _show_camera}.get(source.kind, _show_photos)
    show(source, options, report, error)
    return 130 if report.stopped else 1 if report.failures else 0


def _show_photos(source, options, report, error):
    if report.sheet is not None:
        say(f"sheet  ->  {report.sheet}")
    if source.kind == PHOTOS:
        counts = ((report.done, "done"), (report.finished, "finished before"), (len(report.failures), "failed"),
                  (report.left, "left"))
        say(f"{', '.join(f'{count} {word}' for count, word in counts if count or word == 'done')}  ->  {options.output}")
        if report.failures:
            print(f"{len(report.failures)} failed:", file=sys.stderr)
        for name, reason in report.failures:
            say(f"  {name}: {reason}", sys.stderr)
        if report.left_out:
            from bgmatting.prediction.photos.plan import others_by_kind
            say(f"left out: {'; '.join(others_by_kind(report.left_out))}.", sys.stderr)
    if report.stopped:
        say("stopped; the same command goes on from here.", sys.stderr)


def _show_video(source, options, report, error):
    where = ", ".join(str(path) for path in report.paths) or "no file"
    if error is not None:
        if report.files:
            why = "the disk is full" if no_space(error) else "an error"
            say(f"ended by {why} after {report.done} frames; they are in {where}", sys.stderr)
        return
    for note in report.notes:
        say(f"warning: {note}", sys.stderr)
    if report.stopped:
        say(f"stopped after {report.done} frames; they are in {where}", sys.stderr)
    else:
        say(f"{source.name}  {report.done} frames  {report.fps:.1f} fps  {report.seconds:.1f} s  ->  {where}")


def _show_camera(source, options, report, error):
    where = ", ".join(str(path) for path in report.paths) or "no file"
    dropped = f"  {report.damaged} dropped" if report.damaged or not options.no_window else ""
    say(f"{source.name}  {report.done} frames  {report.fps:.1f} fps{dropped}  ->  {where}")
    if not report.done and error is None:
        say("note: no frame was matted: the background was not taken before the end.", sys.stderr)
