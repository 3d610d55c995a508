"""MobileNetV3-Small encoder (Howard et al., ICCV 2019, table 2), with its last stage dilated or as it is.

The sub-layers are called as in torchvision's ``mobilenet_v3_small``, so that weights in that naming fit. Its first block
halves the size already: what lies at 1/2 comes from the first convolution, and what lies at 1/4 from that block alone.
"""
from __future__ import annotations

from paddle import Tensor, nn

from model.backbones.mobilenetv3 import InvertedResidual, conv_bn

# kernel, expanded channels, output channels, squeeze-and-excitation, hard swish, stride
_BLOCKS = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
_LAST_STAGE = 9  # number of the block that it begins with


class MobileNetV3SmallEncoder(nn.Layer):
    """Input (B, in_channels, H, W); output: five feature maps, deepest first, the last of which is the input itself.

    Args:
        dilated: the last stage is dilated: maps at 1/16 (576 channels), 1/8 (24), 1/4 (16) and 1/2 (16). False: at 1/32
            (576), 1/16 (40), 1/8 (24) and 1/4 (16), as in joycexjl/BackgroundMatting, which takes the maps after the same
            blocks as of MobileNetV3-Large.
    """

    def __init__(self, in_channels: int, dilated: bool = True):
        super().__init__()
        self.channels = [576, 24, 16, 16, in_channels] if dilated else [576, 40, 24, 16, in_channels]
        self._shortcuts = (0, 1, 3) if dilated else (1, 3, 6)
        blocks = [conv_bn(in_channels, 16, 3, stride=2, activation=nn.Hardswish)]
        inputs = 16
        for number, (*shape, stride) in enumerate(_BLOCKS, 1):
            is_last = dilated and number >= _LAST_STAGE
            blocks.append(InvertedResidual(inputs, *shape, 1 if is_last else stride, 2 if is_last else 1))
            inputs = shape[2]
        blocks.append(conv_bn(inputs, 576, 1, activation=nn.Hardswish))
        self.features = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [x]
        for number, block in enumerate(self.features):
            x = block(x)
            if number in self._shortcuts:
                maps.append(x)
        maps.append(x)
        return maps[::-1]
