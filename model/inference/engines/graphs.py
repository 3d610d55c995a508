"""The network cut in two graphs; what lies between them, choosing and cropping, is ``model.inference.blocks``, on the host.

``CoarseGraph`` is the base network, ``BlockGraph`` the refiner for blocks of 16x16 pixels. Refining whole blocks gives
every 4x4 patch in them the value it would have alone, and costs less than one window per patch: neighbours share what
surrounds them. An engine (``model.inference.engines``) runs the two graphs, however it likes. Arrays are channels last.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import Layer
from paddle.nn import functional as F

from bgmatting.model.geometry import BLOCK, CHANNELS, HIGHEST, LOWEST, coarse_side, photo_side
from bgmatting.model.matting import MattingRefine
from bgmatting.model.refiner import Refiner

ORDER = ("coarse", "img", "src", "bgr", "spread", "trimap")  # in which ``forward`` takes inputs


class CoarseGraph(nn.Layer):
    """Output of the base network before it is clipped.

    Input: src, bgr (B, h, w, 3) in 0..1.
    Output: (B, h, w, 37), channels as ``ALPHA`` ... ``HIDDEN`` say, to be clipped to ``LOWEST`` and ``HIGHEST``; the
    colour is the residual to src.
    """

    def __init__(self, network: MattingRefine):
        super().__init__()
        self.backbone, self.aspp, self.decoder = network.backbone, network.aspp, network.decoder

    def forward(self, src: Tensor, bgr: Tensor) -> Tensor:
        deepest, *shortcuts = self.backbone(_channels_first(src, bgr))
        return self.decoder(self.aspp(deepest), *shortcuts).transpose([0, 2, 3, 1])


class BlockGraph(nn.Layer):
    """The refiner for N blocks.

    Args:
        refiner: a ``Refiner``.
        quarter: whether the coarse windows come from a quarter of the photo's size, and not from half of it.

    Input:
        coarse: (N, c, c, 37), windows of CoarseGraph's output, c = ``coarse_side``.
        src, bgr: uint8 (N, p, p, 3), windows of the photos, p = ``photo_side``; 0 outside the photo.
        spread: with ``quarter``, (1 or N, p * p / 4, c * c), the matrix that enlarges a coarse window to half resolution
            (``model.geometry.spread_matrix``).

    Output: (N, 16, 16, 4), alpha and colour residual, before they are clipped.
    """

    def __init__(self, refiner: Refiner, quarter: bool):
        super().__init__()
        self.reach = refiner.reach
        self.quarter = quarter
        self.refiner = refiner
        kernel = refiner.conv1.weight.numpy()  # its inputs are hidden, alpha, colour, photos
        size = kernel.shape[2]
        coarse = np.concatenate([kernel[:, 32:36], np.zeros((len(kernel), 1, size, size), np.float32), kernel[:, :32]], 1)
        self.coarse_kernel = self._constant(coarse)
        self.photo_kernel = self._constant(kernel[:, 36:] / 255)  # so that photos need not be divided
        kernel = refiner.conv3.weight.numpy()
        kernel = np.concatenate([kernel[:, :16], kernel[:, 16:] / 255], 1)
        self.last_kernel = self._constant(kernel)
        self.lowest, self.highest = (self._constant(x.reshape(1, 1, 1, -1)) for x in (LOWEST, HIGHEST))

    def forward(self, coarse: Tensor, src: Tensor, bgr: Tensor, spread: Tensor | None = None) -> Tensor:
        reach, side = self.reach, photo_side(self.reach)
        coarse = paddle.minimum(paddle.maximum(coarse, self.lowest), self.highest)
        if self.quarter:
            flat = coarse.reshape([-1, coarse_side(reach, True) ** 2, CHANNELS])
            coarse = paddle.matmul(spread, flat).reshape([-1, side // 2, side // 2, CHANNELS])
        photos = _channels_first(src.astype("float32"), bgr.astype("float32"))
        x = F.conv2d(coarse.transpose([0, 3, 1, 2]), self.coarse_kernel)
        x = x + F.conv2d(F.avg_pool2d(photos, 2, 2), self.photo_kernel)
        x = F.relu(self.refiner.bn1(x))
        x = F.relu(self.refiner.bn2(self.refiner.conv2(x)))
        x = F.interpolate(x, size=[BLOCK + 4 * reach] * 2, mode="nearest")
        edge = 4 * reach
        photos = photos[:, :, edge:side - edge, edge:side - edge]
        x = F.conv2d(paddle.concat([x, photos], axis=1), self.last_kernel)
        x = self.refiner.conv4(F.relu(self.refiner.bn3(x)))
        return x.transpose([0, 2, 3, 1])

    def _constant(self, array):
        return paddle.to_tensor(np.ascontiguousarray(array, np.float32))


def _channels_first(src, bgr):
    """(B, h, w, 3) twice -> (B, 6, h, w). Joined last, for engines are slow to join the last of the axes."""
    return paddle.concat([image.transpose([0, 3, 1, 2]) for image in (src, bgr)], axis=1)


def in_order(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The arrays of {name of an input: array}, as the layers' ``forward`` takes them."""
    return [inputs[name] for name in ORDER if name in inputs]


def layer_answers(layers: Mapping[str, Layer], inputs: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Answers of the layers to small inputs, to check engines by.

    Args:
        layers: {graph: layer}.
        inputs: {graph: {name: ndarray}}, as a maker's ``samples`` makes them.

    Returns:
        {"graph/name": ndarray}: the inputs again, and each graph's "answer".
    """
    answers = {}
    for graph, layer in layers.items():
        layer.eval()
        given = inputs[graph]
        with paddle.no_grad():
            answer = layer(*map(paddle.to_tensor, in_order(given)))
        answers[f"{graph}/answer"] = answer.numpy()
        answers.update({f"{graph}/{name}": value for name, value in given.items()})
    return answers


def engine_layers(network: MattingRefine) -> dict[str, Layer]:
    """{graph: layer} of a MattingRefine: what the engines run."""
    return {"coarse": CoarseGraph(network), "quarter": BlockGraph(network.refiner, True),
            "half": BlockGraph(network.refiner, False)}
