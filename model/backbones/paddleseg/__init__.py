"""Encoders whose sub-layers are called as in PaddleSeg, so that its published weights fit name for name.

Each turns a photo into feature maps, deepest first; ``channels`` lists their channels in that order.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from bgmatting.model.backbones.paddleseg.hrnet import HRNetEncoder
from bgmatting.model.backbones.paddleseg.mobilenetv2 import MobileNetV2Encoder
from bgmatting.model.backbones.paddleseg.resnet_vd import ResNetVdEncoder
from bgmatting.utils.errors import UserError, suggest

if TYPE_CHECKING:
    from paddle.nn import Layer

ENCODERS = {"mobilenetv2": MobileNetV2Encoder, "resnet50_vd": ResNetVdEncoder, "hrnet_w18": HRNetEncoder}


def build_encoder(name: str) -> Layer:
    """The encoder called ``name`` (one of ``ENCODERS``): features at 1/32, 1/16, 1/8, 1/4 and 1/2 of an RGB photo's size.
    Raises UserError: there is no encoder of that name."""
    if name not in ENCODERS:
        raise UserError(f"unknown backbone '{name}'.{suggest(name, ENCODERS)}")
    return ENCODERS[name]()
