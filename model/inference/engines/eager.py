"""The engine "paddle": the network as it is, without an export. Exact, on every device; slow on a CPU."""
import threading

import numpy as np

from model.inference.engines.base import Engine
from utils.cpu import prepare_cpu


class DygraphEngine(Engine):
    """Runs Paddle's layers one by one.

    Args:
        described: {"backbone", "refine_kernel_size"}, from ``model.weights.describe_state``.
        arrays: {name: ndarray}, the network's weights.
        device: "cpu" or "gpu:N".
        precision: "fp32", or on a GPU "fp16" or "bf16".
    """

    name = "paddle"

    def __init__(self, described, arrays, device, precision="fp32"):
        prepare_cpu()
        from model.inference.engines.network import network_from_arrays  # imports paddle
        self.precision, self._device = precision, device
        self.network = network_from_arrays(described, arrays).to(device)
        self._graphs = {}
        self.lock = threading.Lock()

    def coarse(self, src, bgr):
        from model.inference.engines.graphs import CoarseGraph
        return self._run("coarse", lambda: CoarseGraph(self.network), src, bgr)

    def blocks(self, inputs, quarter):
        from model.inference.engines.graphs import BlockGraph
        spread = [inputs["spread"]] if quarter else []
        return self._run(quarter, lambda: BlockGraph(self.network.refiner, quarter),
                         inputs["coarse"], inputs["src"], inputs["bgr"], *spread)

    def _run(self, key, build, *arrays):
        import paddle

        from model.inference.engines.network import AMP_TYPES, place_of
        with self.lock, paddle.no_grad():  # paddle's tracer and flags belong to the process
            if key not in self._graphs:
                self._graphs[key] = build()
                self._graphs[key].eval()
            tensors = [paddle.to_tensor(np.ascontiguousarray(array), place=place_of(self._device)) for array in arrays]
            if self.precision == "fp32":
                return self._graphs[key](*tensors).numpy()
            with paddle.amp.auto_cast(dtype=AMP_TYPES[self.precision]):
                return self._graphs[key](*tensors).astype("float32").numpy()
