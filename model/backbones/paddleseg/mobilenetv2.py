"""MobileNetV2 encoder (Sandler et al., CVPR 2018) with PaddleSeg's names, down to 1/32 and with its last 1x1 convolution.

It departs from the paper in one block: the first, whose expansion is 1, has a 1x1 convolution before the depthwise one,
as PaddleSeg's has (and its weights with it).
"""
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.paddleseg.layers import ConvBN

# expansion, output channels, repeats, stride of the first block
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_TAKEN = (0, 1, 2, 4)  # stages that end at 1/2, 1/4, 1/8 and 1/16


class MobileNetV2Encoder(nn.Layer):
    """Input (B, 3, H, W); output: features at 1/32 (1280), 1/16 (96), 1/8 (32), 1/4 (24) and 1/2 (16)."""

    def __init__(self):
        super().__init__()
        self.channels = [1280, 96, 32, 24, 16]
        self.conv1 = ConvBN(3, 32, 3, stride=2, activation=F.relu6)
        self.stages = []
        inputs = 32
        for number, (expand, outputs, repeats, stride) in enumerate(_STAGES, 2):
            blocks = [("_first_block", InvertedResidual(inputs, outputs, stride, expand))]
            blocks += [(f"conv{number}_{repeat}", InvertedResidual(outputs, outputs, 1, expand, residual=True))
                       for repeat in range(2, repeats + 1)]
            self.stages.append(self.add_sublayer(f"conv{number}", nn.Sequential(*blocks)))
            inputs = outputs
        self.conv9 = ConvBN(inputs, 1280, 1, activation=F.relu6)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        x = self.conv1(x)
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _TAKEN:
                maps.append(x)
        maps.append(self.conv9(x))
        return maps[::-1]


class InvertedResidual(nn.Layer):
    """Expand with 1x1, filter with a depthwise 3x3, project with 1x1; ``residual``: the input is added."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int, residual: bool = False):
        super().__init__()
        hidden = inputs * expand
        self.residual = residual
        self._expand_conv = ConvBN(inputs, hidden, 1, activation=F.relu6)
        self._bottleneck_conv = ConvBN(hidden, hidden, 3, stride, groups=hidden, activation=F.relu6)
        self._linear_conv = ConvBN(hidden, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self._linear_conv(self._bottleneck_conv(self._expand_conv(x)))
        return x + y if self.residual else y
