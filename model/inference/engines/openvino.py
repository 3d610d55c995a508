"""The engine "openvino": exported graphs in OpenVINO, compiled for the sizes in use. The fastest on most CPUs."""
from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, EngineAbsent
from bgmatting.model.inference.engines.blobs import note_blobs, sound_blobs
from bgmatting.model.inference.engines.graph_cache import check_engine, exported_graphs, stored_answers

ANY_SIZE = ("coarse", "network")  # graphs that see the whole photo
KEPT = 6  # compiled graphs; a video needs three, a folder of mixed sizes more
TOLERANCE = {"fp32": 1e-3, "bf16": 0.1}


class OpenvinoEngine(Engine):
    """Args and errors as of ``OnnxEngine``; ``precision`` may be "bf16" where the CPU computes in it."""

    name = "openvino"

    def __init__(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], device: str, precision: str,
                 sha256: str | None, threads: int | None = None):
        if device != "cpu" or precision not in TOLERANCE:
            raise EngineAbsent("it runs here on a CPU and in fp32 or bf16 only")
        try:
            openvino = import_openvino()
        except ImportError:
            raise EngineAbsent("the package openvino is not installed") from None
        self._core = openvino.Core()
        if precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise EngineAbsent("this CPU does not compute in bf16")
        self.precision = precision
        self._folder = exported_graphs("onnx", sha256, described, arrays)
        self._keeps = _usable(self._folder)
        self._config = {"INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
                        "PERFORMANCE_HINT": "LATENCY"}
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
                model.reshape({name: list(array.shape) for name, array in inputs.items()})
                # What sees the whole photo is compiled anew for each size: kept, 20 MB for each would pile up.
                keeps = self._keeps and graph not in ANY_SIZE
                kept = {"CACHE_DIR": str(self._folder)} if keeps else {}
                self._compiled[key] = self._core.compile_model(model, "CPU", {**self._config, **kept})
                if keeps:
                    note_blobs(self._folder)
                while len(self._compiled) > KEPT:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(key)
            return self._compiled[key]


def _usable(folder):
    """Whether compiled graphs can be kept in a folder; what is damaged in it is gone."""
    try:
        sound_blobs(folder)
    except OSError:
        return False
    return True


def import_openvino() -> ModuleType:
    """The package openvino, without its part that tells a server of every import; raises ImportError."""
    silenced = sys.modules.setdefault("openvino_telemetry", None) is None
    try:
        import openvino
    finally:
        if silenced:
            sys.modules.pop("openvino_telemetry", None)
    return openvino
