"""MODNet: one photo of a person and nothing else. Alpha.

PaddleSeg trains it for 100,000 steps of 16 crops of 512x512 with SGD (momentum 0.9, weight decay 4e-5), learning rate 0.02,
a tenth of it from step 40,000 and again from step 80,000; it evaluates at a shorter side of 512, sides multiples of 32.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bgmatting.model.methods.input_rule import InputRule
from bgmatting.model.methods.method import Method, unknown_of, unwrapped
from bgmatting.model.modnet import WEIGHTS
from bgmatting.model.modnet.torch_names import is_authors_state

if TYPE_CHECKING:
    from paddle import Tensor
    from paddle.nn import Layer

    from bgmatting.model.modnet.network import MODNet

# Which backbone a file holds, by an array that it alone has.
BACKBONES = {"mobilenetv2": "backbone.conv1._conv.weight", "resnet50_vd": "backbone.conv1_1._conv.weight",
             "hrnet_w18": "backbone.conv_layer1_1._conv.weight"}
PUBLISHED = "https://paddleseg.bj.bcebos.com/matting/models/"


def build(backbone: str) -> MODNet:
    """A MODNet."""
    from bgmatting.model.modnet.network import MODNet  # imports paddle
    return MODNet(backbone)


def recognise(arrays: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """As ``Method.recognise``; names of PaddleSeg, which are ours, or of MODNet's authors."""
    if is_authors_state(arrays):
        return {"backbone": "mobilenetv2"}
    if "head.f_branch.conv_lr4x.layers.0.weight" not in arrays:
        return None
    return next(({"backbone": name} for name, array in BACKBONES.items() if array in arrays), None)


def answer(network: Layer, img: Tensor) -> dict[str, Tensor]:
    """{"pha"} of a MODNet."""
    return {"pha": network(img)}


def terms(network: Layer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Loss terms of a MODNet, as ``Method.terms``."""
    from bgmatting.model.modnet.losses import modnet_loss  # imports paddle
    img = RULE.ranged(batch["src"])
    pred, blur = network(img, every_branch=True), unwrapped(network).blurer
    return modnet_loss(pred, img, batch["pha"], unknown_of(batch["trimap"]), blur)


RULE = InputRule(short=512, multiple=32, lowest=-1)
FILES = {name: f"{PUBLISHED}modnet-{name}.pdparams" for name in BACKBONES}
METHOD = Method("modnet", None, tuple(BACKBONES), build, RULE, ("pha",), answer, terms, WEIGHTS, recognise=recognise,
                published=FILES, smoothing="ofd", pixel_bytes=700)
