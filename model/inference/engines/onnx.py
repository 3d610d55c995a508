"""The engine "onnxruntime": exported graphs in ONNX Runtime."""
from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, EngineAbsent, check_engine
from bgmatting.model.inference.engines.graph_cache import exported_graphs, stored_answers


class OnnxEngine(Engine):
    """On a CPU and in fp32."""

    name = "onnxruntime"

    def __init__(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], device: str, precision: str,
                 sha256: str, threads: int | None = None, tf32: bool = False):
        if device != "cpu" or precision != "fp32":
            raise EngineAbsent("it runs here on a CPU and in fp32 only")
        try:
            import onnxruntime
        except ImportError:
            raise EngineAbsent("the package onnxruntime is not installed") from None
        folder = exported_graphs("onnx", sha256, described, arrays)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        self._load = lambda graph: onnxruntime.InferenceSession(
            str(folder / f"{graph}.onnx"), options, providers=["CPUExecutionProvider"])
        self._sessions, self._lock = {}, threading.Lock()
        check_engine(self, stored_answers(folder), 1e-3)

    def close(self) -> None:
        self._sessions.clear()

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        with self._lock:
            if graph not in self._sessions:
                self._sessions[graph] = self._load(graph)
        return self._sessions[graph].run(None, inputs)[0]
