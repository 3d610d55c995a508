"""The engine "openvino": exported graphs in OpenVINO, compiled for the sizes in use. The fastest on most CPUs."""
from __future__ import annotations

import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, EngineAbsent, check_engine
from bgmatting.model.inference.engines.graph_cache import exported_graphs, stored_answers
from bgmatting.model.inference.engines.int8 import ranges_of, to_int8
from bgmatting.model.methods import find_method
from bgmatting.utils.files import file_sha256, remove_leftovers, write_bytes
from bgmatting.utils.machine import computes_in_int8

ANY_SIZE = ("coarse", "network")  # graphs that see the whole photo
KEPT = 6  # compiled graphs; a video needs three, a folder of mixed sizes more
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
TOLERANCE = {"fp32": 1e-3, "bf16": 0.1, "int8": 0.2}
IN_INT8 = "coarse"  # the graph that takes most of the time
SUMS = "blobs.json"  # {name: SHA-256} of the compiled graphs of a folder: OpenVINO would load damaged ones as they are


class OpenvinoEngine(Engine):
    """On a CPU, in fp32, in bf16 where the CPU computes in it, or with the coarse network in int8."""

    name = "openvino"

    def __init__(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], device: str, precision: str,
                 sha256: str, threads: int | None = None, tf32: bool = False):
        if device != "cpu" or precision not in TOLERANCE:
            raise EngineAbsent("it runs here on a CPU and in fp32, bf16 or int8 only")
        if precision == "int8" and "method" in described and not find_method(described["method"]).refines:
            raise EngineAbsent("only the method background is computed in int8")
        try:
            self._openvino = import_openvino()
        except ImportError:
            raise EngineAbsent("the package openvino is not installed") from None
        self._core = self._openvino.Core()
        if precision == "int8" and computes_in_int8() is False:
            raise EngineAbsent("this CPU does not multiply integers of 8 bits (VNNI)")
        if precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise EngineAbsent("this CPU does not compute in bf16")
        self.precision = precision
        self._folder = exported_graphs("onnx", sha256, described, arrays)
        self._keeps = _only_sound(self._folder)
        self._ranges = ranges_of(self._openvino, self._folder / f"{IN_INT8}.onnx") if precision == "int8" else None
        self._config = {"INFERENCE_PRECISION_HINT": HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            self._config["INFERENCE_NUM_THREADS"] = threads
        self._compiled, self._lock = OrderedDict(), threading.Lock()
        self._local = threading.local()
        check_engine(self, stored_answers(self._folder), TOLERANCE[precision])
        self._drop()  # what was compiled for the check's sizes takes memory, and may not be used again

    def share(self, streams: int) -> None:
        with self._lock:
            if streams != self.streams:
                self.streams = streams
                self._config["NUM_STREAMS"] = streams
                self._compiled.clear()

    def forget(self) -> None:
        requests = self._local.__dict__.get("requests", {})
        with self._lock:
            for kept in (self._compiled, requests):
                for key in [key for key in kept if key[0] in ANY_SIZE]:
                    del kept[key]

    def close(self) -> None:
        self._drop()

    def _drop(self):
        self._compiled.clear()
        self._local = threading.local()

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        key = graph, tuple(sorted((name, array.shape) for name, array in inputs.items()))
        compiled = self._compile(key, graph, inputs)
        requests = self._local.__dict__.setdefault("requests", OrderedDict())  # one request serves one thread
        if requests.get(key, (None,))[0] is not compiled:
            requests[key] = compiled, compiled.create_infer_request()
            while len(requests) > KEPT:
                requests.popitem(last=False)
        result = requests[key][1].infer(inputs, share_inputs=True, share_outputs=True)
        return result[0]

    def _compile(self, key, graph, inputs):
        with self._lock:
            if key not in self._compiled:
                model = self._core.read_model(self._folder / f"{graph}.onnx")
                if self._ranges is not None and graph == IN_INT8:
                    to_int8(self._openvino, model, self._ranges)
                model.reshape({name: list(array.shape) for name, array in inputs.items()})
                # What sees the whole photo is compiled anew for each size: kept, 20 MB for each would pile up.
                keeps = self._keeps and graph not in ANY_SIZE
                kept = {"CACHE_DIR": str(self._folder)} if keeps else {}
                self._compiled[key] = self._core.compile_model(model, "CPU", {**self._config, **kept})
                if keeps:
                    _note(self._folder)
                while len(self._compiled) > KEPT:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(key)
            return self._compiled[key]


def _only_sound(folder: Path) -> bool:
    """Remove compiled graphs that are not what ``_note`` saw; False where one cannot be removed."""
    try:
        sums = json.loads((folder / SUMS).read_text())
    except (OSError, ValueError):
        sums = None
    try:
        for path in folder.glob("*.blob"):
            if not isinstance(sums, dict) or sums.get(path.name) != file_sha256(path):
                path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _note(folder: Path) -> None:
    """Write down the compiled graphs of a folder. Where that cannot be done, they are compiled once more next time."""
    remove_leftovers([folder / SUMS])
    try:
        write_bytes(folder / SUMS, json.dumps({path.name: file_sha256(path) for path in folder.glob("*.blob")}).encode())
    except OSError:
        pass


def import_openvino() -> ModuleType:
    """The package openvino, without its part that tells a server of every import; raises ImportError."""
    silenced = sys.modules.setdefault("openvino_telemetry", None) is None
    try:
        import openvino
    finally:
        if silenced:
            sys.modules.pop("openvino_telemetry", None)
    return openvino
