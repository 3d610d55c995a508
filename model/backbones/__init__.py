"""Encoders at output stride 16, and one at 32. Each turns (B, C, H, W) into five feature maps, deepest first."""
from paddle.nn import Layer

from bgmatting.model.backbones.mobilenetv2 import MobileNetV2Encoder
from bgmatting.model.backbones.mobilenetv3 import MobileNetV3Encoder
from bgmatting.model.backbones.resnet import ResNetEncoder
from bgmatting.utils.errors import UserError, suggest

BACKBONES = ("mobilenetv2", "mobilenetv3", "mobilenetv3_small", "mobilenetv3_small_os32", "resnet50", "resnet101")


def build_backbone(name: str, in_channels: int) -> Layer:
    """The encoder called ``name``, for ``in_channels`` input channels. Raises UserError: it is none of ``BACKBONES``.

    Its ``channels`` lists the channels of its outputs at 1/16, 1/8, 1/4, 1/2 and 1/1 of the input's size; of
    "mobilenetv3_small_os32" at 1/32, 1/16, 1/8, 1/4 and 1/1.
    """
    if name == "mobilenetv2":
        return MobileNetV2Encoder(in_channels)
    if name in ("mobilenetv3", "mobilenetv3_small", "mobilenetv3_small_os32"):
        return MobileNetV3Encoder(in_channels, name)
    if name in ("resnet50", "resnet101"):
        return ResNetEncoder(in_channels, name)
    raise UserError(f"unknown backbone '{name}'.{suggest(name, BACKBONES)}")
