"""ResNet50_vd encoder (He et al., "Bag of Tricks for Image Classification", CVPR 2019) with PaddleSeg's names.

Beside a plain ResNet it begins with three 3x3 convolutions, and shortcuts average 2x2 pixels before they change channels.
"""
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.paddleseg.layers import ConvBN

_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # width, blocks


class ResNetVdEncoder(nn.Layer):
    """Input (B, 3, H, W); output: features at 1/32 (2048), 1/16 (1024), 1/8 (512), 1/4 (256) and 1/2 (64)."""

    def __init__(self):
        super().__init__()
        self.channels = [*(4 * width for width, _ in _STAGES[::-1]), 64]
        self.conv1_1 = ConvBN(3, 32, 3, stride=2, activation=F.relu)
        self.conv1_2 = ConvBN(32, 32, 3, activation=F.relu)
        self.conv1_3 = ConvBN(32, 64, 3, activation=F.relu)
        self.stages = []
        inputs = 64
        for stage, (width, blocks) in enumerate(_STAGES):
            self.stages.append([])
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                layer = Bottleneck(inputs, width, stride, projected=not block)
                self.stages[-1].append(self.add_sublayer(f"bb_{stage}_{block}", layer))
                inputs = 4 * width

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.conv1_3(self.conv1_2(self.conv1_1(x)))]
        x = F.max_pool2d(maps[0], 3, 2, 1)
        for stage in self.stages:
            for block in stage:
                x = block(x)
            maps.append(x)
        return maps[::-1]


class Bottleneck(nn.Layer):
    """1x1 reduce, 3x3 with the stride, 1x1 expand to four times ``width``, plus the input (``projected`` to that shape)."""

    def __init__(self, inputs: int, width: int, stride: int, projected: bool):
        super().__init__()
        self.stride = stride
        self.conv0 = ConvBN(inputs, width, 1, activation=F.relu)
        self.conv1 = ConvBN(width, width, 3, stride, activation=F.relu)
        self.conv2 = ConvBN(width, 4 * width, 1)
        self.short = ConvBN(inputs, 4 * width, 1) if projected else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(self.conv0(x)))
        if self.stride == 2:
            x = F.avg_pool2d(x, 2, 2)
        return F.relu(y + (x if self.short is None else self.short(x)))
