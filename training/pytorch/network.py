"""The MobileNetV2 network in PyTorch, with the authors' parameter names: the base. ``refiner.py`` adds the rest."""
from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional as F

Coarse = namedtuple("Coarse", "pha residual err hid")

# expansion, output channels, repeats, stride of the first block
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
DILATED_FROM = 14   # this block keeps its stride at 1 and those after it dilate by 2, so that the output stride is 16
SHORTCUTS = (1, 3, 6)  # the last blocks at 1/2, 1/4 and 1/8


def convolution(inputs, outputs, kernel, activation, stride=1, dilation=1, groups=1):
    """Convolution without bias, BatchNorm and ``activation``, as the list of layers of a Sequential."""
    padding = (kernel - 1) // 2 * dilation
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False), nn.BatchNorm2d(outputs),
            activation()]


class InvertedResidual(nn.Module):
    """Expand with 1x1, filter with a depthwise 3x3, project with 1x1; the input is added where the shapes agree."""

    def __init__(self, inputs, outputs, stride, expand, dilation):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        hidden = inputs * expand
        parts = [nn.Sequential(*convolution(inputs, hidden, 1, nn.ReLU6))] if expand != 1 else []
        parts.append(nn.Sequential(*convolution(hidden, hidden, 3, nn.ReLU6, stride, dilation, hidden)))
        self.conv = nn.Sequential(*parts, nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class Encoder(nn.Module):
    """Input (B, 6, H, W); output: maps at 1/16 (320), 1/8 (32), 1/4 (24), 1/2 (16) and the input itself."""

    def __init__(self):
        super().__init__()
        blocks, inputs = [nn.Sequential(*convolution(6, 32, 3, nn.ReLU6, stride=2))], 32
        for expand, outputs, repeats, first in STAGES:
            for repeat in range(repeats):
                number = len(blocks)
                stride = first if repeat == 0 and number != DILATED_FROM else 1
                blocks.append(InvertedResidual(inputs, outputs, stride, expand, 2 if number > DILATED_FROM else 1))
                inputs = outputs
        self.features = nn.Sequential(*blocks)

    def forward(self, x):
        maps = [x]
        for number, block in enumerate(self.features):
            x = block(x)
            if number in SHORTCUTS:
                maps.append(x)
        return [x] + maps[::-1]


class Pyramid(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, three dilated 3x3, the picture's mean; (B, 320, H, W) to (B, 256, H, W)."""

    def __init__(self, inputs=320, outputs=256, rates=(3, 6, 9)):
        super().__init__()
        branches = [convolution(inputs, outputs, 1, nn.ReLU)]
        branches += [convolution(inputs, outputs, 3, nn.ReLU, dilation=rate) for rate in rates]
        branches.append([nn.AdaptiveAvgPool2d(1)] + convolution(inputs, outputs, 1, nn.ReLU))
        self.convs = nn.ModuleList(nn.Sequential(*layers) for layers in branches)
        self.project = nn.Sequential(*convolution(outputs * len(branches), outputs, 1, nn.ReLU), nn.Dropout(0.5))

    def forward(self, x):
        maps = [branch(x) for branch in self.convs]
        maps[-1] = maps[-1].expand(-1, -1, *x.shape[2:])
        return self.project(torch.cat(maps, 1))


class Decoder(nn.Module):
    """Features at 1/16 -> (B, 37, H, W) unbounded: alpha, colour residual (3), error, hidden features (32)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(256 + 32, 128, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128 + 24, 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64 + 16, 48, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(48)
        self.conv4 = nn.Conv2d(48 + 6, 37, 3, padding=1)

    def forward(self, x4, x3, x2, x1, x0):
        x = F.relu(self.bn1(self.conv1(joined(x4, x3))))
        x = F.relu(self.bn2(self.conv2(joined(x, x2))))
        x = F.relu(self.bn3(self.conv3(joined(x, x1))))
        return self.conv4(joined(x, x0))


class Base(nn.Module):
    """The coarse network.

    Input: src, bgr (B, 3, H, W), RGB in 0..1.
    Output, a named tuple at the same size: pha (B, 1) and err (B, 1) in 0..1, residual (B, 3): colour minus src,
    hid (B, 32), >= 0.
    """

    def __init__(self):
        super().__init__()
        self.backbone, self.aspp, self.decoder = Encoder(), Pyramid(), Decoder()

    def forward(self, src, bgr):
        x4, *shortcuts = self.backbone(torch.cat([src, bgr], 1))
        x = self.decoder(self.aspp(x4), *shortcuts)
        return Coarse(x[:, :1].clamp(0, 1), x[:, 1:4], x[:, 4:5].clamp(0, 1), F.relu(x[:, 5:]))


def joined(x, shortcut):
    """``x`` at the size of ``shortcut``, and both side by side."""
    return torch.cat([resized(x, shortcut.shape[2:]), shortcut], 1)


def resized(x, size):
    """(B, C, H, W) at another (height, width), bilinear without antialiasing."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
