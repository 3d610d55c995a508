"""Write the whole network as one file that other programs run: ONNX, OpenVINO, Paddle's static graph, or PyTorch's.

    python export.py                                         # the starter weights as export/matting.onnx
    python export.py --format openvino --weights my.safetensors --output out/my
    python export.py --format paddle --refine-mode full --backbone-scale 0.5
    python export.py --format torchscript                    # for programs that run the authors' TorchScript files
    python export.py --format torch                          # a state dict that the authors' code loads

    python export.py --weights modnet-mobilenetv2.pdparams --output export/modnet

The inputs are src and bgr, (batch, 3, height, width) in 0..1, with any batch size and a height and width that are multiples
of 4. The outputs are pha and fgr at full size, and err and ref at the network's own size. MODNet takes src, with sides that
are multiples of 32, and gives pha. DIM takes src and trimap, (batch, 1, height, width) with 0, 128 / 255 or 1, with sides of
32 or more, and gives pha. TorchScript files give pha, fgr, pha_sm, fgr_sm, err_sm and ref_sm, and programs can set their
backbone_scale, refine_mode, refine_sample_pixels and refine_threshold. A state dict has no settings, so they are written to
a .txt file beside it. Every exported file is run on a photo and compared with the network.
"""
from __future__ import annotations

import argparse
import os
from pathlib import Path

from bgmatting.model.refinement import BACKBONE_SCALE, Refinement
from bgmatting.utils.cli import CommandLine
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.files import PROJECT

SUFFIXES = {"onnx": (".onnx",), "openvino": (".xml", ".bin"), "paddle": (".json", ".pdmodel", ".pdiparams"),
            "torchscript": (".pt",), "torch": (".pth",)}
FORMATS = tuple(SUFFIXES)
NAME = "matting"  # of a file in a folder
WEIGHTS = {"openvino": ".bin", "paddle": ".pdiparams"}  # what lies beside the graph; ONNX has them inside


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, refined = parser.add_argument, Refinement()
    add("--format", help=f"{', '.join(FORMATS)} (default: from the suffix of --output, else onnx)")
    add("--weights", help="weights file or run folder (default: the starter weights)")
    add("--output", default=PROJECT / "export" / NAME,
        help="path, with or without the format's suffix, or a folder ending in a slash (default: export/matting)")
    add("--half", action="store_true",
        help="store the weights as float16, half the size (not for paddle); TorchScript then also takes float16 photos")
    told = "(default: from the header of the weights file, else {})".format
    add("--backbone-scale", type=float, help=f"size of the coarse network's input {told(BACKBONE_SCALE)}")
    add("--refine-mode", help=f"which patches to refine: sampling, thresholding or full {told(refined.mode)}")
    add("--sample-pixels", type=int, help=f"number of pixels to refine in sampling mode {told(refined.sample_pixels)}")
    add("--refine-threshold", "--threshold", type=float,
        help=f"predicted error above which thresholding mode refines {told(refined.threshold)}")
    add("--src", default=PROJECT / "image" / "sample" / "src.jpg", help="photo to check with (default: the sample)")
    add("--bgr", default=PROJECT / "image" / "sample" / "bgr.jpg", help="its background (default: image/sample/bgr.jpg)")
    return parser.parse_args(argv)


def named(output: str | Path, kind: str | None) -> tuple[Path, str]:
    """(path without suffix, format) of ``--output`` and ``--format``, the latter may be None.

    Raises:
        UserError: the path has the suffix of another format.
    """
    path = Path(output)
    if path.is_dir() or str(output).endswith(("/", os.sep)):
        path /= NAME
    told = next((known for known, suffixes in SUFFIXES.items() if path.suffix.lower() in suffixes), None)
    if told is not None and kind not in (None, told):
        raise UserError(f"--output {output} has the suffix of the format {told}, and --format is {kind}. Change one.")
    return (path if told is None else path.with_suffix("")), kind or told or FORMATS[0]


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    args.output, args.format = named(args.output, args.format)
    if args.format not in FORMATS:
        raise UserError(f"unknown format '{args.format}'.{suggest(args.format, FORMATS)}")
    if args.half and args.format == "paddle":
        raise UserError("--half goes with the formats onnx, openvino, torchscript and torch.")
    prepare_cpu()
    from bgmatting.model.export.graph_files import LARGEST, check_file, inputs_of, write_network  # import paddle
    from bgmatting.model.inference.engines.device import on_device
    from bgmatting.model.methods.recognition import recognised
    settings = {"backbone_scale": args.backbone_scale, "refine_mode": args.refine_mode,
                "refine_sample_pixels": args.sample_pixels, "refine_threshold": args.refine_threshold}
    method, _ = recognised(args.weights)
    inputs = inputs_of(method, args.src, args.bgr)  # first: nothing is written where they cannot be used
    with on_device("cpu"):
        network, path, told = write_network(args.weights, args.output, args.format, args.half, settings)
        told = "".join(f"; {line}, as its header says" for line in told)
        parts = {path, path.with_suffix(WEIGHTS.get(args.format, path.suffix))}
        size = sum(part.stat().st_size for part in parts)
        print(f"wrote {path}  {size / 1e6:.1f} MB{told}")
        worst = check_file(network, path, args.format, inputs, method)
    allowed = LARGEST["half" if args.half else "full" if method.refines else "single"]
    print(f"largest difference from the network on {args.src}: " + ", ".join(f"{k} {v:.2e}" for k, v in worst.items()))
    if not worst["pha"] <= allowed:
        raise UserError(f"{path} is not exact: pha is off by {worst['pha']:.2e}, allowed is {allowed:g}.")
