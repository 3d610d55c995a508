"""Flags that programs for the same task have elsewhere, and what does the same here."""
from __future__ import annotations

from collections.abc import Collection

# The first flag counts that the program at hand has.
SAME = {
    **dict.fromkeys(("--images-src", "--video-src", "--input", "--input-source", "--image", "--input-image", "--rgb-path"),
                    ("--src",)),
    **dict.fromkeys(("--images-bgr", "--video-bgr", "--background", "--bck", "--bck-path", "--plate"), ("--bgr",)),
    **dict.fromkeys(("--output-dir", "--output-path", "--out", "--out-dir", "--save-path", "--result-dir"),
                    ("--output", "--save-dir")),
    **dict.fromkeys(("--checkpoint", "--ckpt", "--model-checkpoint", "--model", "--params"),
                    ("--weights", "--pretrain")),
    **dict.fromkeys(("--pretrained-model", "--pretrained", "--model-pretrain-initialization"), ("--pretrain", "--weights")),
    **dict.fromkeys(("--model-last-checkpoint", "--resume", "--resume-from", "--resume-checkpoint"),
                    ("--resume-model", "--weights")),
    **dict.fromkeys(("--checkpoint-path", "--checkpoint-dir"), ("--weights", "--save-dir")),
    **dict.fromkeys(("--logging-path", "--log-dir", "--log-path"), ("--save-dir", "--output")),
    **dict.fromkeys([f"--{split}-{kind}-path" for split in ("train", "valid", "val") for kind in
                     ("rgb", "fgr", "alp", "pha", "bck", "bgr")], ("--data-root",)),
    **dict.fromkeys(("--dataset-root", "--data-dir", "--data"), ("--data-root",)),
    "--output-types": ("--type",), "--output-type": ("--type",), "--output-format": ("--format",),
    "--video-target-bgr": ("--target-bgr",), "--preprocess-alignment": ("--align",),
    "--model-backbone": ("--backbone",), "--model-type": ("--method",), "--model-name": ("--save-dir", "--method"),
    "--model-backbone-scale": ("--backbone-scale",), "--downsample-ratio": ("--backbone-scale",),
    "--model-refine-mode": ("--refine-mode",), "--model-refine-sample-pixels": ("--sample-pixels",),
    "--model-refine-threshold": ("--refine-threshold",), "--epochs": ("--epoch-end",),
    "--iters": ("--iterations",), "--lr": ("--learning-rate",), "--trimap-dir": ("--trimap",), "--gpu": ("--device",)}
# Where a program has no such flag.
SAID = {
    "--model-backbone": "The file that --weights names tells the backbone.",
    "--model-type": "The file that --weights names tells the method.",
    "--model-refine-kernel-size": "The file that --weights names tells the size of the refiner's kernels.",
    "--fg-estimate": "The foreground is estimated where --type asks for com or fgr.",
    "--logging-path": "Logs lie beside the results.",
    "--epoch-start": "Training goes on from --resume-model at the epoch that it ended with."}


def same_flag(word: str, flags: Collection[str]) -> str:
    """``" Here it is --x."`` for a flag of another program, with hyphens or underscores, among the ``flags`` of the one
    at hand; "" where nothing is known of it."""
    name = word.replace("_", "-").lower()
    own = next((flag for flag in SAME.get(name, ()) if flag in flags), None)
    if own is not None:
        return f" Here it is {own}."
    return f" {SAID[name]}" if name in SAID else ""
