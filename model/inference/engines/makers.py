"""Graphs made of a method's weights, for engines to run: two parts, or the network in one."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from paddle.nn import Layer
from paddle.static import InputSpec

from bgmatting.model.geometry import CHANNELS, coarse_side, photo_side
from bgmatting.model.inference.engines.graphs import engine_layers
from bgmatting.model.inference.engines.samples import BATCH, sample_inputs
from bgmatting.model.inference.engines.single_graph import SingleGraph, input_specs
from bgmatting.model.matting import MattingRefine
from bgmatting.model.methods import find_method
from bgmatting.model.methods.method import Method
from bgmatting.model.refinement import KERNEL_SIZE
from bgmatting.model.weights import load_paddleseg_state, load_state


def maker_of(described: Mapping[str, Any]) -> PairMaker | SingleMaker:
    """The maker for weights that are ``described``: ``Method.recognise``'s answer, and the name of the "method"; without a
    name, background."""
    method = find_method(described.get("method", "background"))
    return PairMaker(described) if method.refines else SingleMaker(method, described)


def network_from_arrays(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], **settings: Any) -> MattingRefine:
    """A MattingRefine in evaluation mode that holds ``arrays``.

    Args:
        described: {"backbone", "refine_kernel_size"} of ``model.weights.describe_state``; where the kernel size is None the
            file holds a base network alone, and the refiner keeps the values it is made with.
        settings: further arguments of MattingRefine.

    Raises:
        ValueError: the arrays are not those of such a network.
    """
    kernel_size = described["refine_kernel_size"]
    network = MattingRefine(described["backbone"], refine_kernel_size=kernel_size or KERNEL_SIZE, **settings)
    if kernel_size is None:
        unused = {f"refiner.{name}": np.asarray(value.numpy()) for name, value in network.refiner.state_dict().items()}
        arrays = {**arrays, **unused}
    load_state(network, arrays)
    network.eval()
    return network


class PairMaker:
    """CoarseGraph and BlockGraph of a MattingRefine."""

    def __init__(self, described: Mapping[str, Any]):
        self._described = described

    def network(self, arrays: Mapping[str, np.ndarray]) -> Layer:
        """The network that holds ``arrays``, in evaluation mode. Raises ValueError: they are not those of such a network."""
        return network_from_arrays(self._described, arrays)

    def layers(self, network: Layer) -> dict[str, Layer]:
        """{graph: layer}"""
        return engine_layers(network)

    def samples(self, network: Layer, count: int = BATCH) -> dict[str, dict[str, np.ndarray]]:
        """{graph: {name: array}}: small inputs, always the same; ``count`` of blocks."""
        return sample_inputs(network.refiner.reach, count)

    def specs(self, network: Layer) -> dict[str, list[InputSpec]]:
        """{graph: [InputSpec]}"""
        reach = network.refiner.reach
        coarse = [InputSpec([None, None, None, 3], "float32", name) for name in ("src", "bgr")]
        return {"coarse": coarse, "quarter": _block_specs(reach, True), "half": _block_specs(reach, False)}


class SingleMaker:
    """One graph, "network", from a method's inputs to its answer; as ``PairMaker``."""

    def __init__(self, method: Method, described: Mapping[str, Any]):
        self._method, self._described = method, described

    def network(self, arrays: Mapping[str, np.ndarray]) -> Layer:
        network = self._method.build(self._described["backbone"])
        load_paddleseg_state(network, arrays)
        network.eval()
        return network

    def layers(self, network: Layer) -> dict[str, Layer]:
        return {"network": SingleGraph(self._method, network)}

    def samples(self, network: Layer, count: int = BATCH) -> dict[str, dict[str, np.ndarray]]:
        rng, found = np.random.default_rng(0), {}
        for name in self._method.input_names:
            x = rng.random((1, 1 if name == "trimap" else 3, 96, 128), np.float32)
            found[name] = np.rint(2 * x) / 2 if name == "trimap" else self._method.rule.ranged(x).astype(np.float32)
        return {"network": found}

    def specs(self, network: Layer) -> dict[str, list[InputSpec]]:
        return {"network": input_specs(self._method)}


def _block_specs(reach, quarter):
    side, c_side = photo_side(reach), coarse_side(reach, quarter)
    specs = [InputSpec([None, c_side, c_side, CHANNELS], "float32", "coarse")]
    specs += [InputSpec([None, side, side, 3], "uint8", name) for name in ("src", "bgr")]
    if quarter:
        specs.append(InputSpec([None, side * side // 4, c_side * c_side], "float32", "spread"))
    return specs
