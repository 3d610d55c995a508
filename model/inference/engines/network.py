"""The network itself, built to hold given weights, and what Paddle calls devices and precisions."""
import contextlib

import numpy as np
import paddle

from bgmatting.model.matting import MattingRefine
from bgmatting.model.refinement import KERNEL_SIZE
from bgmatting.model.weights import load_state

AMP_TYPES = {"fp16": "float16", "bf16": "bfloat16"}


def network_from_arrays(described, arrays, **settings):
    """A MattingRefine in evaluation mode that holds ``arrays``.

    Args:
        described: {"backbone", "refine_kernel_size"} of ``model.weights.describe_state``; where the kernel size is None the
            file holds a base network alone, and the refiner keeps the values it is made with.
        settings: further arguments of MattingRefine.

    Raises:
        ValueError: the arrays are not those of such a network.
    """
    kernel_size = described["refine_kernel_size"]
    network = MattingRefine(described["backbone"], refine_kernel_size=kernel_size or KERNEL_SIZE, **settings)
    if kernel_size is None:
        unused = {f"refiner.{name}": np.asarray(value.numpy()) for name, value in network.refiner.state_dict().items()}
        arrays = {**arrays, **unused}
    load_state(network, arrays)
    network.eval()
    return network


@contextlib.contextmanager
def on_device(device):
    """Context in which Paddle makes new tensors on ``device``, "cpu" or "gpu:N"; nothing is done to any other device."""
    before = paddle.get_device()
    if before == device:
        yield
        return
    paddle.set_device(device)
    try:
        yield
    finally:
        paddle.set_device(before)


def place_of(device):
    """Paddle's place of "cpu" or "gpu:N"."""
    return paddle.CPUPlace() if device == "cpu" else paddle.CUDAPlace(int(device.split(":")[1]))
