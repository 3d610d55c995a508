"""Atrous spatial pyramid pooling (Chen et al., "Rethinking Atrous Convolution", 2017)."""
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.stages import conv_bn

RATES = (3, 6, 9)  # of dilation
OUTPUTS = 256      # channels


class ASPP(nn.Layer):
    """Look at several scales at once: 1x1, one dilated 3x3 per rate, and the mean of the whole image.

    Input: (B, inputs, H, W). Output: (B, 256, H, W).
    """

    def __init__(self, inputs: int):
        super().__init__()
        branches = [conv_bn(inputs, OUTPUTS, 1, nn.ReLU)]
        branches += [conv_bn(inputs, OUTPUTS, 3, nn.ReLU, dilation=rate) for rate in RATES]
        branches.append(ImagePool(inputs, OUTPUTS))
        self.convs = nn.LayerList(branches)
        self.project = nn.Sequential(*conv_bn(OUTPUTS * len(branches), OUTPUTS, 1, nn.ReLU), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.project(paddle.concat([branch(x) for branch in self.convs], axis=1))


class ImagePool(nn.Sequential):
    """The image's mean feature, put back at every position."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(
            nn.AdaptiveAvgPool2D(1), nn.Conv2D(inputs, outputs, 1, bias_attr=False), nn.BatchNorm2D(outputs), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.Sequential.forward(self, x)  # paddle 2.6 cannot make a graph of super()
        return F.interpolate(pooled, size=x.shape[2:], mode="bilinear", align_corners=False)
