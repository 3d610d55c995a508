"""What can be said about a camera's command line before anything is opened."""
import os

from utils.camera.capture import PREFIX
from utils.errors import UserError
from utils.media import VIDEO_SUFFIXES
from utils.video.libav import import_av
from utils.video.scene import first_frames
from utils.video.writer import FORMATS, format_of

SUFFIXES = tuple(format.suffix for format in FORMATS.values() if format.suffix)


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
