"""Paddle's devices: their names, what they compute in, and which is current. Imports paddle when it is needed."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bgmatting.model.inference.engines.base import EngineAbsent

if TYPE_CHECKING:
    from paddle.base.core import Place

AMP_TYPES = {"fp16": "float16", "bf16": "bfloat16"}
CAPABILITY = {"fp16": (5, 3), "bf16": (8, 0)}  # of an NVIDIA GPU that computes in them


def check_precision(device: str, precision: str) -> None:
    """Raises EngineAbsent where Paddle does not compute in ``precision`` on ``device``, "cpu" or "gpu:N"."""
    if precision == "fp32":
        return
    if precision not in AMP_TYPES:
        raise EngineAbsent(f"it does not compute in {precision}")
    if device == "cpu":
        raise EngineAbsent(f"it computes in {precision} on a GPU only")
    import paddle
    has = tuple(paddle.device.cuda.get_device_capability(int(device.split(":")[1])))
    if has < CAPABILITY[precision]:
        raise EngineAbsent("{} does not compute in {}: that takes compute capability {}.{}, and it has {}.{}".format(
            device, precision, *CAPABILITY[precision], *has))


@contextlib.contextmanager
def on_device(device: str) -> Iterator[None]:
    """Context in which Paddle makes new tensors on ``device``, "cpu" or "gpu:N"; nothing is done to any other device."""
    import paddle
    before = paddle.get_device()
    if before == device:
        yield
        return
    paddle.set_device(device)
    try:
        yield
    finally:
        paddle.set_device(before)


def place_of(device: str) -> Place:
    """Paddle's place of "cpu" or "gpu:N"."""
    import paddle
    return paddle.CPUPlace() if device == "cpu" else paddle.CUDAPlace(int(device.split(":")[1]))
