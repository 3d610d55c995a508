"""Deep Image Matting: a photo and a trimap. Alpha.

PaddleSeg trains both stages at once, for 100,000 steps of 16 crops (of 320, 480 or 640 pixels, every other one centred on an
unknown pixel, resized to 320x320) with Adam at 0.001; it evaluates at the photo's own size, the longer side at most 3840.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bgmatting.model.dim.losses import WEIGHTS, dim_loss
from bgmatting.model.methods.input_rule import InputRule
from bgmatting.model.methods.method import Method, unknown_of

if TYPE_CHECKING:
    from paddle import Tensor
    from paddle.nn import Layer

    from bgmatting.model.dim.network import DIM

BACKBONES = ("vgg16",)


def build(backbone: str) -> DIM:
    """A DIM."""
    from bgmatting.model.dim.network import DIM  # imports paddle
    return DIM(backbone)


def recognise(arrays: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """As ``Method.recognise``."""
    has = {"backbone._conv_6.weight", "decoder.deconv6.weight", "refine.alpha_pred._conv.weight"} <= set(arrays)
    return {"backbone": "vgg16"} if has else None


def answer(network: Layer, img: Tensor, trimap: Tensor) -> dict[str, Tensor]:
    """{"pha"} of a DIM."""
    return {"pha": network(img, trimap)}


def terms(network: Layer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Loss terms of a DIM, as ``Method.terms``."""
    img, fgr, bgr = (RULE.ranged(batch[name]) for name in ("src", "fgr", "bgr"))
    pred = network(img, batch["trimap"], both_stages=True)
    return dim_loss(pred, img, batch["pha"], unknown_of(batch["trimap"]), fgr, bgr)


RULE = InputRule(longest=3840, lowest=-1, least=32)
PUBLISHED = {"vgg16": "https://paddleseg.bj.bcebos.com/matting/models/dim-vgg16.pdparams"}
METHOD = Method("dim", "trimap", BACKBONES, build, RULE, ("pha",), answer, terms, WEIGHTS, recognise=recognise,
                published=PUBLISHED, pixel_bytes=1000)
