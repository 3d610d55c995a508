"""The same network, arranged so that a step of training takes a CPU less time."""
from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from bgmatting.model.export.torch_network import Base, Coarse, Decoder, resized

SEEN = 5   # channels of the base's output that its loss looks at; the others are for the refiner


class Folded(nn.Conv2d):
    """A convolution and the BatchNorm behind it, whose statistics stay as they are, as one convolution.

    Both keep their parameters. ``norm`` holds the BatchNorm in a list, so that its names stay where they were.
    """
    norm: list

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        norm = self.norm[0]
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight, bias = self.weight * factor[:, None, None, None], norm.bias - norm.running_mean * factor
        return self.convolved(x, weight.to(x.dtype), bias.to(x.dtype))

    def convolved(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """``forward`` with arrays given."""
        return F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class DilatedDepthwise(Folded):
    """A depthwise 3x3 convolution of dilation 2 as an ordinary one on the four interleaved images of half the size.

    Its backward pass takes an eighth of the time. Falls back where a side is odd.
    """

    def convolved(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """``forward`` with arrays given."""
        count, channels, height, width = x.shape
        if height % 2 or width % 2:
            return super().convolved(x, weight, bias)
        parts = x.permute(0, 2, 3, 1).reshape(count, height // 2, 2, width // 2, 2, channels).permute(2, 4, 0, 1, 3, 5)
        parts = parts.reshape(4 * count, height // 2, width // 2, channels).permute(0, 3, 1, 2)
        parts = F.conv2d(parts, weight, bias, padding=1, groups=channels).permute(0, 2, 3, 1)
        whole = parts.reshape(2, 2, count, height // 2, width // 2, channels).permute(2, 3, 0, 4, 1, 5)
        return whole.reshape(count, height, width, channels).permute(0, 3, 1, 2)


class StridedDepthwise(Folded):
    """A depthwise convolution of stride 2 as one of stride 1, of whose results every other one is kept.

    Its backward pass takes a fifth of the time.
    """

    def convolved(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """``forward`` with arrays given."""
        whole = F.conv2d(x, weight, bias, 1, self.padding, self.dilation, self.groups)
        return whole[:, :, ::self.stride[0], ::self.stride[1]].contiguous(memory_format=torch.channels_last)


class Enlarging(Decoder):
    """A Decoder whose gradients keep the channels innermost, as the maps have them.

    Otherwise PyTorch sends those of enlarged maps another way back, in twenty times the time.
    """

    def features(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """As ``Decoder.features``."""
        x, *shortcuts, last = maps
        steps = (self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)
        for shortcut, (convolution, norm) in zip(shortcuts, steps):
            x = F.relu(norm(convolution(_joined(x, shortcut))))
        return _joined(x, last)


def _joined(x, shortcut):
    x = resized(x, shortcut.shape[2:])
    if x.requires_grad:
        x.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))
    return torch.cat([x, shortcut], 1)


class InConvolution(nn.BatchNorm2d):
    """A BatchNorm whose work is done by a ``Folded`` convolution."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x``."""
        return x


def faster(model: nn.Module) -> nn.Module:
    """Change the modules of ``model`` in place; with the statistics it has, it computes what it did."""
    last = None
    for module in model.modules():
        if type(module) is nn.Conv2d:
            last = module
        elif type(module) is nn.BatchNorm2d:
            last.__class__, module.__class__ = _kind(last), InConvolution
            last.norm = [module]
        elif isinstance(module, nn.ReLU6):
            module.inplace = True
        elif isinstance(module, Decoder):
            module.__class__ = Enlarging
    return model


def _kind(convolution):
    if convolution.groups != convolution.in_channels or convolution.groups == 1:
        return Folded
    return StridedDepthwise if convolution.stride == (2, 2) else \
        DilatedDepthwise if convolution.dilation == (2, 2) else Folded


def features(model: Base, src: torch.Tensor, bgr: torch.Tensor) -> torch.Tensor:
    """(B, 54, H, W): what the last convolution of ``model(src, bgr)`` sees.

    Images become bfloat16 under autocast before they are joined to bfloat16 maps, which would otherwise become float32.
    """
    images = torch.cat([src, bgr], 1)
    if torch.is_autocast_enabled("cpu"):
        images = images.to(torch.get_autocast_dtype("cpu"))
    maps = model.backbone(images.to(memory_format=torch.channels_last))
    return model.decoder.features([model.aspp(maps[0])] + maps[1:])


def outputs(model: Base, src: torch.Tensor, bgr: torch.Tensor, train: str) -> Coarse:
    """``model(src, bgr)`` in float32, with the gradients of one phase.

    Args:
        train: "base": they reach the whole network, and ``hid``, which its loss does not look at, is left empty; "hidden":
            they reach the last convolution alone, through ``hid``; "joint": they reach the whole network by both ways.
    """
    last, whole = model.decoder.conv4, train != "hidden"
    with torch.set_grad_enabled(whole):
        x = features(model, src, bgr)
        seen = F.conv2d(x, last.weight[:SEEN], last.bias[:SEEN], padding=1).float()
    hid = seen[:, SEEN:] if train == "base" else F.relu(F.conv2d(x, last.weight[SEEN:], last.bias[SEEN:], padding=1).float())
    residual = seen[:, 1:4]
    return Coarse(seen[:, :1].clamp(0, 1), (residual + src).clamp(0, 1), seen[:, 4:5].clamp(0, 1), hid, residual)
