"""Writing the network as static graphs: Paddle's own format by ``jit.save``, and ONNX from it by paddle2onnx."""
from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import paddle
from paddle import nn
from paddle.static import InputSpec

from bgmatting.model import backbones
from bgmatting.model.inference.engines.base import EngineAbsent, EngineError

OPSET = 17


def save_graph(layer: nn.Layer, specs: list[InputSpec], path: str | os.PathLike, kind: str,
               names: Sequence[str] = ("answer",)) -> None:
    """``jit.save`` a layer; for "onnx" convert it and keep that alone.

    Args:
        path: without suffix. kind: "onnx" or "paddle". names: of the outputs in ONNX.

    Raises EngineError: the conversion fails; EngineAbsent: its package is not installed.
    """
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
    for value, name in zip(graph.graph.output, names):
        for node in graph.graph.node:
            for ends in (node.input, node.output):
                for place, end in enumerate(ends):
                    if end == value.name:
                        ends[place] = name
        value.name = name
    onnx.save(graph, f"{path}.onnx")


def _jit_save(layer, specs, path):
    _leave_encoders_as_written(layer)
    static = paddle.jit.to_static(layer, input_spec=specs, full_graph=True)
    with warnings.catch_warnings(), _writable_home(), _silent():
        warnings.simplefilter("ignore")
        paddle.jit.save(static, str(path))


@contextlib.contextmanager
def _writable_home():
    """Paddle writes the code that it makes of a layer below ~/.cache; where it cannot, HOME is another folder meanwhile."""
    if _can_write(os.path.expanduser("~/.cache/paddle/to_static_tmp")):
        yield
        return
    home = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        try:
            yield
        finally:
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home


def _can_write(folder):
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        return True
    except OSError:
        return False


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
