"""predict.py for a camera: everything is opened, run, and closed again, and what came of it is said."""
import os
import sys
from contextlib import ExitStack

from utils.camera.capture import open_source
from utils.camera.checks import check, names_file
from utils.camera.loop import Loop
from utils.camera.recording import Recording, timed_name
from utils.camera.session import Session
from utils.camera.virtual import VirtualCamera
from utils.camera.window import Window
from utils.errors import one_line
from utils.media import read_photo
from utils.predict.flags import background_fitter
from utils.predict.jobs import check_place
from utils.predict.pairs import fit_size
from utils.report import prepare_folder
from utils.target import BLUR, open_target
from utils.video.scene import first_frames

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
        from utils.temporal import Smoother
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
