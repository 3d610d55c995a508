"""MobileNetV3-Small encoder (Howard et al., ICCV 2019, table 2) with its last stage dilated: output stride 16.

The sub-layers are called as in torchvision's ``mobilenet_v3_small``, so that weights in that naming fit. Its first block
halves the size already: what lies at 1/2 comes from the first convolution, and what lies at 1/4 from that block alone.
"""
from paddle import nn

from bgmatting.model.backbones.mobilenetv3 import InvertedResidual, conv_bn

# kernel, expanded channels, output channels, squeeze-and-excitation, hard swish, stride, dilation
_BLOCKS = (
    (3, 16, 16, True, False, 2, 1),
    (3, 72, 24, False, False, 2, 1),
    (3, 88, 24, False, False, 1, 1),
    (5, 96, 40, True, True, 2, 1),
    (5, 240, 40, True, True, 1, 1),
    (5, 240, 40, True, True, 1, 1),
    (5, 120, 48, True, True, 1, 1),
    (5, 144, 48, True, True, 1, 1),
    (5, 288, 96, True, True, 1, 2),
    (5, 576, 96, True, True, 1, 2),
    (5, 576, 96, True, True, 1, 2),
)


class MobileNetV3SmallEncoder(nn.Layer):
    """Input (B, in_channels, H, W); output: features at 1/16 (576), 1/8 (24), 1/4 (16), 1/2 (16) and the input itself."""

    def __init__(self, in_channels):
        super().__init__()
        self.channels = [576, 24, 16, 16, in_channels]
        blocks = [conv_bn(in_channels, 16, 3, stride=2, activation=nn.Hardswish)]
        inputs = 16
        for block in _BLOCKS:
            blocks.append(InvertedResidual(inputs, *block))
            inputs = block[2]
        blocks.append(conv_bn(inputs, 576, 1, activation=nn.Hardswish))
        self.features = nn.Sequential(*blocks)

    def forward(self, x):
        maps = [x]
        for number, block in enumerate(self.features):
            x = block(x)
            if number in (0, 1, 3):  # the last block at 1/2, 1/4 and 1/8
                maps.append(x)
        maps.append(x)
        return maps[::-1]
