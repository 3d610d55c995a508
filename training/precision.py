"""Mixed precision: which parts of a step are computed in 16 bits, and how small gradients survive it."""
from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import paddle

from bgmatting.utils.errors import UserError

FIRST_SCALE, GROWTH_AFTER, LEAST_SCALE = 2.0 ** 15, 1000, 1.0


class Precision:
    """How a run computes. Weights, optimizer and losses stay float32; O1 and O2 differ in what the network computes so.

    A scale on the loss keeps float16 gradients from vanishing: halved when they overflow, doubled after
    ``GROWTH_AFTER`` good steps. It is a plain number here and not paddle's GradScaler, which switches itself off
    without a GPU and does not say whether it left a step out; the average of the weights and the count of steps left
    out have to know.

    Args:
        level: None (float32), "O1" (convolutions and products in 16 bits) or "O2" (all but what is unsafe in them).
        dtype: "float16" or "bfloat16"; the latter needs no scale.
        device: where the run computes.

    Raises:
        UserError: the device cannot do it.
    """

    def __init__(self, level: str | None, dtype: str, device: str):
        if level is not None:
            _check_device(level, dtype, device)
        self._level, self._dtype = level, dtype
        self._scaled = level is not None and dtype == "float16"
        self.scale = FIRST_SCALE if self._scaled else 1.0
        self._good = 0  # steps since the scale changed

    def autocast(self) -> AbstractContextManager:
        """Context for the network's forward."""
        if self._level is None:
            return nullcontext()
        return paddle.amp.auto_cast(level=self._level, dtype=self._dtype)

    def scaled(self, loss: paddle.Tensor) -> paddle.Tensor:
        """The value to differentiate instead of ``loss``."""
        return loss * self.scale if self._scaled else loss

    def unscale(self, parameters: list) -> paddle.Tensor:
        """Divide the gradients by the scale, and return their global norm, a scalar tensor; inf or nan after an overflow."""
        owners = [parameter for parameter in parameters if parameter.grad is not None]
        if self._scaled:
            for parameter in owners:
                parameter.grad = parameter.grad / self.scale
        squares = [parameter.grad.detach().square().sum() for parameter in owners]
        return paddle.add_n(squares).sqrt()

    def update(self, finite: bool) -> None:
        """Adapt the scale to whether the step's gradients were finite."""
        if not self._scaled:
            return
        self._good = self._good + 1 if finite else 0
        if not finite:
            self.scale = max(LEAST_SCALE, self.scale / 2)
        elif self._good == GROWTH_AFTER:
            self.scale, self._good = self.scale * 2, 0

    def state(self) -> dict:
        """State that ``load`` needs to go on from here; JSON-able."""
        return {"scale": self.scale, "good": self._good}

    def load(self, state: dict) -> None:
        """Take over what ``state`` returned."""
        self.scale, self._good = state["scale"], state["good"]


def _check_device(level, dtype, device):
    if device == "cpu":
        raise UserError(f"--amp {level} needs a GPU; on a CPU paddle computes everything in float32. Leave --amp out.")
    supported = {"float16": paddle.amp.is_float16_supported, "bfloat16": paddle.amp.is_bfloat16_supported}[dtype]
    if not supported(device):
        raise UserError(f"{device} cannot compute in {dtype}. Set amp_dtype to the other of float16 and bfloat16, "
                        "or leave --amp out.")


class Statistics:
    """BatchNorm's running statistics as they are now, to be put back where a step turns out to be no use.

    A forward with one number that is not finite spoils them for ever.
    """

    def __init__(self, network: paddle.nn.Layer):
        self._kept = [(value, value.clone()) for value in network.parameters() if value.stop_gradient]

    def restore(self) -> None:
        """Put them back."""
        for value, kept in self._kept:
            paddle.assign(kept, value)  # not set_value, which goes through the host before paddle 3
