"""The engine "paddle": the network as it is, without an export. Exact, on every device; slow on a CPU."""
from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import Engine, check_engine
from bgmatting.model.inference.engines.device import AMP_TYPES, check_precision, on_device, place_of
from bgmatting.utils.cpu import prepare_cpu

TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 0.1, "bf16": 0.1}


class DygraphEngine(Engine):
    """Runs Paddle's layers one by one, on a GPU also in fp16 or bf16. Raises ValueError: the arrays do not fit."""

    name = "paddle"

    def __init__(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], device: str, precision: str,
                 sha256: str | None = None, threads: int | None = None, tf32: bool = False):
        prepare_cpu()
        check_precision(device, precision)
        from bgmatting.model.inference.engines.graphs import Graphs, network_of  # imports paddle
        self.precision, self._device, self.lock = precision, device, threading.Lock()
        with on_device("cpu"):
            network = network_of(described, arrays)
            answers = Graphs(described, network).answers(blocks=2)
        with on_device(device):
            self.network = network.to(device)
            self._layers = Graphs(described, self.network).layers
        check_engine(self, answers, TOLERANCE["tf32" if tf32 and precision == "fp32" else precision])

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        import paddle

        from bgmatting.model.inference.engines.graphs import in_order
        with self.lock, on_device(self._device), paddle.no_grad():  # paddle's tracer and flags belong to the process
            tensors = [paddle.to_tensor(np.ascontiguousarray(array), place=place_of(self._device))
                       for array in in_order(inputs)]
            if self.precision == "fp32":
                return self._layers[graph](*tensors).numpy()
            with paddle.amp.auto_cast(dtype=AMP_TYPES[self.precision]):
                return self._layers[graph](*tensors).astype("float32").numpy()
