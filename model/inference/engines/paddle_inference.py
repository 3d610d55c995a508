"""The engine "paddle-inference": exported graphs in Paddle's own predictor."""
from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, EngineAbsent, check_engine
from bgmatting.model.inference.engines.graph_cache import exported_graphs, stored_answers

TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2}


class InferenceEngine(Engine):
    """On a CPU or a GPU, in fp32."""

    name = "paddle-inference"

    def __init__(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], device: str, precision: str,
                 sha256: str, threads: int | None = None, tf32: bool = False):
        if precision != "fp32":
            raise EngineAbsent("it runs here in fp32 only")
        folder = exported_graphs("paddle", sha256, described, arrays)
        self._folder, self._device, self._threads = folder, device, threads
        self._predictors, self._lock = {}, threading.Lock()
        check_engine(self, stored_answers(folder), TOLERANCE["tf32" if tf32 else "fp32"])

    def close(self) -> None:
        self._predictors.clear()

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        if "spread" in inputs:  # Paddle 2.6 optimizes a product that broadcasts into one that does not
            spread = inputs["spread"]
            inputs = {**inputs, "spread": np.broadcast_to(spread, (len(inputs["src"]), *spread.shape[1:]))}
        with self._lock:  # a predictor serves one call at a time
            if graph not in self._predictors:
                self._predictors[graph] = self._load(graph)
            predictor = self._predictors[graph]
            for name in predictor.get_input_names():
                handle = predictor.get_input_handle(name)
                handle.reshape(inputs[name].shape)
                handle.copy_from_cpu(np.ascontiguousarray(inputs[name]))
            predictor.run()
            return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()

    def _load(self, graph):
        from paddle import inference
        program = next(path for path in (self._folder / f"{graph}.json", self._folder / f"{graph}.pdmodel")
                       if path.is_file())
        config = inference.Config(str(program), str(self._folder / f"{graph}.pdiparams"))
        config.disable_glog_info()
        if self._device == "cpu":
            config.disable_gpu()
            if hasattr(config, "disable_mkldnn"):
                config.disable_mkldnn()  # Paddle 3.3 turns oneDNN on, and then fails on bilinear interpolation
            if self._threads:
                config.set_cpu_math_library_num_threads(self._threads)
        else:
            config.enable_use_gpu(256, int(self._device.split(":")[1]))
        return inference.create_predictor(config)
