"""predict.py for a camera: everything is opened, run, and closed again, and what came of it is said."""
import os
import sys
from contextlib import ExitStack

from bgmatting.media import VIDEO_SUFFIXES
from bgmatting.media.video.libav import import_av
from bgmatting.media.video.writer import FORMATS, format_of
from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.backdrop import BLUR, open_backdrop
from bgmatting.prediction.camera.capture import PREFIX, open_source
from bgmatting.prediction.camera.loop import Loop
from bgmatting.prediction.camera.preview import Window
from bgmatting.prediction.camera.recording import Recording, timed_name
from bgmatting.prediction.camera.session import Session
from bgmatting.prediction.camera.virtual import VirtualCamera
from bgmatting.prediction.notes import told_photo
from bgmatting.prediction.outputs import folder_of
from bgmatting.prediction.pace import paced
from bgmatting.prediction.progress import announced
from bgmatting.prediction.sizes import fit_size
from bgmatting.prediction.smoothing import Smoother
from bgmatting.prediction.video.scene import first_frames
from bgmatting.utils.cli import say
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_place, prepare_folder, remove_leftovers_in

SUFFIXES = tuple(format.suffix for format in FORMATS.values() if format.suffix)

COUNTDOWN = 3.0                                               # seconds
BACKDROPS = {"white": "white", "#00b140": "green", BLUR: BLUR}  # key t; the green of cloths that are keyed


def run(options, open_matter):
    """Matte what a camera sees until a key, a signal, or the end of the file that stands in for it.

    Args:
        options: ``prediction.options.Options``; src is "camera:" and a number, path or address.
        open_matter: options -> the network, called once the camera gives pictures.
    Returns:
        exit code: 0, or 130 where a signal ended it.
    Raises:
        UserError: something cannot be used, or the camera stopped. OSError: the disk is full. Recordings are finished.
    """
    check(options)
    folder = folder_of(options.output, names_file(options.output))
    check_place(folder)
    with ExitStack() as stack:
        window = sender = None
        if not options.no_window:
            window = Window()
            stack.callback(window.close)
        source = open_source(options.src, live=window is not None)
        stack.callback(source.close)
        if options.virtual_camera:
            sender = VirtualCamera(source.rate)
            stack.callback(sender.close)
        session = _session(options, source, open_matter, folder)
        stack.callback(session.close)
        prepare_folder(folder)
        remove_leftovers_in(folder, _is_recording(options.output))
        loop = Loop(options.src, source, session, window, sender)
        try:
            return 130 if loop.run() else 0
        finally:
            session.close()
            _tell(options.src, loop, session, source)


def _session(options, source, open_matter, folder):
    """The ``Session`` of the command line; the network is loaded last."""
    count = first_frames(options.bgr)
    background = None
    if options.bgr is not None and count is None:
        background = fit_size(told_photo(options.bgr), source.size, options.fit, options.src, options.bgr)
    backdrops = _backdrops(options.target_bgr)
    fit = fitter(options.align, options.exposure, video=True)
    matter = paced(announced(open_matter(options)), options.fps, options.backbone_scale)
    suffix = "." + (options.video_format or "mp4")

    def record():
        return Recording(timed_name(folder, suffix), source.rate)
    countdown = COUNTDOWN if options.countdown is None else options.countdown
    session = Session(matter, backdrops, background, countdown, fit, Smoother() if options.temporal else None, record,
                      options.needs is None, options.choice is None or options.choice.method.refines)
    if count is not None:
        session.capture(count, options.countdown or 0.0)
    if options.no_window and names_file(options.output):
        session.recording = Recording(options.output, source.rate)
    elif options.no_window and not options.virtual_camera:
        session.recording = record()
    return session


def _backdrops(first):
    """[(name, backdrop)] that key t goes through, ``first`` before the usual ones where it is not None."""
    texts = list(BACKDROPS) if first is None else [first, *BACKDROPS]
    return [(BACKDROPS.get(text, os.path.basename(text)), open_backdrop(text)) for text in dict.fromkeys(texts)]


def _is_recording(output):
    """name -> whether a recording of this command line may be called so."""
    own = os.path.basename(output) if names_file(output) else None
    return lambda name: name == own or name.startswith("camera_") and name.endswith(SUFFIXES)


def _tell(name, loop, session, source):
    where = ", ".join(str(path) for path in session.recorded) or "no file"
    dropped = f"  {source.dropped} dropped" if source.live else ""
    fps = loop.matted / loop.seconds if loop.seconds else 0.0
    say(f"{name}  {loop.matted} frames  {fps:.1f} fps{dropped}  ->  {where}")
    if not loop.matted:
        say("note: no picture was matted: the background was not taken before the end.", sys.stderr)


def check(options):
    """Raise UserError for what does not go together; opens nothing."""
    if options.type not in (None, ("com",)):
        raise UserError(f"a camera gives com; --type {' '.join(options.type)} is for photos and videos.")
    if options.video_format not in (None, *(suffix[1:] for suffix in SUFFIXES)):
        raise UserError(f"recordings are {', '.join(suffix[1:] for suffix in SUFFIXES)}, not {options.video_format}.")
    if options.countdown is not None and not 0 <= options.countdown <= 3600:
        raise UserError(f"--countdown is a number of seconds from 0 to 3600, not {options.countdown}.")
    if options.countdown is not None and options.needs is None:
        raise UserError("--countdown is for taking the background, and this network needs none. Leave it out.")
    if options.bgr is None and options.no_window and options.needs == "bgr":
        raise UserError("--no-window has no key b, so it needs the scene without the subject: --bgr PHOTO, or --bgr "
                        "first:15 where the first 15 pictures show it.")
    if options.bgr == "median" or (options.bgr or "").lower().endswith(VIDEO_SUFFIXES):
        raise UserError(f"--bgr {options.bgr} is for videos. For a camera name a photo or first:N, or press b in the "
                        f"window.")
    if options.temporal == "ofd":
        raise UserError("--temporal ofd shows each picture when the next one is there, so it is for videos. A camera takes "
                        "--temporal flow.")
    first_frames(options.bgr)
    if names_file(options.output):
        _check_file(options)
    import_av()


def names_file(output):
    """Whether ``output`` names a video to write, and not a folder."""
    return os.path.splitext(output)[1].lower() in SUFFIXES and not os.path.isdir(output)


def _check_file(options):
    if not options.no_window:
        raise UserError(f"--output {options.output} is one file; recordings by key r are named by their time: name their "
                        f"folder. --no-window writes one file.")
    if options.video_format is not None and options.video_format != format_of(options.output):
        raise UserError(f"--output {options.output} is not {options.video_format}. Leave --video-format out.")
    if os.path.realpath(options.output) == os.path.realpath(options.src[len(PREFIX):]):
        raise UserError(f"{options.output} would be overwritten, and it is an input. Name another with --output.")
    if os.path.lexists(options.output) and not options.overwrite:
        raise UserError(f"{options.output} exists. --overwrite replaces it; --output names another place.")
