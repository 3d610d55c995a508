"""The network cut in two graphs; what lies between them, choosing and cropping, is ``model.inference.blocks``, on the host.

``CoarseGraph`` is the base network, ``BlockGraph`` the refiner for blocks of 16x16 pixels. Refining whole blocks gives
every 4x4 patch in them the value it would have alone, and costs less than one window per patch: neighbours share what
surrounds them. An engine (``model.inference.engines``) runs the two graphs, however it likes. Arrays are channels last.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import Layer
from paddle.nn import functional as F
from paddle.static import InputSpec

from bgmatting.model.inference.engines.base import BATCH
from bgmatting.model.matting import MattingRefine
from bgmatting.model.methods import find_method
from bgmatting.model.methods.method import Method
from bgmatting.model.patch_layout import BLOCK, CHANNELS, HIGHEST, LOWEST, coarse_side, photo_side, spread_matrix
from bgmatting.model.refinement import KERNEL_SIZE
from bgmatting.model.refiner import Refiner
from bgmatting.model.weights import load_paddleseg_state

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
            (``model.patch_layout.spread_matrix``).

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


class SingleGraph(nn.Layer):
    """The network of a method that works in one go, for ``Method.inputs``.

    Input: img (B, 3, H, W), and what the method needs: trimap (B, 1, H, W) in 0..1 or bgr (B, 3, H, W).
    Output: (B, C, H, W) in 0..1: pha, one channel, and fgr, three, where the method finds it.
    """

    def __init__(self, method: Method, network: Layer):
        super().__init__()
        self.method, self.network = method, network

    def forward(self, img: Tensor, extra: Tensor | None = None) -> Tensor:
        parts = self.parts(img, extra)
        return parts[0] if len(parts) == 1 else paddle.concat(parts, axis=1)

    def parts(self, img: Tensor, extra: Tensor | None) -> list[Tensor]:
        """The method's outputs, each a tensor of its own."""
        found = self.method.answer(self.network, img) if extra is None else self.method.answer(self.network, img, extra)
        return [found[name] for name in self.method.outputs]


class Graphs:
    """The graphs that engines run of a network: "coarse", "quarter" and "half" (BlockGraph for either size of the coarse
    image), or "network", where a method works in one go.

    Args:
        described: as for ``network_of``, which made ``network``.

    Attributes:
        layers: {graph: layer}, in evaluation mode.
    """

    def __init__(self, described: Mapping[str, Any], network: Layer):
        self._method, self._network = _method_of(described), network
        if self._method.refines:
            self.layers = {"coarse": CoarseGraph(network), "quarter": BlockGraph(network.refiner, True),
                           "half": BlockGraph(network.refiner, False)}
        else:
            self.layers = {"network": SingleGraph(self._method, network)}
        for layer in self.layers.values():
            layer.eval()

    def samples(self, blocks: int = BATCH) -> dict[str, dict[str, np.ndarray]]:
        """{graph: {name: array}}: small inputs, always the same."""
        rng = np.random.default_rng(0)
        if not self._method.refines:
            found = {}
            for name in self._method.input_names:
                x = rng.random((1, 1 if name == "trimap" else 3, 96, 128), np.float32)
                found[name] = np.rint(2 * x) / 2 if name == "trimap" else self._method.rule.ranged(x).astype(np.float32)
            return {"network": found}
        reach, pair = self._network.refiner.reach, ("src", "bgr")
        side, found = photo_side(reach), {"coarse": {name: rng.random((1, 48, 64, 3), np.float32) for name in pair}}
        for graph in ("quarter", "half"):
            c_side = coarse_side(reach, graph == "quarter")
            found[graph] = {"coarse": rng.normal(0, 1, (blocks, c_side, c_side, CHANNELS)).astype(np.float32),
                            **{name: rng.integers(0, 256, (blocks, side, side, 3), dtype=np.uint8) for name in pair}}
        found["quarter"]["spread"] = np.kron(*[spread_matrix(1, reach)] * 2)[None]
        return found

    def answers(self, blocks: int = BATCH) -> dict[str, np.ndarray]:
        """{"graph/name": ndarray}: the samples, and each graph's "answer" to them, to check engines by."""
        answers = {}
        for graph, given in self.samples(blocks).items():
            with paddle.no_grad():
                answers[f"{graph}/answer"] = self.layers[graph](*map(paddle.to_tensor, in_order(given))).numpy()
            answers.update({f"{graph}/{name}": value for name, value in given.items()})
        return answers

    def specs(self, graph: str) -> list[InputSpec]:
        """What a graph takes, for an export: any batch, and of a whole photo any height and width."""
        free = {"coarse": (0, 1, 2), "network": (0, 2, 3)}.get(graph, (0,))
        return [InputSpec([None if axis in free else side for axis, side in enumerate(array.shape)], str(array.dtype), name)
                for name, array in self.samples()[graph].items()]


def network_of(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], **settings: Any) -> Layer:
    """The network that holds ``arrays``, in evaluation mode. Raises ValueError: they are not those of such a network.

    Args:
        described: ``Method.recognise``'s answer, and the name of the "method"; without it, background, whose refiner keeps
            the values it is made with where "refine_kernel_size" is None: the file holds a base network alone.
        settings: further arguments of MattingRefine.
    """
    method = _method_of(described)
    if method.refines:
        settings["refine_kernel_size"] = described["refine_kernel_size"] or KERNEL_SIZE
    network = method.build(described["backbone"], **settings)
    if method.refines and described["refine_kernel_size"] is None:
        arrays = {**arrays, **{f"refiner.{name}": value.numpy() for name, value in network.refiner.state_dict().items()}}
    load_paddleseg_state(network, arrays)
    network.eval()
    return network


def _method_of(described):
    return find_method(described.get("method", "background"))
