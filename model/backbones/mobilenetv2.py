"""MobileNetV2 encoder (Sandler et al., CVPR 2018) with its last stage dilated, so that the output stride is 16."""
from paddle import Tensor, nn

from bgmatting.model.backbones.stages import StagedEncoder, conv_bn

# expansion, output channels, repeats, stride of the first block
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_DILATED_FROM = 14  # the block that would go from 1/16 to 1/32 keeps its stride at 1; those after it dilate by 2


class MobileNetV2Encoder(StagedEncoder):
    """Input (B, in_channels, H, W); output: features at 1/16 (320), 1/8 (32), 1/4 (24), 1/2 (16) and the input itself."""

    def __init__(self, in_channels: int):
        blocks = [conv_bn(in_channels, 32, 3, nn.ReLU6, stride=2)]
        inputs = 32
        for expand, outputs, repeats, first_stride in _STAGES:
            for repeat in range(repeats):
                number = len(blocks)
                stride = first_stride if repeat == 0 and number != _DILATED_FROM else 1
                dilation = 2 if number > _DILATED_FROM else 1
                blocks.append(InvertedResidual(inputs, outputs, stride, expand, dilation))
                inputs = outputs
        super().__init__(blocks, (1, 3, 6), [320, 32, 24, 16, in_channels])  # the last block at 1/2, 1/4 and 1/8


class InvertedResidual(nn.Layer):
    """Expand with 1x1, filter with a depthwise 3x3, project with 1x1; the input is added where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int, dilation: int):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        hidden = inputs * expand
        layers = [conv_bn(inputs, hidden, 1, nn.ReLU6)] if expand != 1 else []
        layers.append(conv_bn(hidden, hidden, 3, nn.ReLU6, stride, dilation, hidden))
        self.conv = nn.Sequential(*layers, nn.Conv2D(hidden, outputs, 1, bias_attr=False), nn.BatchNorm2D(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)
