"""Exporting a weights file as one file for other programs, and checking it against the network itself."""
from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import Layer
from paddle.static import InputSpec

from bgmatting.media import read_image
from bgmatting.model.inference.engines.base import EngineError
from bgmatting.model.inference.engines.graphs import SingleGraph, network_of
from bgmatting.model.inference.engines.onnx_export import save_graph
from bgmatting.model.inference.engines.openvino import import_openvino
from bgmatting.model.matting import MattingRefine
from bgmatting.model.methods.input_rule import InputRule
from bgmatting.model.methods.method import Method
from bgmatting.model.methods.recognition import read_network
from bgmatting.model.refinement import BACKBONE_SCALE
from bgmatting.model.weights import file_sha256
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import write_bytes

LARGEST = {"full": 1e-3, "single": 1e-4, "half": 2e-2}  # of pha: of refining methods, of others, of float16 weights
CHECKED = InputRule(short=256, multiple=32)  # photos that methods which do not refine are checked with
OUTPUTS = ("pha", "fgr", "err", "ref")
ONNX_NEED = "pip install -r requirements-fast.txt brings what the formats onnx and openvino need"
TORCH_NEED = "pip install -r requirements-torch.txt brings what the formats torchscript and torch need"


class NetworkGraph(nn.Layer):
    """The computation of ``MattingRefine.forward``, for files that other programs run.

    Input: src, bgr (B, 3, H, W) in 0..1, H and W multiples of 4.
    Output: pha (B, 1, H, W), fgr (B, 3, H, W), and as they are made err (B, 1, h, w) and ref (B, 1, H/4, W/4).
    """

    def __init__(self, network: MattingRefine):
        super().__init__()
        self.network = network

    def forward(self, src: Tensor, bgr: Tensor) -> tuple[Tensor, ...]:
        out = self.network(src, bgr)
        return out.pha, out.fgr, out.err_sm, out.ref_sm


class FileGraph(SingleGraph):
    """The same for methods that work in one go: photos come in 0..1, and each output is one of the graph's."""

    def forward(self, src: Tensor, extra: Tensor | None = None) -> tuple[Tensor, ...]:
        ranged = self.method.rule.ranged
        if self.method.needs == "bgr":
            return tuple(self.parts(ranged(src), ranged(extra)))
        return tuple(self.parts(ranged(src), extra))


def write_network(weights: str | os.PathLike | None, output: str | os.PathLike, kind: str, half: bool,
                  settings: Mapping[str, Any]) -> tuple[Layer, Path, list[str]]:
    """Export a weights file.

    Args:
        weights: a file, or None for the starter weights. output: path without suffix; its folder is made.
        kind: "onnx", "openvino", "paddle", "torchscript" or "torch". half: store float16 weights.
        settings: MattingRefine's keyword arguments; what is None there is what the header of the weights file says. Other
            methods have none.

    Returns:
        (the network, the file's path, ["setting value" of each that the header decided]); OpenVINO's .bin, Paddle's
        .pdiparams, and the facts of Paddle's and torch's files (matting.json.txt, matting.pth.txt) lie beside the file.
        Each file appears whole or not at all, and no others in the folder are touched.

    Raises UserError: the weights or a setting cannot be used, a package is missing, or the conversion fails.
    """
    file, output = read_network(weights), Path(output)
    method = file.method
    scale, refinement, told = file.settings(settings)
    settings = {}
    if method.refines:
        settings = {"backbone_scale": scale or BACKBONE_SCALE,
                    **{f"refine_{name}": value for name, value in refinement._asdict().items()}}
    try:
        network = network_of(file.described, file.arrays, **settings)
    except ValueError as error:
        raise error if isinstance(error, UserError) else UserError(f"{file.path} cannot be exported: {error}.") from None
    facts = {**file.described, **settings, "weights_sha256": file_sha256(file.path),
             "precision": "float16" if half else "float32", "made_with": f"paddlepaddle {paddle.__version__}"}
    told = [f"{key} {settings[key]}" for key in told]
    if kind in ("torchscript", "torch"):
        return network, _to_torch(file, settings, output, kind, half, facts), told
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        # apart from the output: converters write in place, and OpenVINO's .onnx is not the one that may be there already
        with tempfile.TemporaryDirectory() as folder:
            graph = _converted(network, Path(folder) / output.name, kind, half, facts, method)
            for part in sorted(Path(folder).iterdir(), key=lambda part: part == graph):  # the graph after its weights
                write_bytes(output.with_name(part.name), part.read_bytes())
    except (ImportError, EngineError) as error:
        said = f"the package {error.name} is not installed" if isinstance(error, ImportError) else error
        raise UserError(f"{said}. {ONNX_NEED}; with paddlepaddle 2 take the format paddle.") from None
    path = output.with_name(graph.name)
    if kind == "paddle":
        _write_facts(path, _text(facts))
    return network, path, told


def _to_torch(file, settings, output, kind, half, facts):
    """Write a ``NetworkFile`` for PyTorch; the path of what is written."""
    if not file.method.refines:
        raise UserError(f"the formats torchscript and torch are for the method background, and {file.path} is of "
                        f"{file.method.name}. Name another --format.")
    try:
        from bgmatting.model.export import torch_export
    except ImportError as error:
        raise UserError(f"the package {error.name} is not installed. {TORCH_NEED}.") from None
    path = output.with_name(output.name + {"torchscript": ".pt", "torch": ".pth"}[kind])
    if path.exists() and path.samefile(file.path):
        raise UserError(f"{path} is the weights file itself. Name another --output.")
    settings = {**settings, **{key: file.described[key] for key in ("backbone", "refine_kernel_size")}}
    module = torch_export.network_of(file.arrays, settings, half)
    text = _text({**facts, "made_with": torch_export.MADE_WITH})
    if kind == "torchscript":
        torch_export.write_script(module, path, text)
    else:
        torch_export.write_state(module, path)
        _write_facts(path, text)
    return path


def _write_facts(path, text):
    """Write the facts of a file that has no room for them beside it, under a name that no other format's facts have."""
    write_bytes(path.with_name(f"{path.name}.txt"), text.encode())


def _converted(network, path, kind, half, facts, method):
    """Write ONNX, OpenVINO or Paddle's graph in place, the only files of their folder; path: without suffix. The path of
    the graph."""
    _export_network(network, path, "paddle" if kind == "paddle" else "onnx", method)
    if kind == "paddle":
        return next(p for p in (path.with_name(path.name + s) for s in (".json", ".pdmodel")) if p.is_file())
    graph = path.with_name(path.name + ".onnx")
    if kind == "onnx":
        _finish_onnx(graph, half, facts)
        return graph
    return _to_openvino(graph, half, facts)


def _export_network(network, path, kind, method):
    """Write the whole network of a method as one graph with any height, width and batch, as ``save_graph``."""
    layer, outputs = (NetworkGraph(network), OUTPUTS) if method.refines else (FileGraph(method, network), method.outputs)
    specs = [InputSpec([None, 1 if name == "trimap" else 3, None, None], "float32", name)
             for name in ("src", *([method.needs] if method.needs else []))]
    layer.eval()
    save_graph(layer, specs, path, kind, names=outputs)


def inputs_of(method: Method, src: str | os.PathLike, bgr: str | os.PathLike) -> dict[str, np.ndarray]:
    """{name: float32 (1, C, H, W)} of photo files, that an exported file of the ``method`` is run on.

    The sides of a pair are made multiples of 4 by repeating the last row and column; a trimap leaves a frame in the middle
    of the photo open.

    Raises UserError: one cannot be read, or the two differ in size.
    """
    photos = {"src": read_image(src)}
    if method.needs == "bgr":
        photos["bgr"] = read_image(bgr)
        sizes = [f"{photo.shape[1]}x{photo.shape[0]}" for photo in photos.values()]
        if sizes[0] != sizes[1]:
            raise UserError(f"{src} is {sizes[0]}, but {bgr} is {sizes[1]}. Name the two photos of a pair: --src and --bgr.")
    rule = method.rule if method.refines else CHECKED
    inputs = {name: rule.photo(photo) for name, photo in photos.items()}
    if method.needs == "trimap":
        rows, columns = (np.abs(np.linspace(-1, 1, side)) for side in inputs["src"].shape[2:])
        away = np.maximum(rows[:, None], columns)
        inputs["trimap"] = np.select([away < 0.3, away < 0.7], [1, 128 / 255])[None, None].astype(np.float32)
    return inputs


def check_file(network: Layer, path: Path, kind: str, inputs: Mapping[str, np.ndarray], method: Method) -> dict[str, float]:
    """Run an exported file on ``inputs_of``; {output: largest difference from the network}, "pha", "fgr", "err", "ref" or
    those of ``method``.

    ref counts the share of patches that were chosen otherwise, which near-equal errors may bring.
    """
    if kind == "torch":
        from bgmatting.model.export.torch_export import run_state
        found = run_state(path, inputs, network)  # the file has no settings
    else:
        found = RUNNERS[kind](path, inputs)
    layer = NetworkGraph(network) if method.refines else FileGraph(method, network)
    with paddle.no_grad():
        expected = zip(OUTPUTS, layer(*map(paddle.to_tensor, inputs.values())))
        differences = {name: np.abs(found[name] - value.numpy()) for name, value in expected}
    return {name: float(value.mean() if name == "ref" else value.max()) for name, value in differences.items()}


def _finish_onnx(path, half, facts):
    import onnx
    graph = onnx.load(str(path))
    if half:
        _halve(graph)
    onnx.helper.set_model_props(graph, {key: str(value) for key, value in facts.items()})
    onnx.save(graph, str(path))


def _halve(graph):
    """Store large float32 constants as float16, cast back where they are used: half the file, the same graph."""
    from onnx import TensorProto, helper, numpy_helper
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) > 256:
            name = tensor.name
            half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half")
            tensor.CopyFrom(half)
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for node in list(graph.graph.node):
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            value = node.attribute[0].t
            if value.data_type == TensorProto.FLOAT and np.prod(value.dims) > 256:
                name = node.output[0]
                value.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(value).astype(np.float16)))
                node.output[0] = f"{name}.half"
                casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    kept = list(graph.graph.node)
    constants = [node for node in kept if node.op_type == "Constant"]
    others = [node for node in kept if node.op_type != "Constant"]
    del graph.graph.node[:]
    graph.graph.node.extend(constants + casts + others)


def _to_openvino(source, half, facts):
    openvino = import_openvino()
    model = openvino.Core().read_model(str(source))
    for key, value in facts.items():
        model.set_rt_info(str(value), ["matting", key])
    target = source.with_suffix(".xml")
    openvino.save_model(model, str(target), compress_to_fp16=half)
    source.unlink()  # a step on the way, which nobody asked for
    return target


def _text(facts):
    return "".join(f"{key}: {value}\n" for key, value in facts.items())


def _run_onnx(path, inputs):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every constant that nothing uses
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs)))


def _run_openvino(path, inputs):
    compiled = import_openvino().Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(inputs)
    names = set().union(*(output.get_names() for output in compiled.outputs))  # one output may have several
    return {name: found[name] for name in OUTPUTS if name in names}


def _run_paddle(path, inputs):
    layer = paddle.jit.load(str(path.with_suffix("")))
    with paddle.no_grad():
        found = layer(*map(paddle.to_tensor, inputs.values()))
    return {name: value.numpy() for name, value in zip(OUTPUTS, found if isinstance(found, (list, tuple)) else [found])}


def _run_torchscript(path, inputs):
    from bgmatting.model.export.torch_export import run_script
    return run_script(path, inputs)


RUNNERS = {"onnx": _run_onnx, "openvino": _run_openvino, "paddle": _run_paddle, "torchscript": _run_torchscript}
