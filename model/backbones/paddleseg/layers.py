"""Layers of PaddleSeg's encoders and heads."""
from __future__ import annotations

from collections.abc import Callable

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F


class ConvBN(nn.Layer):
    """Convolution without bias, batch normalisation, and an activation, if one is given.

    Args:
        inputs, outputs: channels. kernel: side of the square kernel, odd.
        padding: pixels on every side, or [top, bottom, left, right]; None: what keeps the size at stride 1.
        activation: a function of a tensor, as ``F.relu``; None: none.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int | None = None, groups: int = 1,
                 activation: Callable[[Tensor], Tensor] | None = None):
        super().__init__()
        padding = kernel // 2 if padding is None else padding
        self._conv = nn.Conv2D(inputs, outputs, kernel, stride, padding, groups=groups, bias_attr=False)
        self._batch_norm = nn.BatchNorm2D(outputs)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = self._batch_norm(self._conv(x))
        return x if self.activation is None else self.activation(x)


def resize_like(x: Tensor, like: Tensor, mode: str = "bilinear") -> Tensor:
    """``x`` (B, C, h, w) at the height and width of ``like`` (B, any, H, W); pixels are areas, corners are not aligned."""
    # A graph for any size must take the size while it runs; with layers it is known, and asking a GPU for it would wait.
    size = like.shape[2:] if paddle.in_dynamic_mode() else paddle.shape(like)[2:]
    return F.interpolate(x, size=size, mode=mode, align_corners=False)
