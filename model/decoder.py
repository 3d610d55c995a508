"""The decoder of the base network: upsample step by step, adding the encoder's features on the way."""
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F


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
        x = F.relu(self.bn3(self.conv3(_join(x, x1))))
        return self.conv4(_join(x, x0))


def _join(x, shortcut):
    x = F.interpolate(x, size=shortcut.shape[2:], mode="bilinear", align_corners=False)
    return paddle.concat([x, shortcut], axis=1)
