"""MODNet's branches (section 3 of the paper), with the authors' and PaddleSeg's names."""
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.paddleseg.layers import resize_like

_EPSILON = 1e-5  # of instance normalisation
_WIDTH = 32  # channels of the high-resolution branch


class LowResolutionBranch(nn.Layer):
    """Where the person is.

    Args:
        channels: of the encoder's maps, deepest first.

    Input: the encoder's maps at 1/32, 1/16 and 1/8.
    Output: features at 1/8, as many channels as the encoder's map there.
    """

    def __init__(self, channels: list[int]):
        super().__init__()
        at_32, at_16, at_8 = channels[:3]
        self.se_block = SqueezeExcitation(at_32)
        self.conv_lr16x = ConvIBNorm(at_32, at_16, 5)
        self.conv_lr8x = ConvIBNorm(at_16, at_8, 5)
        self.conv_lr = PlainConv(at_8, 3, stride=2)

    def forward(self, at_32: Tensor, at_16: Tensor, at_8: Tensor) -> Tensor:
        x = self.conv_lr16x(resize_like(self.se_block(at_32), at_16))
        return self.conv_lr8x(resize_like(x, at_8))

    def semantic(self, low: Tensor) -> Tensor:
        """Coarse alpha (B, 1, H/16, W/16) in 0..1 from this branch's features."""
        return F.sigmoid(self.conv_lr(low))


class HighResolutionBranch(nn.Layer):
    """Where the person's edges run.

    Input: img (B, 3, H, W), the low-resolution branch's features, the encoder's maps at 1/4 and 1/2.
    Output: features (B, 32, H/2, W/2).
    """

    def __init__(self, channels: list[int]):
        super().__init__()
        _, _, at_8, at_4, at_2 = channels
        width = _WIDTH
        self.tohr_enc2x = ConvIBNorm(at_2, width, 1)
        self.conv_enc2x = ConvIBNorm(width + 3, width, 3, stride=2)
        self.tohr_enc4x = ConvIBNorm(at_4, width, 1)
        self.conv_enc4x = ConvIBNorm(2 * width, 2 * width, 3)
        self.conv_hr4x = _convolutions(2 * width + at_8 + 3, 2 * width, 2 * width, width)
        self.conv_hr2x = _convolutions(2 * width, 2 * width, width, width, width)
        self.conv_hr = nn.Sequential(ConvIBNorm(width + 3, width, 3), PlainConv(width, 1))

    def forward(self, img: Tensor, low: Tensor, at_4: Tensor, at_2: Tensor) -> Tensor:
        enc_2 = self.tohr_enc2x(at_2)
        x = self.conv_enc2x(paddle.concat([resize_like(img, at_2), enc_2], axis=1))
        x = self.conv_enc4x(paddle.concat([x, self.tohr_enc4x(at_4)], axis=1))
        x = self.conv_hr4x(paddle.concat([x, resize_like(low, at_4), resize_like(img, at_4)], axis=1))
        return self.conv_hr2x(paddle.concat([resize_like(x, at_2), enc_2], axis=1))

    def detail(self, high: Tensor, img: Tensor) -> Tensor:
        """Alpha near edges (B, 1, H, W) in 0..1 from this branch's features."""
        return F.sigmoid(self.conv_hr(paddle.concat([resize_like(high, img), img], axis=1)))


class FusionBranch(nn.Layer):
    """Alpha from both branches.

    Input: img (B, 3, H, W), the features of the low- and of the high-resolution branch, the encoder's map at 1/4, whose
    size alone is used.
    Output: (B, 1, H, W) in 0..1.
    """

    def __init__(self, channels: list[int]):
        super().__init__()
        self.conv_lr4x = ConvIBNorm(channels[2], _WIDTH, 5)
        self.conv_f2x = ConvIBNorm(2 * _WIDTH, _WIDTH, 3)
        self.conv_f = nn.Sequential(ConvIBNorm(_WIDTH + 3, _WIDTH // 2, 3), PlainConv(_WIDTH // 2, 1))

    def forward(self, img: Tensor, low: Tensor, high: Tensor, at_4: Tensor) -> Tensor:
        x = self.conv_lr4x(resize_like(low, at_4))
        x = self.conv_f2x(paddle.concat([resize_like(x, high), high], axis=1))
        return F.sigmoid(self.conv_f(paddle.concat([resize_like(x, img), img], axis=1)))


class ConvIBNorm(nn.Layer):
    """Convolution, ``IBNorm``, ReLU; at stride 1 the size is kept."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2D(inputs, outputs, kernel, stride, kernel // 2), IBNorm(outputs), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class PlainConv(nn.Layer):
    """A convolution to one channel and nothing else."""

    def __init__(self, inputs: int, kernel: int, stride: int = 1):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2D(inputs, 1, kernel, stride, kernel // 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class IBNorm(nn.Layer):
    """Batch normalisation for the first half of the channels, instance normalisation for the others."""

    def __init__(self, channels: list[int]):
        super().__init__()
        self.half = channels // 2
        self.bnorm = nn.BatchNorm2D(self.half)
        self.inorm = nn.InstanceNorm2D(channels - self.half, epsilon=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return paddle.concat([self.bnorm(x[:, :self.half]), self._instance_norm(x[:, self.half:])], axis=1)

    def _instance_norm(self, x):
        if paddle.in_dynamic_mode():
            return self.inorm(x)
        # In exported graphs it is written out: OpenVINO's own kernel takes a root that is right to 12 bits only, which made
        # alpha differ by 1e-4. This order of the terms is none that it would put that kernel in the place of.
        mean = _mean(x)
        spread = _mean((x - mean).square())
        scale = self.inorm.scale.reshape([1, -1, 1, 1]) / (spread + _EPSILON).sqrt()
        return x * scale + (self.inorm.bias.reshape([1, -1, 1, 1]) - mean * scale)


def _mean(x):
    """Of each channel. By rows first: a sum of all pixels at once would lose digits where a runtime adds one by one."""
    return x.mean(3, keepdim=True).mean(2, keepdim=True)


class SqueezeExcitation(nn.Layer):
    """Scale each channel by a factor in 0..1 that is computed from the means of all channels."""

    def __init__(self, channels: list[int]):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2D(channels, channels // 4, 1, bias_attr=False), nn.ReLU(),
                                  nn.Conv2D(channels // 4, channels, 1, bias_attr=False), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv(F.adaptive_avg_pool2d(x, 1))


def _convolutions(*channels):
    return nn.Sequential(*(ConvIBNorm(inputs, outputs, 3) for inputs, outputs in zip(channels, channels[1:])))
