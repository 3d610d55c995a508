"""Mattes of photos and videos: who stands before the background?

    python predict.py                                              # the sample pair image/sample, into image/
    python predict.py --src me.jpg --bgr room.jpg --output me.png  # the subject cut out
    python predict.py --src me.jpg --bgr room.jpg --output out     # out/me_pha.png, out/me_com.png
    python predict.py --src photos --bgr rooms --output out        # out/pha/NAME.png, out/com/NAME.png
    python predict.py --src me.jpg --bgr room.jpg --target-bgr beach.jpg --output at_beach.jpg
    python predict.py --src clip.mp4 --bgr room.jpg --output out   # a video; see --help
    python predict.py --src camera:0                               # live, in a window: key b takes the empty scene
    python predict.py --src me.jpg --output me.png                 # without the scene, by MODNet, if its weights are there
    python predict.py --src me.jpg --trimap me_trimap.png --output me.png    # within the band of a trimap, by DIM

src is the photo with the subject, bgr the same scene without it, from the same camera position.
Exit codes: 0 done, 1 some photos of a folder failed (listed), 2 it cannot be done, 130 stopped; the same command goes on.
"""
if __name__ == "__main__":  # before imports that an interpreter without the packages does not know
    from bgmatting.utils.interpreter import check_interpreter
    check_interpreter()

import argparse
import os

import cv2

from bgmatting.prediction.flags import CAMERA_ONLY, PHOTO_ONLY, VIDEO_ONLY, add_flags, options_of, refuse
from bgmatting.prediction.source import is_camera, is_video_source
from bgmatting.utils.cli import CommandLine
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.files import WORKPLACE


def parse(argv=None):
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser, WORKPLACE / "image")
    return parser.parse_args(argv)


def open_matter(options):
    """The network of the command line, or two where one makes the trimap for the other."""
    prepare_cpu(load=False)
    from bgmatting.model import Matter  # after these settings
    from bgmatting.model.inference.trimap import AutoTrimap
    plain = {"backend": options.backend, "device": options.device, "precision": options.precision, "bits": options.bits}
    refining = {"backbone_scale": options.backbone_scale, "refine_mode": options.refine_mode,
                "sample_pixels": options.sample_pixels, "max_memory": options.max_memory, "unmix": options.unmix,
                "fill": options.fill and not (is_camera(options.src) or is_video_source(options.src))}
    choice = options.choice
    if choice is None or choice.first is None:
        return Matter(weights=options.weights if choice is None else choice.weights, **plain, **refining)
    first = Matter(weights=choice.first.weights, **plain, **refining)
    return AutoTrimap(first, Matter(weights=choice.weights, **plain))


def main(argv=None):
    options = options_of(parse(argv))
    prepare_cpu(load=False)
    from bgmatting.prediction.choice import choose
    options = choose(_for_kind(options))
    if is_camera(options.src):
        from bgmatting.prediction.camera.cli import run
    elif is_video_source(options.src):
        from bgmatting.prediction.video.cli import run
    else:
        from bgmatting.prediction.photos.cli import run
    return run(options, open_matter)


def _for_kind(options):
    """``options``, where none of them is for another kind of source."""
    if is_camera(options.src):
        refuse(options, PHOTO_ONLY, "photos", "a camera")
        return options
    refuse(options, CAMERA_ONLY, "cameras (--src camera:0)", "none")
    if options.src is not None and is_video_source(options.src):
        refuse(options, PHOTO_ONLY, "photos", "a video")
    else:
        refuse(options, VIDEO_ONLY, "videos", "photos")
    return options
