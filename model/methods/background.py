"""Background Matting V2: a photo with the subject and a photo of the empty scene. Alpha and foreground."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bgmatting.model.methods.input_rule import InputRule
from bgmatting.model.methods.method import Method, unwrapped
from bgmatting.model.weights.loading import describe_state

if TYPE_CHECKING:
    from paddle import Tensor
    from paddle.nn import Layer

    from bgmatting.model.matting import MattingRefine

BACKBONES = ("mobilenetv2", "mobilenetv3", "mobilenetv3_small", "mobilenetv3_small_os32", "resnet50", "resnet101")


def build(backbone: str, **settings: Any) -> MattingRefine:
    """A MattingRefine."""
    from bgmatting.model.matting import MattingRefine  # imports paddle
    return MattingRefine(backbone, **settings)


def recognise(arrays: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """As ``Method.recognise``; with the side of the refiner's kernels, None for a base network alone."""
    try:
        return describe_state(arrays)
    except ValueError:
        return None


def answer(network: Layer, src: Tensor, bgr: Tensor) -> dict[str, Tensor]:
    """{"pha", "fgr"} of a MattingBase or MattingRefine."""
    out = network(src, bgr)
    return {"pha": out.pha, "fgr": out.fgr}


def terms(network: Layer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Loss terms of a MattingBase or MattingRefine, as ``Method.terms``."""
    from bgmatting.model.losses import base_loss, refine_loss  # import paddle
    loss = refine_loss if hasattr(unwrapped(network), "refiner") else base_loss
    return loss(network(batch["src"], batch["bgr"]), batch["pha"], batch["fgr"])


METHOD = Method("background", "bgr", BACKBONES, build, InputRule(multiple=4, padded=True), ("pha", "fgr"),
                answer, terms, recognise=recognise, refines=True)
