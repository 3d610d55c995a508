"""Mattes of photos and videos: who stands before the background?

    python predict.py                                              # the sample pair image/sample, into image/
    python predict.py --src me.jpg --bgr room.jpg --output me.png  # the subject cut out
    python predict.py --src me.jpg --bgr room.jpg --output out     # out/me_pha.png, out/me_com.png
    python predict.py --src photos --bgr rooms --output out        # out/pha/NAME.png, out/com/NAME.png
    python predict.py --src me.jpg --bgr room.jpg --target-bgr beach.jpg --output me.jpg
    python predict.py --src clip.mp4 --bgr room.jpg --output out   # a video; see --help
    python predict.py --src camera:0                               # live, in a window: key b takes the empty scene

src is the photo with the subject, bgr the same scene without it, from the same camera position.
Exit codes: 0 done, 1 some photos of a folder failed (listed), 2 it cannot be done, 130 stopped; the same command goes on.
"""
import argparse
import os
import sys
from pathlib import Path

import cv2

from utils.cpu import prepare_cpu
from utils.errors import UserError, run_main
from utils.predict import flags
from utils.predict.flags import add_flags

PROJECT = Path(__file__).resolve().parent


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser, PROJECT / "image")
    return parser.parse_args(argv)


def inputs(args):
    """The src and bgr of the command line: both named, or neither for the sample pair."""
    if args.src is None and args.bgr is None:
        return PROJECT / "image" / "sample" / "src.jpg", PROJECT / "image" / "sample" / "bgr.jpg"
    if flags.is_camera(args.src):
        return args.src, args.bgr  # it shows the scene itself
    if args.bgr is None and flags.is_video_source(args.src):
        raise UserError(f"--src {args.src} needs its --bgr: a photo or video of the same scene without the subject, first:N "
                        f"where its first N pictures show that, or median where the subject moves about.")
    if args.bgr is None:
        raise UserError(f"--src {args.src} needs its --bgr: a photo of the same scene without the subject.")
    if args.src is None:
        raise UserError(f"--bgr {args.bgr} needs its --src: the photo with the subject.")
    return args.src, args.bgr


def open_matter(args):
    """The network of the command line."""
    prepare_cpu(load=False)
    from model import Matter  # after these settings
    return Matter(weights=args.weights, backend=args.backend, device=args.device, backbone_scale=args.backbone_scale,
                  refine_mode=args.refine_mode, sample_pixels=args.sample_pixels, precision=args.precision,
                  max_memory=args.max_memory, unmix=args.unmix)


def main(argv=None):
    args = parse(argv)
    flags.check(args)
    args.overwrite = args.overwrite or args.src is None and args.bgr is None
    args.src, args.bgr = inputs(args)
    if flags.is_camera(args.src):
        flags.refuse(args, flags.PHOTO_ONLY, "photos", "a camera")
        from utils.camera import cli
        return cli.run(args, open_matter)
    flags.refuse(args, flags.CAMERA_ONLY, "cameras (--src camera:0)", "none")
    if flags.is_video_source(str(args.src)):
        flags.refuse(args, flags.PHOTO_ONLY, "photos", "a video")
        from utils.video import cli
        return cli.run(flags.for_video(args), open_matter)
    flags.refuse(args, flags.VIDEO_ONLY, "videos", "photos")
    from utils.predict.photos import run_photos
    return run_photos(args, open_matter)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name must not end the run where it cannot be shown
    if "OPENCV_LOG_LEVEL" not in os.environ and hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(0)  # what is wrong with a file is said in one line of our own
    run_main(main)
