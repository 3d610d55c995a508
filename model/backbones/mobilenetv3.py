"""MobileNetV3-Large encoder (Howard et al., ICCV 2019) with its last stage dilated, so that the output stride is 16.

The sub-layers are called as in torchvision's ``mobilenet_v3_large``, so that weights in that naming fit.
"""
from __future__ import annotations

from paddle import Tensor, nn
from paddle.nn import functional as F

# kernel, expanded channels, output channels, squeeze-and-excitation, hard swish, stride, dilation
_BLOCKS = (
    (3, 16, 16, False, False, 1, 1),
    (3, 64, 24, False, False, 2, 1),
    (3, 72, 24, False, False, 1, 1),
    (5, 72, 40, True, False, 2, 1),
    (5, 120, 40, True, False, 1, 1),
    (5, 120, 40, True, False, 1, 1),
    (3, 240, 80, False, True, 2, 1),
    (3, 200, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 480, 112, True, True, 1, 1),
    (3, 672, 112, True, True, 1, 1),
    (5, 672, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
)


class MobileNetV3Encoder(nn.Layer):
    """Input (B, in_channels, H, W); output: features at 1/16 (960), 1/8 (40), 1/4 (24), 1/2 (16) and the input itself."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.channels = [960, 40, 24, 16, in_channels]
        blocks = [conv_bn(in_channels, 16, 3, stride=2, activation=nn.Hardswish)]
        inputs = 16
        for block in _BLOCKS:
            blocks.append(InvertedResidual(inputs, *block))
            inputs = block[2]
        blocks.append(conv_bn(inputs, 960, 1, activation=nn.Hardswish))
        self.features = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [x]
        for number, block in enumerate(self.features):
            x = block(x)
            if number in (1, 3, 6):  # the last block at 1/2, 1/4 and 1/8
                maps.append(x)
        maps.append(x)
        return maps[::-1]


class InvertedResidual(nn.Layer):
    """Expand, filter depthwise, reweigh channels (optional), project; the input is added where the shapes agree."""

    def __init__(self, inputs: int, kernel: int, hidden: int, outputs: int, squeeze: bool, swish: bool, stride: int,
                 dilation: int):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        activation = nn.Hardswish if swish else nn.ReLU
        layers = [conv_bn(inputs, hidden, 1, activation=activation)] if hidden != inputs else []
        layers.append(conv_bn(hidden, hidden, kernel, stride, dilation, groups=hidden, activation=activation))
        if squeeze:
            layers.append(SqueezeExcitation(hidden))
        layers.append(conv_bn(hidden, outputs, 1, activation=nn.Identity))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.residual else self.block(x)


class SqueezeExcitation(nn.Layer):
    """Scale each channel by a factor in 0..1 that is computed from the means of all channels."""

    def __init__(self, channels: list[int]):
        super().__init__()
        squeezed = _round_to_eight(channels // 4)
        self.avgpool = nn.AdaptiveAvgPool2D(1)
        self.fc1 = nn.Conv2D(channels, squeezed, 1)
        self.fc2 = nn.Conv2D(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = F.relu(self.fc1(self.avgpool(x)))
        return x * F.hardsigmoid(self.fc2(scale))


def _round_to_eight(value):
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1,
            activation: type[nn.Layer] = nn.ReLU) -> nn.Sequential:
    """Convolution that keeps the size at stride 1, batch normalisation, activation (a class of layers)."""
    padding = (kernel - 1) // 2 * dilation
    return nn.Sequential(
        nn.Conv2D(inputs, outputs, kernel, stride, padding, dilation, groups, bias_attr=False),
        nn.BatchNorm2D(outputs, momentum=0.99, epsilon=1e-3),  # the values the V3 weights in circulation were made with
        activation(),
    )
