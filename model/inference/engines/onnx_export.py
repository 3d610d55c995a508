"""Writing the network as static graphs: Paddle's own format by ``jit.save``, and ONNX from it by paddle2onnx."""
from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec

from bgmatting.model import backbones
from bgmatting.model.inference.engines.base import EngineAbsent, EngineError
from bgmatting.model.inference.engines.graphs import layer_answers
from bgmatting.model.inference.engines.makers import PairMaker, SingleMaker

OPSET = 17


def export_graphs(maker: PairMaker | SingleMaker, network: nn.Layer, folder: str | os.PathLike,
                  kind: str) -> dict[str, np.ndarray]:
    """Write the graphs of an engine, and answer small inputs with the layers themselves.

    Args:
        maker: ``model.inference.engines.makers.maker_of``. network: as it makes it. folder: that exists.
        kind: "onnx" or "paddle".

    Returns:
        {"graph/name": ndarray}: the inputs again, and each graph's "answer".

    Raises:
        EngineError: the conversion fails; EngineAbsent: its package is not installed.
    """
    layers = maker.layers(network)
    answers = layer_answers(layers, maker.samples(network))
    for graph, specs in maker.specs(network).items():
        save_graph(layers[graph], specs, Path(folder) / graph, kind)
    return answers


def save_graph(layer: nn.Layer, specs: list[InputSpec], path: str | os.PathLike, kind: str,
               names: Sequence[str] = ("answer",)) -> None:
    """``jit.save`` a layer; for "onnx" convert it and keep that alone. ``names``: of the outputs in ONNX."""
    if kind == "paddle":
        _jit_save(layer, specs, path)
        return
    if paddle.__version__ < "3":
        raise EngineAbsent("exporting to ONNX needs paddlepaddle 3")
    try:
        import onnx
        import paddle2onnx
    except ImportError as error:
        raise EngineAbsent(f"the package {error.name} is not installed") from None
    with tempfile.TemporaryDirectory() as folder:
        _jit_save(layer, specs, Path(folder) / "graph")
        program = next(file for file in Path(folder).iterdir() if file.suffix in (".json", ".pdmodel"))
        target = Path(folder) / "graph.onnx"
        with _silent():
            try:
                paddle2onnx.export(str(program), str(Path(folder) / "graph.pdiparams"), str(target), opset_version=OPSET,
                                   optimize_tool="None")  # its default tool would fetch packages from the net
            except (Exception, SystemExit) as error:  # it leaves by SystemExit, too
                raise EngineError(f"the conversion to ONNX failed: {error}") from None
        graph = onnx.load(str(target))
    for node in graph.graph.node:
        if node.op_type == "Pad":
            del node.input[2:]  # the value to pad with, which paddle2onnx 2.1 leaves undefined; without it, it is 0
    rename_outputs(graph, names)
    onnx.save(graph, f"{path}.onnx")


def rename_outputs(graph: Any, names: Sequence[str]) -> None:
    """Give an ONNX model's outputs, in their order, the names they are known by."""
    for value, name in zip(graph.graph.output, names):
        for node in graph.graph.node:
            for place, output in enumerate(node.output):
                if output == value.name:
                    node.output[place] = name
            for place, used in enumerate(node.input):
                if used == value.name:
                    node.input[place] = name
        value.name = name


def _jit_save(layer, specs, path):
    _leave_encoders_as_written(layer)
    static = paddle.jit.to_static(layer, input_spec=specs, full_graph=True)
    with warnings.catch_warnings(), _silent():
        warnings.simplefilter("ignore")
        paddle.jit.save(static, str(path))


def _leave_encoders_as_written(layer):
    """Spare encoders the rewriting of their code, which is for sizes asked at run time and takes most of an export's time.

    They ask for none: their layers are the same for every input.
    """
    for kind in {type(part) for part in layer.sublayers()}:
        if kind.__module__.startswith(f"{backbones.__name__}."):
            paddle.jit.not_to_static(kind.forward)


@contextlib.contextmanager
def _silent():
    """Keep what is printed to the standard streams, by native code too, off the screen."""
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
        saved = [os.dup(number) for number in (1, 2)]
        try:
            for number in (1, 2):
                os.dup2(nothing.fileno(), number)
            yield
        finally:
            for number, copy in zip((1, 2), saved):
                os.dup2(copy, number)
                os.close(copy)
