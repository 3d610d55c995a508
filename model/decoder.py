"""The decoder of the base network: upsample step by step, adding the encoder's features on the way."""
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

ROWS = 64          # that are convolved at once of a large image
LARGE = 256 * 1024  # pixels


class Decoder(nn.Layer):
    """Bring features from 1/16 back to the input's size.

    Args:
        channels: channels after the ASPP and after each of the four steps, five numbers.
        shortcuts: channels of the encoder's maps at 1/8, 1/4, 1/2 and 1/1.

    Input: the maps x4 (1/16), x3 (1/8), x2 (1/4), x1 (1/2), x0 (1/1). Output: (B, channels[4], H, W), unbounded.
    """

    def __init__(self, channels: list[int], shortcuts: list[int]):
        super().__init__()
        self.conv1 = nn.Conv2D(shortcuts[0] + channels[0], channels[1], 3, padding=1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(channels[1])
        self.conv2 = nn.Conv2D(shortcuts[1] + channels[1], channels[2], 3, padding=1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(channels[2])
        self.conv3 = nn.Conv2D(shortcuts[2] + channels[2], channels[3], 3, padding=1, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(channels[3])
        self.conv4 = nn.Conv2D(shortcuts[3] + channels[3], channels[4], 3, padding=1)

    def forward(self, x4: Tensor, x3: Tensor, x2: Tensor, x1: Tensor, x0: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(_join(x4, x3))))
        x = F.relu(self.bn2(self.conv2(_join(x, x2))))
        x = F.relu(self.bn3(_by_rows(self.conv3, _join(x, x1))))
        return _by_rows(self.conv4, _join(x, x0))


def _join(x, shortcut):
    x = F.interpolate(x, size=shortcut.shape[2:], mode="bilinear", align_corners=False)
    return paddle.concat([x, shortcut], axis=1)


def _by_rows(convolution, x):
    """``convolution(x)``, 3x3; on a CPU in parts, where nothing is learnt: Paddle lays out nine copies of what it convolves,
    which for a photo seen at 2 megapixels are 4 GB."""
    height, width = x.shape[2:]
    if not paddle.in_dynamic_mode() or paddle.is_grad_enabled() or not x.place.is_cpu_place() or height * width < LARGE:
        return convolution(x)
    made = []
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        first, last = max(top - 1, 0), min(bottom + 1, height)
        beyond = [top == 0, bottom == height, True, True]  # rows and columns of zeros around the image
        made.append(F.conv2d(x[:, :, first:last], convolution.weight, convolution.bias,
                             padding=[int(side) for side in beyond]))
    return paddle.concat(made, 2)
