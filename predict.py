"""Mattes of photos: who stands before the background?

    python predict.py                                              # the sample pair image/sample, into image/
    python predict.py --src me.jpg --bgr room.jpg --output out     # out/me_pha.png, out/me_com.png
    python predict.py --src photos --bgr rooms --output out        # out/pha/NAME.png, out/com/NAME.png
    python predict.py --src photos --bgr room.jpg --type pha fgr   # one background photo for all

src is the photo with the subject, bgr the same scene without it, from the same camera position and of the same size.
"""
import argparse
from pathlib import Path

from utils.cpu import prepare_cpu
from utils.errors import UserError, run_main
from utils.predict import TYPES, check_jobs, check_types, photo_jobs, run_job
from utils.report import prepare_folder

PROJECT = Path(__file__).resolve().parent


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--src", help="photo, or folder of photos (default: image/sample/src.jpg)")
    add("--bgr", help="photo of the empty scene, or folder of such photos (default: image/sample/bgr.jpg)")
    add("--output", default=PROJECT / "image", help="folder for the mattes (default: image)")
    add("--type", nargs="+", default=["pha", "com"], metavar="TYPE",
        help=f"what to write, of {', '.join(TYPES)} (default: pha com)")
    add("--weights", help="weights file (default: the starter weights)")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")
    add("--backend", default="auto", help="openvino, onnxruntime, paddle-inference or paddle (default: the fastest there)")
    add("--precision", default="fp32", help="fp32, bf16 or fp16, where backend and device compute in it (default: fp32)")
    add("--max-memory", "--max_memory", type=float, metavar="MIB",
        help="what refining may take at once (default: what is fastest)")
    add("--backbone-scale", "--backbone_scale", type=float,
        help="size of the coarse network's input (default: 0.5; 0.25 from 2560 pixels on)")
    add("--sample-pixels", "--sample_pixels", type=int, help="pixels to refine in mode sampling (default: 80000)")
    add("--refine-mode", "--refine_mode", help="sampling, thresholding or full (default: sampling)")
    return parser.parse_args(argv)


def inputs(args):
    """The src and bgr of the command line: both named, or neither for the sample pair."""
    if args.src is None and args.bgr is None:
        return PROJECT / "image" / "sample" / "src.jpg", PROJECT / "image" / "sample" / "bgr.jpg"
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
                  max_memory=args.max_memory)


def main(argv=None):
    args = parse(argv)
    types = check_types(args.type)
    if args.sample_pixels is not None and args.sample_pixels < 0:
        raise UserError(f"--sample-pixels must be 0 or more, not {args.sample_pixels}.")
    jobs = photo_jobs(*inputs(args), args.output, types)
    check_jobs(jobs)
    matter = open_matter(args)
    print(f"backend {matter.settings['backend']}, {matter.settings['precision']}, {matter.settings['device']}", flush=True)
    prepare_folder(args.output)
    for job in jobs:
        (width, height), seconds = run_job(matter, job)
        where = ", ".join(str(path) for path in job.outputs.values())
        print(f"{job.src}  {width}x{height}  {seconds:.2f} s  ->  {where}", flush=True)


if __name__ == "__main__":
    run_main(main)
