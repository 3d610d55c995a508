"""VGG16 encoder (Simonyan and Zisserman, ICLR 2015) as PaddleSeg's DIM has it: four input channels, no biases.

Deep Image Matting turns VGG's first fully connected layer into a convolution of 7x7; here it is 3x3 with 512 channels.
"""
from paddle import Tensor, nn
from paddle.nn import functional as F

_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions


class VGG16Encoder(nn.Layer):
    """Input (B, 4, H, W), sides at least 32; output: features at 1/32 (512), and before each pooling at 1/16 (512),
    1/8 (512), 1/4 (256), 1/2 (128) and 1/1 (64). Odd sides are rounded down when they are halved."""

    def __init__(self):
        super().__init__()
        self.channels = [_BLOCKS[-1][0], *(channels for channels, _ in _BLOCKS[::-1])]
        self.blocks = []
        inputs = 4
        for number, (channels, convolutions) in enumerate(_BLOCKS, 1):
            layers = [_conv(channels if place else inputs, channels) for place in range(convolutions)]
            named = ((f"_conv_{place}", layer) for place, layer in enumerate(layers, 1))
            self.blocks.append(self.add_sublayer(f"_conv_block_{number}", ConvBlock(*named)))
            inputs = channels
        self._conv_6 = _conv(inputs, inputs)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for block in self.blocks:
            maps.append(block(x))
            x = F.max_pool2d(maps[-1], 2, 2)
        maps.append(F.relu(self._conv_6(x)))
        return maps[::-1]


class ConvBlock(nn.Sequential):
    """The given convolutions, each followed by a ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in self._sub_layers.values():
            x = F.relu(layer(x))
        return x


def _conv(inputs, outputs):
    return nn.Conv2D(inputs, outputs, 3, padding=1, bias_attr=False)
