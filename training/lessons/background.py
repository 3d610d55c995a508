"""How Background Matting V2 is taught: the coarse network first, then with its refiner (section 4 of the paper)."""
from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.model.inference.device_matting import run_network
from bgmatting.model.losses import base_loss, patch_loss, refine_loss
from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.methods.background import METHOD
from bgmatting.model.patches import choose_patches
from bgmatting.model.refinement import NOTHING, Refinement
from bgmatting.model.weights.initial import as_table, start_from
from bgmatting.model.weights.metadata import refine_facts
from bgmatting.training.lessons.lesson import Lesson


def build(settings: dict) -> MattingRefine:
    """The MattingRefine that a configuration describes, with fresh weights."""
    refine = settings["refine"]
    network = MattingRefine(settings["backbone"], refine["backbone_scale"], refine["mode"], refine["sample_pixels"],
                            refine["threshold"], refine["kernel_size"])
    initialise(network)
    return network


def initialise(network: nn.Layer) -> None:
    """Draw the convolutions' weights as the authors' network does, from paddle's random numbers.

    Theirs is torchvision's encoder, He's normal numbers by the outputs, with a first convolution of its own; that one,
    the ASPP, the decoder and the refiner have PyTorch's default: uniform within 1 / sqrt(inputs), biases as well.
    """
    first = next(layer for layer in network.backbone.sublayers() if isinstance(layer, nn.Conv2D))
    for part, layers in network.named_children():
        for layer in layers.sublayers():
            if isinstance(layer, nn.Conv2D):
                _draw(layer, normal=part == "backbone" and layer is not first)


def _draw(layer, normal):
    outputs, inputs, *kernel = layer.weight.shape
    area = math.prod(kernel)
    if normal:
        layer.weight.set_value(paddle.normal(0.0, math.sqrt(2 / (outputs * area)), layer.weight.shape))
    else:
        bound = 1 / math.sqrt(inputs * area)
        layer.weight.set_value(paddle.uniform(layer.weight.shape, min=-bound, max=bound))
    if layer.bias is not None:
        shape = layer.bias.shape
        layer.bias.set_value(paddle.zeros(shape) if normal else paddle.uniform(shape, min=-bound, max=bound))


def learn(network: MattingRefine, phase: str, batch: dict, settings: dict, precision: Any) -> tuple[dict, tuple]:
    """As ``Lesson.learn``."""
    with precision.autocast():
        pred = MattingBase.forward(network, batch["src"], batch["bgr"]) if phase == "base" else _refined(
            network, batch["src"], batch["bgr"], settings["refine"])
    pred = type(pred)(*(image.astype("float32") for image in pred))
    if phase == "joint" and settings["refine"]["train_pixels"]:
        return patch_loss(pred, batch["pha"], batch["fgr"]), pred
    loss = base_loss if phase == "base" else refine_loss
    return loss(pred, batch["pha"], batch["fgr"], settings["detach_error"]), pred


def _refined(network, src, bgr, refine):
    # Everywhere also for a loss on patches: paddle is no slower at whole images than at single patches.
    everywhere = refine["train_pixels"] or refine["train_mode"] == "full"
    pred = network(src, bgr, refinement=Refinement("full" if everywhere else "sampling", refine["sample_pixels"]))
    if not refine["train_pixels"]:
        return pred
    wanted = F.interpolate(pred.err_sm, size=pred.ref_sm.shape[2:], mode="bilinear", align_corners=False)
    chosen = choose_patches(wanted, Refinement("sampling", refine["train_pixels"]))
    return pred._replace(ref_sm=chosen.astype(wanted.dtype))


def start(network: nn.Layer, source: str | Path) -> tuple[list[str], bool]:
    """As ``Lesson.start``; what counts as all is the refiner."""
    reports = start_from(network, source)
    return as_table(reports), not any(report.missing for report in reports if report.part == "refiner")


def judge(network: nn.Layer, item: EvalItem, device: str, coarse: bool) -> tuple[np.ndarray, None]:
    """As ``Lesson.judge``."""
    refinement = NOTHING if coarse else None
    return run_network(network, item.src, item.bgr, device, refinement=refinement, want=("pha",), dtype="uint8").pha, None


def pictures(network: MattingRefine, phase: str, batch: dict, pred: tuple) -> dict:
    """bgr, the cut-out, the predicted error, and where the refiner was at work."""
    err = pred.err if phase == "base" else pred.err_sm
    shown = {"bgr": batch["bgr"], "com": pred.fgr * pred.pha, "err": err}
    if phase == "joint":
        with paddle.no_grad():
            shown["ref"] = choose_patches(pred.err_sm, network.refiner.refinement).astype(pred.err_sm.dtype)
    return shown


LESSON = Lesson(METHOD, build, learn, start, judge, ("base", "joint"), starter="mobilenetv2", pictures=pictures,
                keeps=lambda phase, name: phase != "base" or not name.startswith("refiner."),
                pooled=lambda network: (network.aspp.convs[-1],), facts=refine_facts)
