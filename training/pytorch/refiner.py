"""The whole network in PyTorch: the base at a fraction of the size, and the refiner on the likely wrong 4x4 patches."""
from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional as F

from bgmatting.training.pytorch.network import Base, resized

Refined = namedtuple("Refined", "pha fgr ref coarse")

PATCH = 4    # pixels of a patch's side at full size, 2 at half size
AROUND = 3   # what the two convolutions at half size look at beyond a patch, and one pixel that full size needs
BEYOND = 2   # the same of the two at full size


class Refiner(nn.Module):
    """Two convolutions at half size, two at full size.

    Input: src, bgr (B, 3, H, W) in 0..1, sides multiples of 4; ``coarse``, of any size; pixels: how many to refine in each
    picture, those with the largest predicted error, as the authors' mode "sampling".
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


def worst(err, count):
    """(B, 1, h, w) predicted error -> the same shape, 1 at the ``count`` largest of each picture, never where it is 0."""
    flat = err.flatten(1)
    where = torch.zeros_like(flat)
    if count:
        where.scatter_(1, flat.topk(min(count, flat.shape[1]), 1).indices, 1.0)
    return (where * (flat > 0)).reshape(err.shape)


def windows(x, index, side, margin):
    """Cut squares of ``side`` and ``margin`` pixels around, zero beyond the border: (N, C, side + 2 margin, the same).

    Args:
        index: (N, 3) picture, row and column of a patch.
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
