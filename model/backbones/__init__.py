"""Encoders at output stride 16. Each turns (B, C, H, W) into five feature maps, deepest first."""
from bgmatting.model.backbones.mobilenetv2 import MobileNetV2Encoder
from bgmatting.model.backbones.mobilenetv3 import MobileNetV3Encoder
from bgmatting.model.backbones.mobilenetv3_small import MobileNetV3SmallEncoder
from bgmatting.model.backbones.resnet import ResNetEncoder
from bgmatting.utils.errors import UserError, suggest

BACKBONES = ("mobilenetv2", "mobilenetv3", "mobilenetv3_small", "resnet50", "resnet101")


def build_backbone(name, in_channels):
    """Return the encoder called ``name`` (one of ``BACKBONES``) for ``in_channels`` input channels.

    The encoder's ``channels`` lists the channels of its outputs at 1/16, 1/8, 1/4, 1/2 and 1/1 of the input's size.

    Raises:
        UserError: there is no encoder of that name.
    """
    if name == "mobilenetv2":
        return MobileNetV2Encoder(in_channels)
    if name == "mobilenetv3":
        return MobileNetV3Encoder(in_channels)
    if name == "mobilenetv3_small":
        return MobileNetV3SmallEncoder(in_channels)
    if name in ("resnet50", "resnet101"):
        return ResNetEncoder(in_channels, name)
    raise UserError(f"unknown backbone '{name}'.{suggest(name, BACKBONES)}")
