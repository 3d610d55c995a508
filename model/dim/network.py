"""The network of "Deep Image Matting" (Xu et al., CVPR 2017, arXiv 1703.03872), built as PaddleSeg's Matting builds it."""
from __future__ import annotations

from collections import namedtuple

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.backbones.paddleseg.layers import ConvBN, resize_like
from bgmatting.model.backbones.paddleseg.vgg import VGG16Encoder
from bgmatting.utils.errors import UserError, suggest

DimOutput = namedtuple("DimOutput", "pha pha_raw")
BACKBONES = ("vgg16",)
SMALLEST = 32  # pixels a side


class DIM(nn.Layer):
    """Alpha from a photo and a trimap: an encoder and decoder, then a few convolutions at full size that add to it.

    Args:
        backbone: "vgg16".

    Input:
        img: (B, 3, H, W) float, RGB in -1..1, H and W at least 32.
        trimap: (B, 1, H, W) float: 0 background, 1 foreground, about a half (128 / 255) unknown.
        both_stages: whether to answer what the losses need, too.

    Output:
        pha: (B, 1, H, W) alpha in 0..1; with ``both_stages`` a named tuple:
        pha: the same, but not cut off at 1, so that it learns there, too.
        pha_raw: (B, 1, H, W), what the decoder found, 0..1.

    Raises:
        UserError: no such backbone.
        ValueError: img and trimap differ in size or batch, have other channels, or a side is shorter than 32.

    PaddleSeg's departures from the paper are kept; they stand in docs/reference/other_methods.md.

    Example:
        network = DIM("vgg16")
        pha = network(img, trimap)
    """

    def __init__(self, backbone: str):
        if backbone not in BACKBONES:
            raise UserError(f"unknown backbone '{backbone}'.{suggest(backbone, BACKBONES)}")
        super().__init__()
        self.backbone_name = backbone
        self.backbone = VGG16Encoder()
        self.decoder = Decoder(self.backbone.channels)
        self.refine = Refinement()

    def forward(self, img: Tensor, trimap: Tensor, both_stages: bool = False) -> Tensor | DimOutput:
        if paddle.in_dynamic_mode():  # a graph for any size has no sizes to check yet
            _check(img, trimap)
        raw = self.decoder(self.backbone(paddle.concat([img, trimap], axis=1)))
        pha = raw + self.refine(paddle.concat([img, raw], axis=1))
        return DimOutput(pha, raw) if both_stages else pha.clip(0, 1)


class Decoder(nn.Layer):
    """From the encoder's maps, deepest first, with the given ``channels``, to alpha at the size of the last one."""

    def __init__(self, channels: list[int]):
        super().__init__()
        deepest, *shortcuts = channels
        self.deconv6 = nn.Conv2D(deepest, deepest, 1, bias_attr=False)
        self.steps = []
        for number, (inputs, outputs) in zip(range(5, 0, -1), zip(shortcuts, [*shortcuts[1:], 64])):
            self.steps.append(self.add_sublayer(f"deconv{number}", Enlarge(inputs, outputs)))
        self.alpha_conv = nn.Conv2D(64, 1, 5, padding=2, bias_attr=False)

    def forward(self, maps: list[Tensor]) -> Tensor:
        deepest, *shortcuts = maps
        x = self.deconv6(deepest)
        for step, shortcut in zip(self.steps, shortcuts):
            x = step(x, shortcut)
        return F.sigmoid(self.alpha_conv(x))


class Enlarge(nn.Layer):
    """Enlarge to the size of the encoder's map, add it, convolve."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = ConvBN(inputs, outputs, 5, activation=F.relu)

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        return self.conv(resize_like(x, shortcut) + shortcut)


class Refinement(nn.Layer):
    """The correction to add to alpha, >= 0, from (B, 4, H, W): the photo and alpha."""

    def __init__(self):
        super().__init__()
        self.conv1 = ConvBN(4, 64, 3, activation=F.relu)
        self.conv2 = ConvBN(64, 64, 3, activation=F.relu)
        self.conv3 = ConvBN(64, 64, 3, activation=F.relu)
        self.alpha_pred = ConvBN(64, 1, 3, activation=F.relu)

    def forward(self, x: Tensor) -> Tensor:
        return self.alpha_pred(self.conv3(self.conv2(self.conv1(x))))


def _check(img, trimap):
    if len(img.shape) != 4 or img.shape[1] != 3:
        raise ValueError(f"img must have the shape (B, 3, H, W), not {list(img.shape)}")
    batch, _, height, width = img.shape
    if list(trimap.shape) != [batch, 1, height, width]:
        raise ValueError(f"trimap must have the shape {[batch, 1, height, width]}, not {list(trimap.shape)}")
    if min(height, width) < SMALLEST:
        raise ValueError(f"height and width must be at least {SMALLEST}, not {height} and {width}")
