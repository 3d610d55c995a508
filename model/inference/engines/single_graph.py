"""A network that answers in one go, as a graph for any batch, height and width."""
from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import Layer
from paddle.static import InputSpec

from bgmatting.model.methods.method import Method

CHANNELS = {"trimap": 1, "bgr": 3}


class SingleGraph(nn.Layer):
    """A method's network: its inputs to its outputs, one after the other along the channels.

    Args:
        method: a ``Method``. network: as it builds it.
        ranged: photos come as ``Method.inputs`` has them; False: in 0..1, as files for other programs take them.

    Input: img (B, 3, H, W), and what the method needs: trimap (B, 1, H, W) in 0..1 or bgr (B, 3, H, W).
    Output: (B, C, H, W) in 0..1: pha, one channel, and fgr, three, where the method finds it.
    """

    def __init__(self, method: Method, network: Layer, ranged: bool = True):
        super().__init__()
        self.method, self.ranged = method, ranged
        self.network = network

    def forward(self, img: Tensor, extra: Tensor | None = None) -> Tensor:
        parts = self.parts(img, extra)
        return parts[0] if len(parts) == 1 else paddle.concat(parts, axis=1)

    def parts(self, img: Tensor, extra: Tensor) -> list[Tensor]:
        """The method's outputs, each a tensor of its own."""
        ranged = (lambda x: x) if self.ranged else self.method.rule.ranged
        given = [ranged(img)]
        if extra is not None:
            given.append(extra if self.method.needs == "trimap" else ranged(extra))
        found = self.method.answer(self.network, *given)
        return [found[name] for name in self.method.outputs]


def input_specs(method: Method, names: Sequence[str] | None = None) -> list[InputSpec]:
    """[InputSpec] of a graph for any batch, height and width; ``names``: other ones for its inputs."""
    return [InputSpec([None, CHANNELS.get(name, 3), None, None], "float32", name) for name in names or method.input_names]
