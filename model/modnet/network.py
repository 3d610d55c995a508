"""MODNet of "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition" (Ke et al., AAAI 2022,
arXiv 2011.11961), built as PaddleSeg's Matting builds it."""
from __future__ import annotations

from collections import namedtuple

import numpy as np
import paddle
from paddle import Tensor, nn

from bgmatting.model.backbones.paddleseg import build_encoder
from bgmatting.model.modnet.branches import FusionBranch, HighResolutionBranch, LowResolutionBranch

ModnetOutput = namedtuple("ModnetOutput", "pha semantic detail")
STRIDE = 32  # pixels; sides must be multiples of it


class MODNet(nn.Layer):
    """Alpha of a person in one photo: where, by the low-resolution branch; edges, by the high one; both fused.

    Args:
        backbone: "mobilenetv2", "resnet50_vd" or "hrnet_w18".

    Input:
        img: (B, 3, H, W) float, RGB in -1..1, H and W multiples of 32. MODNet was made for a shorter side near 512.
        every_branch: whether to answer what the losses need, too.

    Output:
        pha: (B, 1, H, W) alpha in 0..1; with ``every_branch`` a named tuple:
        pha: the same.
        semantic: (B, 1, H/16, W/16) coarse alpha of the low-resolution branch, 0..1.
        detail: (B, 1, H, W) alpha of the high-resolution branch, 0..1, which has a meaning near edges alone.

    Raises:
        UserError: no such backbone.
        ValueError: img has another number of channels or dimensions, or a side that is no multiple of 32.

    PaddleSeg's departures from the paper and its authors' code are kept; they stand in docs/reference/other_methods.md.

    Example:
        network = MODNet("mobilenetv2")
        pha = network(img)
    """

    def __init__(self, backbone: str):
        super().__init__()
        self.backbone_name = backbone
        self.backbone = build_encoder(backbone)
        self.head = Head(self.backbone.channels)
        self.blurer = Blur()  # no part of ``forward``; PaddleSeg keeps its kernel among the weights

    def forward(self, img: Tensor, every_branch: bool = False) -> Tensor | ModnetOutput:
        if paddle.in_dynamic_mode():  # a graph for any size has no sizes to check yet
            _check(img)
        return self.head(img, self.backbone(img), every_branch)


class Head(nn.Layer):
    """The three branches on top of an encoder with the given ``channels``, deepest first."""

    def __init__(self, channels: list[int]):
        super().__init__()
        self.lr_branch = LowResolutionBranch(channels)
        self.hr_branch = HighResolutionBranch(channels)
        self.f_branch = FusionBranch(channels)
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                nn.initializer.KaimingUniform()(layer.weight)

    def forward(self, img: Tensor, maps: list[Tensor], every_branch: bool) -> Tensor | ModnetOutput:
        at_32, at_16, at_8, at_4, at_2 = maps
        low = self.lr_branch(at_32, at_16, at_8)
        high = self.hr_branch(img, low, at_4, at_2)
        pha = self.f_branch(img, low, high, at_4)
        if not every_branch:
            return pha
        return ModnetOutput(pha, self.lr_branch.semantic(low), self.hr_branch.detail(high, img))


class Blur(nn.Layer):
    """Gaussian blur of (B, 1, H, W), 3x3 with a deviation of 0.8 pixels; the border is mirrored.

    The kernel is the authors': a Gaussian of 7x7 folded back into 3x3, so that it sums to 1. It does not learn.
    """

    def __init__(self):
        super().__init__()
        self.op = nn.Sequential(nn.Pad2D(1, mode="reflect"), nn.Conv2D(1, 1, 3, bias_attr=False))
        weight = np.exp(-0.5 * (np.arange(4) / 0.8) ** 2)  # at distances 0 to 3
        side, middle = weight[1] + weight[2], weight[0] + 2 * weight[3]
        line = np.array([side, middle, side]) / (middle + 2 * side)
        self.op[1].weight.set_value(np.outer(line, line)[None, None].astype(np.float32))
        self.op[1].weight.stop_gradient = True

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


def _check(img):
    if len(img.shape) != 4 or img.shape[1] != 3:
        raise ValueError(f"img must have the shape (B, 3, H, W), not {list(img.shape)}")
    height, width = img.shape[2:]
    if height % STRIDE or width % STRIDE or not height * width:
        raise ValueError(f"height and width must be multiples of {STRIDE}, not {height} and {width}")
