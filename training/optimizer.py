"""Adam or SGD with a learning rate for each part of the network, and its state under the network's own names."""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import paddle
from paddle.utils import unique_name

from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.yaml_json import shown

MOMENTS = {"adam": 2, "sgd": 1}  # arrays of a parameter's own shape that are kept of it
SHAPED = ("moment1_0", "moment2_0", "velocity_0")
ACCUMULATORS = (*SHAPED, "beta1_pow_acc_0", "beta2_pow_acc_0")
REST = "rest"  # in ``rates``: all parts that are not named


def learning_parts(network: paddle.nn.Layer) -> list[str]:
    """The parts of a newly made network in which something may learn, by name; a fixed kernel does not."""
    return [part for part, layers in network.named_children()
            if any(not value.stop_gradient for value in layers.parameters())]


def part_rates(rates: dict[str, float], parts: Iterable[str]) -> dict[str, float]:
    """{part: factor above 0} of the parts that learn, from a phase's ``rates`` and the network's ``learning_parts``."""
    named = {part: factor for part, factor in rates.items() if part != REST}
    others = {part: rates[REST] for part in parts if part not in named} if REST in rates else {}
    return {part: factor for part, factor in {**named, **others}.items() if factor > 0}


def optimizer_settings(config: dict) -> dict:
    """Arguments of ``build_optimizer`` in a stage's configuration, beside the rates and the bound on the gradient."""
    return {"kind": config["optimizer"], "momentum": config["momentum"], "decay": config["weight_decay"]}


def build_optimizer(network: paddle.nn.Layer, rates: dict[str, float], clip_norm: float = 0.0, kind: str = "adam",
                    momentum: float = 0.9, decay: float = 0.0) -> paddle.optimizer.Optimizer:
    """An optimizer over the parts of ``network`` that ``rates``, {part: factor on the learning rate}, names.

    clip_norm: bound on the norm of the gradient of all these parts together; 0: none. kind: one of ``MOMENTS``; momentum:
    of SGD. decay: what is added to the gradient, times the weight.
    """
    parts = [name for name, _ in network.named_children()]
    unknown = [name for name in rates if name not in parts]
    if unknown:
        raise UserError(f"the network has no part '{unknown[0]}'.{suggest(unknown[0], parts)}")
    # One list with a factor on each parameter, not paddle's parameter groups: those would be clipped one by one.
    parameters = []
    for part, factor in rates.items():
        for parameter in getattr(network, part).parameters():
            parameter.optimize_attr["learning_rate"] = factor
            parameters.append(parameter)
    clip = paddle.nn.ClipGradByGlobalNorm(clip_norm) if clip_norm else None
    usual = {"learning_rate": 1e-4, "parameters": parameters, "grad_clip": clip, "weight_decay": decay or None}
    return _Momentum(momentum=momentum, **usual) if kind == "sgd" else _Adam(**usual)


def freeze_others(network: paddle.nn.Layer, rates: dict[str, float]) -> None:
    """Let only the parts of ``network`` that ``rates`` names learn: the others get no gradient."""
    for part, layers in network.named_children():
        for name, parameter in layers.named_parameters():
            if not name.endswith(("._mean", "._variance")):  # BatchNorm's statistics, which paddle lists as well
                parameter.stop_gradient = part not in rates


class _PlainNames:
    """An optimizer whose state has the same names whether or not its parameters had another optimizer before.

    Paddle numbers the names when the state is created, at the first step, and refuses a state with other numbers.
    """

    def step(self):
        with unique_name.guard():
            super().step()


class _Adam(_PlainNames, paddle.optimizer.Adam):
    """Adam."""


class _Momentum(_PlainNames, paddle.optimizer.Momentum):
    """SGD with momentum."""


def optimizer_arrays(optimizer: paddle.optimizer.Optimizer, network: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """The optimizer's state as {"PARAMETER|ACCUMULATOR": ndarray}, under the network's names.

    Paddle names it after counters that depend on how many layers the process has built before.
    """
    names = sorted(((value.name, name) for name, value in network.named_parameters()), key=lambda x: -len(x[0]))
    arrays = {}
    for key, value in optimizer.state_dict().items():
        owner = next(((own, name) for own, name in names if key.startswith(own + "_")), None)
        if owner is not None:
            arrays[f"{owner[1]}|{key[len(owner[0]) + 1:]}"] = np.ascontiguousarray(value.numpy())
    return arrays


def load_optimizer_arrays(optimizer: paddle.optimizer.Optimizer, network: paddle.nn.Layer,
                          arrays: dict[str, np.ndarray]) -> None:
    """Put back what ``optimizer_arrays`` returned, in this or another process. Raises UserError: the arrays are not such
    an optimizer's of this network."""
    own = dict(network.named_parameters())
    state = {}
    for key, value in arrays.items():
        name, _, accumulator = key.partition("|")
        if name not in own or accumulator not in ACCUMULATORS or value.dtype != np.float32 or not (
                list(value.shape) == list(own[name].shape) if accumulator in SHAPED else value.size == 1):
            raise UserError(f"the optimizer's state is not this network's: {shown(key)} of shape {list(value.shape)}. Put a "
                            "copy of the checkpoint back, or start over with --force.")
        state[f"{own[name].name}_{accumulator}"] = paddle.to_tensor(value)
    optimizer.set_state_dict(state)
