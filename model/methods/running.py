"""One photo through a method's network in Paddle."""
from __future__ import annotations

import numpy as np
import paddle
from paddle.nn import Layer

from bgmatting.model.methods.method import Method


def matted(method: Method, network: Layer, photo: np.ndarray, extra: np.ndarray | None = None) -> np.ndarray:
    """Alpha of one photo, float32 (H, W) in 0..1; the network as it is, in evaluation mode, on paddle's current device.

    Args:
        method: ``model.methods.method.Method`` whose network it is.
        photo, extra: of ``Method.inputs``, which says what is raised, too.
    """
    with paddle.no_grad():
        answer = method.answer(network, *(paddle.to_tensor(x) for x in method.inputs(photo, extra)))
    return method.matte(answer["pha"].numpy()[0, 0], *photo.shape[:2], extra if method.needs == "trimap" else None)
