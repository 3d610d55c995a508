"""The network with a MobileNetV2 encoder in PyTorch: the authors' parameter names, and the numbers of ``model.matting``.

Torch is optional; nothing of the project imports this module but what needs PyTorch, such as tools/starter.
"""
from __future__ import annotations

from collections import namedtuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

Coarse = namedtuple("Coarse", "pha residual err hid")
Refined = namedtuple("Refined", "pha fgr ref coarse")

# expansion, output channels, repeats, stride of the first block
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
DILATED_FROM = 14   # this block keeps its stride at 1 and those after it dilate by 2, so that the output stride is 16
SHORTCUTS = (1, 3, 6)  # the last blocks at 1/2, 1/4 and 1/8
PATCH = 4    # pixels of a patch's side at full size, 2 at half size
AROUND = 3   # what the two convolutions at half size look at beyond a patch, and one pixel that full size needs
BEYOND = 2   # the same of the two at full size
OWN_BUFFERS = (("._mean", ".running_mean"), ("._variance", ".running_var"))  # this project's suffixes, and the authors'


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
    """Atrous spatial pyramid pooling: 1x1, three dilated 3x3, the image's mean; (B, 320, H, W) to (B, 256, H, W)."""

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


class Refiner(nn.Module):
    """Two convolutions at half size, two at full size.

    Input: src, bgr (B, 3, H, W) in 0..1, sides multiples of 4; ``coarse``, of any size; pixels: how many to refine in each
    image, those with the largest predicted error, as the authors' mode "sampling".
    Output: (B, 4, H, W) alpha and colour residual, unbounded, and (B, 1, H/4, W/4), 1 where refined.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(32 + 4 + 6, 24, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 16, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16 + 6, 12, 3, bias=False)
        self.bn3 = nn.BatchNorm2d(12)
        self.conv4 = nn.Conv2d(12, 4, 3)

    def forward(self, src, bgr, coarse, pixels):
        height, width = src.shape[2:]
        where = worst(resized(coarse.err, (height // PATCH, width // PATCH)), pixels // PATCH ** 2)
        images, rough = torch.cat([src, bgr], 1), torch.cat([coarse.pha, coarse.residual], 1)
        out, index = resized(rough, (height, width)), torch.nonzero(where[:, 0])
        if not len(index):
            return out, where
        half = torch.cat([resized(x, (height // 2, width // 2)) for x in (coarse.hid, rough, images)], 1)
        x = F.relu(self.bn1(self.conv1(windows(half, index, PATCH // 2, AROUND))))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = torch.cat([x, windows(images, index, PATCH, BEYOND)], 1)
        x = self.conv4(F.relu(self.bn3(self.conv3(x))))
        return pasted(out, x, index), where


class Matting(Base):
    """Base and refiner.

    Input: src, bgr (B, 3, H, W) in 0..1, sides multiples of 4; scale: size of the base's input, at most 0.5; pixels: see
    Refiner. Output, a named tuple: pha (B, 1, H, W) and fgr (B, 3, H, W) in 0..1, ref as of Refiner, coarse of the base.
    """

    def __init__(self):
        super().__init__()
        self.refiner = Refiner()

    def forward(self, src, bgr, scale=0.5, pixels=80_000):
        size = [max(1, int(side * scale)) for side in src.shape[2:]]
        coarse = super().forward(resized(src, size), resized(bgr, size))
        return self.refine(src, bgr, coarse, pixels)

    def refine(self, src, bgr, coarse, pixels):
        """The second half of ``forward``, where ``coarse`` is known."""
        out, where = self.refiner(src, bgr, coarse, pixels)
        return Refined(out[:, :1].clamp(0, 1), (out[:, 1:] + src).clamp(0, 1), where, coarse)


def joined(x, shortcut):
    """``x`` at the size of ``shortcut``, and both side by side."""
    return torch.cat([resized(x, shortcut.shape[2:]), shortcut], 1)


def resized(x: torch.Tensor, size) -> torch.Tensor:
    """(B, C, H, W) at another (height, width), bilinear without antialiasing."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def worst(err, count):
    """(B, 1, h, w) predicted error -> the same shape, 1 at the ``count`` largest of each image, never where it is 0."""
    flat = err.flatten(1)
    where = torch.zeros_like(flat)
    if count:
        where.scatter_(1, flat.topk(min(count, flat.shape[1]), 1).indices, 1.0)
    return (where * (flat > 0)).reshape(err.shape)


def windows(x, index, side, margin):
    """Cut squares of ``side`` and ``margin`` pixels around, zero beyond the border: (N, C, side + 2 margin, the same).

    Args:
        index: (N, 3) image, row and column of a patch.
    """
    x = F.pad(x, [margin] * 4).permute(0, 2, 3, 1)
    step = torch.arange(side + 2 * margin, device=x.device)
    rows = (index[:, 1] * side)[:, None, None] + step[:, None]
    columns = (index[:, 2] * side)[:, None, None] + step
    return x[index[:, 0][:, None, None], rows, columns].permute(0, 3, 1, 2)


def pasted(x, patches, index):
    """(B, C, H, W) with (N, C, 4, 4) in the places ``index``, (N, 3); a new tensor."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // PATCH, PATCH, width // PATCH, PATCH).permute(0, 2, 4, 1, 3, 5)
    x = x.index_put(tuple(index.T), patches.to(x.dtype))
    return x.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, height, width)


def torch_state(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Float32 tensors under the authors' names, of {name: ndarray} with those names or this project's."""
    state = {}
    for name, value in arrays.items():
        for own, theirs in OWN_BUFFERS:
            name = name[:-len(own)] + theirs if name.endswith(own) else name
        state[name] = torch.from_numpy(np.array(value, np.float32))
    return state


def load_state(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put ``state`` into ``model``, which may have fewer parameters.

    Raises:
        ValueError: one that it has is missing, or of another shape.
    """
    try:
        missing = model.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:
        raise ValueError(str(error).splitlines()[-1].strip()) from None
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{len(missing)} arrays are missing, first {missing[0]}")


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """The state of ``model`` as files have it: without BatchNorm's step counters."""
    return {name: value.detach().contiguous() for name, value in model.state_dict().items()
            if not name.endswith("num_batches_tracked")}
