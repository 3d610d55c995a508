"""ResNet encoder (He et al., CVPR 2016) with its last stage dilated, so that the output stride is 16."""
from paddle import Tensor, nn
from paddle.nn import functional as F

_REPEATS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


class ResNetEncoder(nn.Layer):
    """Input (B, in_channels, H, W); output: features at 1/16 (2048), 1/8 (512), 1/4 (256), 1/2 (64) and the input itself."""

    def __init__(self, in_channels: int, variant: str):
        super().__init__()
        self.channels = [2048, 512, 256, 64, in_channels]
        repeats = _REPEATS[variant]
        self.conv1 = nn.Conv2D(in_channels, 64, 7, 2, 3, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(64)
        self.maxpool = nn.MaxPool2D(3, 2, 1)
        self.layer1 = _stage(64, 64, repeats[0])
        self.layer2 = _stage(256, 128, repeats[1], stride=2)
        self.layer3 = _stage(512, 256, repeats[2], stride=2)
        # The first block of a dilated stage still works at the density it receives, so only the others dilate.
        self.layer4 = _stage(1024, 512, repeats[3], dilation=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        x0 = x
        x1 = F.relu(self.bn1(self.conv1(x)))
        x2 = self.layer1(self.maxpool(x1))
        x3 = self.layer2(x2)
        x4 = self.layer4(self.layer3(x3))
        return [x4, x3, x2, x1, x0]


class Bottleneck(nn.Layer):
    """1x1 reduce, 3x3, 1x1 expand to four times ``width``, plus the input (projected where the shape changes)."""

    def __init__(self, inputs: int, width: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        outputs = width * 4
        self.conv1 = nn.Conv2D(inputs, width, 1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(width)
        self.conv2 = nn.Conv2D(width, width, 3, stride, dilation, dilation, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(width)
        self.conv3 = nn.Conv2D(width, outputs, 1, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2D(inputs, outputs, 1, stride, bias_attr=False), nn.BatchNorm2D(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


def _stage(inputs, width, repeats, stride=1, dilation=1):
    blocks = [Bottleneck(inputs, width, stride)]
    blocks += [Bottleneck(width * 4, width, dilation=dilation) for _ in range(repeats - 1)]
    return nn.Sequential(*blocks)
