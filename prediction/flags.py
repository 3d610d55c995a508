"""The command line of predict.py: its flags, and what can be said about them before any file is opened."""

from bgmatting.prediction.options import Options
from bgmatting.prediction.outputs import NAMED, SUFFIXES, TYPES, check_types, names_picture
from bgmatting.prediction.sizes import FITS
from bgmatting.prediction.smoothing import WAYS
from bgmatting.utils.errors import UserError, suggest

PHOTO_ONLY = ("format", "bit_depth", "shard", "sheet")  # flags that say nothing to videos ...
VIDEO_ONLY = ("video_format", "temporal", "fps")        # ... and to photos
CAMERA_ONLY = ("no_window", "virtual_camera", "countdown")


def add_flags(parser, output):
    """Add predict.py's flags to an argparse parser; ``output`` is the folder for results by default."""
    add = parser.add_argument
    add("--src", "--image-path",
        help="photo, folder of photos, video, stream address, or camera:0 (default: image/sample/src.jpg)")
    add("--bgr", help="photo of the empty scene, or folder of such photos; for a video also first:N or median (without "
                      "--src: image/sample/bgr.jpg); without it MODNet mattes src alone")
    add("--trimap", "--trimap-path", metavar="WHICH",
        help="matte by DIM, within the unknown band of a trimap (0 background, 255 foreground, else unknown): a file, a "
             "folder with the same names, or auto: made of the matte of src and --bgr, or of src alone")
    add("--output", "--save-dir", help="folder for the results, or for one photo the picture to write (default: image)")
    add("--type", nargs="+", metavar="TYPE",
        help=f"what to write, of {', '.join(TYPES)} (default: pha com; com alone where --output names a picture)")
    add("--target-bgr", metavar="BGR",
        help="new background of com: a photo, a video, a colour (white, #20c040), or blur: the scene out of focus "
             "(default: com is cut out, with alpha)")
    add("--format", choices=SUFFIXES, help="of pictures: png, webp (without loss for pha and cut-outs), tiff, jpg (default: "
                                           "png, or as --output is called)")
    add("--bit-depth", type=int, choices=(8, 16), help="bits of every channel; 16 in png and tiff (default: 8)")
    add("--overwrite", action="store_true", help="replace results that exist; without it a folder's are passed over")
    add("--shard", metavar="I/N", help="do the I-th of N parts of a folder, from 1, for several machines or job arrays")
    add("--sheet", metavar="FILE", help="also write one picture that shows src, bgr, pha and com of the first photos")
    add("--sheet-rows", type=int, metavar="N", help="how many photos it shows (default: %(default)s)")
    add("--fit", choices=FITS, help="what to do with a bgr of another size than src: stretch it, or scale and cut it")
    add("--align", metavar="HOW",
        help="move bgr to where src was taken from: auto, where it helps; homography, wherever one is found; off (default: "
             "auto)")
    add("--exposure", metavar="HOW",
        help="bring bgr to the light of src: auto, where it helps, or off (default: auto)")
    add("--temporal", nargs="?", const="auto", metavar="WAY",
        help="videos: smooth the matte from picture to picture: flow, along the motion; ofd, one frame delayed, alpha that "
             "differs from both neighbours replaced (default: flow with --bgr, ofd without)")
    add("--fps", type=float, metavar="N",
        help="videos and cameras: frames a second wanted; where the machine mattes fewer, the coarse network sees them "
             "smaller; 0: the finest matte (default: 10)")
    add("--video-format", help="videos: mp4, mov, webm, or png for a folder of pictures (default: mov for cut-outs, else "
                               "mp4)")
    add("--no-window", action="store_const", const=True, help="camera: no preview and no keys; writes --output FILE.mp4")
    add("--virtual-camera", action="store_const", const=True,
        help="camera: also send the picture to other programs, by pyvirtualcam")
    add("--countdown", type=float, metavar="S", help="camera: seconds from key b to the picture of the scene (default: 3)")
    _add_network_flags(add)
    parser.set_defaults(**{**Options._field_defaults, "output": output})


def _add_network_flags(add):
    add("--weights", "--model-path", help="weights file or folder of a run, of any method (default: the starter weights; "
                                           "of MODNet and DIM those in model/weights)")
    add("--trimap-weights", metavar="WEIGHTS",
        help="--trimap auto: weights of the network that makes it (default: likewise)")
    add("--config", help="training configuration that names the method and the backbone of the weights")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")
    add("--backend", help="openvino, onnxruntime, paddle-inference or paddle (default: the fastest there)")
    add("--precision", help="fp32; bf16 or fp16 where backend and device compute in it; auto: bf16 where this CPU has "
                            "instructions for it, else fp32 (default: auto)")
    add("--max-memory", type=float, metavar="MIB", help="what refining may take at once (default: what is fastest)")
    add("--backbone-scale", type=float,
        help="size of the coarse network's input (default: the weights file's; else 0.5, 0.25 from 2560 pixels on)")
    add("--sample-pixels", type=int, help="pixels to refine in mode sampling (default: the weights file's; else 80000)")
    add("--refine-mode", help="sampling, thresholding or full (default: the weights file's; else sampling)")
    add("--no-unmix", dest="unmix", action="store_false",
        help="take the network's alpha as it is, without the last steps that draw fine strands and fill holes")
    add("--no-fill", dest="fill", action="store_false",
        help="of photos: leave holes inside the subject that the photos say are none as the network has them")


def options_of(args):
    """``Options`` of a parsed command line: types in order; src and bgr may be missing yet (``prediction.choice.choose``).

    Raises:
        UserError: flags do not go together.
    """
    if args.sample_pixels is not None and args.sample_pixels < 0:
        raise UserError(f"--sample-pixels must be 0 or more, not {args.sample_pixels}.")
    if args.fps is not None and not 0 <= args.fps < float("inf"):
        raise UserError(f"--fps is a number of frames a second, or 0 for the finest matte; not {args.fps:g}.")
    if args.sheet_rows < 1:
        raise UserError(f"--sheet-rows must be 1 or more, not {args.sheet_rows}.")
    types = None if args.type is None else check_types(args.type)
    if args.target_bgr is not None and types is not None and "com" not in types and args.sheet is None:
        raise UserError("--target-bgr is what com is set before, and --type does not name com. Add it.")
    if args.sheet is not None and not names_picture(args.sheet, NAMED):
        raise UserError(f"--sheet names a picture to write (.png, .jpg, .webp, .tif), not {args.sheet}.")
    if args.temporal not in (None, "auto", *WAYS):
        raise UserError(f"unknown way to smooth '{args.temporal}'.{suggest(args.temporal, WAYS)}")
    sample = args.src is None and args.bgr is None  # it may be done again
    return Options(**{**vars(args), "output": str(args.output), "type": types, "overwrite": args.overwrite or sample})


def refuse(options, names, where, here):
    """Raise UserError if a flag of ``names`` was given, which is for ``where`` and not for ``here``."""
    given = [name for name in names if getattr(options, name) is not None]
    if given:
        raise UserError(f"--{given[0].replace('_', '-')} is for {where}; {options.src} is {here}. Leave it out.")
