"""predict.py for a camera: everything is opened, run, and closed again, and what came of it is said."""
import os
import sys
from contextlib import ExitStack

from media import VIDEO_SUFFIXES, read_photo
from media.video.libav import import_av
from media.video.writer import FORMATS, format_of
from prediction.alignment.fitter import background_fitter
from prediction.backdrop import BLUR, open_target
from prediction.camera.capture import PREFIX, open_source
from prediction.camera.loop import Loop
from prediction.camera.preview import Window
from prediction.camera.recording import Recording, timed_name
from prediction.camera.session import Session
from prediction.camera.virtual import VirtualCamera
from prediction.sizes import fit_size
from prediction.video.scene import first_frames
from utils.errors import UserError, one_line
from utils.files import check_place, prepare_folder

SUFFIXES = tuple(format.suffix for format in FORMATS.values() if format.suffix)

COUNTDOWN = 3.0                                               # seconds
TARGETS = {"white": "white", "#00b140": "green", BLUR: BLUR}  # key t; the green of cloths that are keyed


def run(args, open_matter):
    """Matte what a camera sees until a key, a signal, or the end of the file that stands in for it.

    Args:
        args: the command line of predict.py; src is "camera:" and a number, path or address.
        open_matter: args -> the network, called once the camera gives pictures.
    Returns:
        exit code: 0, or 130 where a signal ended it.
    Raises:
        UserError: something cannot be used, or the camera stopped. OSError: the disk is full. Recordings are finished.
    """
    check(args)
    folder = os.path.dirname(args.output) or "." if names_file(args.output) else args.output
    check_place(folder)
    with ExitStack() as stack:
        window = sender = None
        if not args.no_window:
            window = Window()
            stack.callback(window.close)
        source = open_source(args.src, live=window is not None)
        stack.callback(source.close)
        if args.virtual_camera:
            sender = VirtualCamera(source.rate)
            stack.callback(sender.close)
        session = _session(args, source, open_matter, folder)
        stack.callback(session.close)
        prepare_folder(folder)
        loop = Loop(args.src, source, session, window, sender)
        try:
            return 130 if loop.run() else 0
        finally:
            session.close()
            _tell(args.src, loop, session, source)


def _session(args, source, open_matter, folder):
    """The ``Session`` of the command line; the network is loaded last."""
    count = first_frames(args.bgr or "")
    background = None
    if args.bgr is not None and count is None:
        background = fit_size(read_photo(args.bgr), source.size, args.fit, args.src, args.bgr)
    smooth = None
    if args.temporal:
        from prediction.smoothing import Smoother
        smooth = Smoother()
    words = dict.fromkeys(([] if args.target_bgr is None else [args.target_bgr]) + list(TARGETS))
    targets = [(TARGETS.get(word, os.path.basename(word)), open_target(word)) for word in words]
    fit = background_fitter(args, video=True)
    matter = open_matter(args)
    print(f"backend {matter.settings['backend']}, {matter.settings['precision']}, {matter.settings['device']}", flush=True)
    suffix = f".{args.video_format or 'mp4'}"
    session = Session(matter, targets, background, COUNTDOWN if args.countdown is None else args.countdown, fit, smooth,
                      lambda: Recording(timed_name(folder, suffix), source.rate))
    if count is not None:
        session.capture(count, args.countdown or 0.0)
    if args.no_window and (names_file(args.output) or not args.virtual_camera):
        session.recording = Recording(args.output if names_file(args.output) else timed_name(folder, suffix), source.rate)
    return session


def _tell(name, loop, session, source):
    where = ", ".join(str(path) for path in session.recorded) or "no file"
    dropped = f"  {source.dropped} dropped" if source.live else ""
    fps = loop.matted / loop.seconds if loop.seconds else 0.0
    print(one_line(f"{name}  {loop.matted} frames  {fps:.1f} fps{dropped}  ->  {where}"), flush=True)
    if not loop.matted:
        print("note: no picture was matted: the background was not taken before the end.", file=sys.stderr)


def check(args):
    """Raise UserError for what does not go together; opens nothing."""
    if args.type not in (None, ("com",)):
        raise UserError(f"a camera gives com; --type {' '.join(args.type)} is for photos and videos.")
    if args.video_format not in (None, *(suffix[1:] for suffix in SUFFIXES)):
        raise UserError(f"recordings are {', '.join(suffix[1:] for suffix in SUFFIXES)}, not {args.video_format}.")
    if args.countdown is not None and not 0 <= args.countdown <= 3600:
        raise UserError(f"--countdown is a number of seconds from 0 to 3600, not {args.countdown}.")
    if args.bgr is None and args.no_window:
        raise UserError("--no-window has no key b, so it needs the scene without the subject: --bgr PHOTO, or --bgr "
                        "first:15 where the first 15 pictures show it.")
    bgr = str(args.bgr or "")
    if bgr == "median" or bgr.lower().endswith(VIDEO_SUFFIXES):
        raise UserError(f"--bgr {bgr} is for videos. For a camera name a photo or first:N, or press b in the window.")
    first_frames(bgr)
    if names_file(args.output):
        _check_file(args)
    import_av()


def names_file(output):
    """Whether ``output`` names a video to write, and not a folder."""
    return os.path.splitext(output)[1].lower() in SUFFIXES and not os.path.isdir(output)


def _check_file(args):
    if not args.no_window:
        raise UserError(f"--output {args.output} is one file; recordings by key r are named by their time: name their "
                        f"folder. --no-window writes one file.")
    if args.video_format is not None and args.video_format != format_of(args.output):
        raise UserError(f"--output {args.output} is not {args.video_format}. Leave --video-format out.")
    if os.path.realpath(args.output) == os.path.realpath(args.src[len(PREFIX):]):
        raise UserError(f"{args.output} would be overwritten, and it is an input. Name another with --output.")
    if os.path.lexists(args.output) and not args.overwrite:
        raise UserError(f"{args.output} exists. --overwrite replaces it; --output names another place.")
