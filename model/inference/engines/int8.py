"""Quantization of a graph: its convolutions multiply 8-bit integers, for OpenVINO on CPUs that have an instruction for it.

Activations that enter a convolution are quantized to 256 levels between their lowest and highest value on a few calibration
pairs, weights to 255 levels around 0 for each output channel. What lies between convolutions stays float32. This is the
scheme of Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
(CVPR 2018); OpenVINO makes integers of the FakeQuantize operations that stand for it.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bgmatting.media.reading import read_image
from bgmatting.utils.files import remove_leftovers, write_bytes

PAIRS = Path(__file__).with_name("pairs.jpg")  # for calibration: generated src above their bgr, by tools/draw_pairs.py
SIDE = 256    # pixels of each of them
SUFFIX = ".int8.json"
LEAST = 1e-3  # shorter ranges are taken for one of this length


def ranges_of(openvino: ModuleType, path: Path) -> dict[str, list[float]]:
    """{activation that enters a convolution: [lowest, highest]} of the graph file ``path``: read from beside it where they
    were calibrated before, else written there, if it can be."""
    core, kept = openvino.Core(), path.with_suffix(SUFFIX)
    model = core.read_model(path)
    entering = _entering(model)
    try:
        ranges, digest = json.loads(kept.read_text())
        if digest == _sum(ranges) and list(ranges) == list(entering):
            return ranges
    except (OSError, ValueError, TypeError, RecursionError):
        pass
    ranges = _calibrated(core, model, entering)
    remove_leftovers([kept])
    try:
        write_bytes(kept, json.dumps([ranges, _sum(ranges)]).encode())
    except OSError:
        pass  # then they are calibrated once more next time
    return ranges


def _sum(ranges):
    """Of the ranges and the pairs that they were calibrated on: a damaged or an older file is not to be taken for them."""
    return hashlib.sha256(json.dumps(ranges).encode() + PAIRS.read_bytes()).hexdigest()


def to_int8(openvino: ModuleType, model: Any, ranges: Mapping[str, list[float]]) -> None:
    """Quantize an OpenVINO model in place. ranges: as ``ranges_of`` gives them for this graph."""
    try:
        from openvino import opset13 as operations
    except ImportError:  # before 2025
        from openvino.runtime import opset13 as operations

    def quantized(value, lowest, highest, levels):
        bounds = [operations.constant(np.asarray(bound, np.float32)) for bound in (lowest, highest)]
        return operations.fake_quantize(value, *bounds, *bounds, levels).output(0)

    for name, convolutions in _entering(model).items():
        entering = quantized(convolutions[0].input_value(0), *_with_zero(*ranges[name]), 256)
        for convolution in convolutions:
            weights = _weights(convolution)
            grouped = convolution.get_type_name() == "GroupConvolution"
            most = np.abs(weights).max(tuple(range(2 if grouped else 1, weights.ndim)), keepdims=True).clip(np.float32(1e-6))
            convolution.input(0).replace_source_output(entering)
            convolution.input(1).replace_source_output(quantized(operations.constant(weights), -most, most, 255))
    model.validate_nodes_and_infer_types()


def _entering(model):
    """{activation: the convolutions that it enters}, in the order in which they are computed."""
    found = {}
    for operation in model.get_ordered_ops():
        if operation.get_type_name() in ("Convolution", "GroupConvolution"):
            value = operation.input_value(0)
            found.setdefault(f"{value.get_node().get_friendly_name()}:{value.get_index()}", []).append(operation)
    return found


def _weights(convolution):
    """float32, in the shape in which the convolution takes them."""
    node = convolution.input_value(1).get_node()
    while node.get_type_name() != "Constant":  # those of groups are brought into their shape first
        node = node.input_value(0).get_node()
    return node.data.astype(np.float32).reshape(list(convolution.input(1).get_shape()))


def _calibrated(core, model, entering):
    """``ranges_of`` these activations, by running ``model``, which is changed."""
    model.add_outputs([convolutions[0].input_value(0) for convolutions in entering.values()])
    model.reshape({name: [1, SIDE, SIDE, 3] for name in ("src", "bgr")})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    sheet = read_image(PAIRS).astype(np.float32) / 255
    lowest, highest = np.full(len(entering), np.inf), np.full(len(entering), -np.inf)
    for left in range(0, sheet.shape[1], SIDE):
        src, bgr = (sheet[top:top + SIDE, left:left + SIDE][None] for top in (0, SIDE))
        _, *values = compiled({"src": src, "bgr": bgr}).values()
        lowest = np.minimum(lowest, [value.min() for value in values])
        highest = np.maximum(highest, [value.max() for value in values])
    return {name: list(map(float, ends)) for name, *ends in zip(entering, lowest, highest)}


def _with_zero(lowest, highest):
    """The range, widened so that 0 is one of its 256 levels: padding consists of it."""
    lowest = min(lowest, 0.0)
    step = max(max(highest, 0.0) - lowest, LEAST) / 255
    below = round(-lowest / step)
    return -below * step, (255 - below) * step
