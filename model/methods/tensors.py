"""Operations on tensors and networks for the methods' losses."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddle import Tensor
    from paddle.nn import Layer


def unknown_of(trimap: Tensor) -> Tensor:
    """(B, 1, H, W) in 0..1 -> the same shape and type, 1 where it is neither background (0) nor foreground (1), else 0."""
    return ((trimap > 0.25) & (trimap < 0.75)).astype(trimap.dtype)


def unwrapped(network: Layer) -> Layer:
    """The network itself where ``network`` is a ``paddle.DataParallel`` around it."""
    return getattr(network, "_layers", network)
