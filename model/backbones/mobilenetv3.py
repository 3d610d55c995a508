"""MobileNetV3 encoders (Howard et al., ICCV 2019): Large and Small with the last stage dilated, and Small as it is.

The sub-layers are called as in torchvision's ``mobilenet_v3_large`` and ``mobilenet_v3_small``, so that weights in that
naming fit.
"""
from __future__ import annotations

from typing import NamedTuple

from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.stages import StagedEncoder, conv_bn

# kernel, expanded channels, output channels, squeeze-and-excitation, hard swish, stride
_LARGE = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
_SMALL = (
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
_NORM = {"momentum": 0.99, "epsilon": 1e-3}  # the values the V3 weights in circulation were made with


class _Variant(NamedTuple):
    """An encoder.

    Fields:
        blocks: a table from above.
        dilated_from: number of the block that keeps its stride at 1, and from which on all dilate by 2; None: none does.
        taken: numbers of the blocks whose output is a map; the first convolution is 0.
    """

    blocks: tuple[tuple, ...]
    dilated_from: int | None
    taken: tuple[int, int, int]


_VARIANTS = {
    "mobilenetv3": _Variant(_LARGE, 13, (1, 3, 6)),
    # Small halves the size in its first block already: what lies at 1/2 comes from the first convolution, what lies at 1/4
    # from that block alone.
    "mobilenetv3_small": _Variant(_SMALL, 9, (0, 1, 3)),
    "mobilenetv3_small_os32": _Variant(_SMALL, None, (1, 3, 6)),  # as in joycexjl/BackgroundMatting: the blocks of Large
}


class MobileNetV3Encoder(StagedEncoder):
    """Input (B, in_channels, H, W); output, with their channels:

    "mobilenetv3": features at 1/16 (960), 1/8 (40), 1/4 (24), 1/2 (16) and the input itself.
    "mobilenetv3_small": at 1/16 (576), 1/8 (24), 1/4 (16), 1/2 (16) and the input.
    "mobilenetv3_small_os32": at 1/32 (576), 1/16 (40), 1/8 (24), 1/4 (16) and the input.
    """

    def __init__(self, in_channels: int, variant: str):
        table, dilated_from, taken = _VARIANTS[variant]
        blocks, inputs = [conv_bn(in_channels, 16, 3, nn.Hardswish, stride=2, **_NORM)], 16
        widths = [16]
        for number, (*shape, stride) in enumerate(table, 1):
            dilates = dilated_from is not None and number >= dilated_from
            blocks.append(InvertedResidual(inputs, *shape, 1 if dilates else stride, 2 if dilates else 1))
            inputs = shape[2]
            widths.append(inputs)
        deepest = table[-1][1]
        blocks.append(conv_bn(inputs, deepest, 1, nn.Hardswish, **_NORM))
        super().__init__(blocks, taken, [deepest, *(widths[number] for number in reversed(taken)), in_channels])


class InvertedResidual(nn.Layer):
    """Expand, filter depthwise, reweigh channels (optional), project; the input is added where the shapes agree."""

    def __init__(self, inputs: int, kernel: int, hidden: int, outputs: int, squeeze: bool, swish: bool, stride: int,
                 dilation: int):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        activation = nn.Hardswish if swish else nn.ReLU
        layers = [conv_bn(inputs, hidden, 1, activation, **_NORM)] if hidden != inputs else []
        layers.append(conv_bn(hidden, hidden, kernel, activation, stride, dilation, hidden, **_NORM))
        if squeeze:
            layers.append(SqueezeExcitation(hidden))
        layers.append(conv_bn(hidden, outputs, 1, nn.Identity, **_NORM))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.residual else self.block(x)


class SqueezeExcitation(nn.Layer):
    """Scale each channel by a factor in 0..1 that is computed from the means of all channels."""

    def __init__(self, channels: int):
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
