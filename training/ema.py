"""An exponential moving average of the weights: often a better network than the weights themselves."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import paddle

from bgmatting.utils.errors import UserError


class Ema:
    """The average of a network's trained weights, which begins with those of now; BatchNorm's statistics, averages
    already, are taken as they are. ``decay``, in 0..1: what is kept of the average at each step; the first ones of each part
    of the network weigh more, so that the random weights of its beginning are soon forgotten.

    ``updates``: {part: how many times its average has moved}; a part that does not learn stands still.
    """

    def __init__(self, network: paddle.nn.Layer, decay: float):
        self._network, self._decay = network, decay
        self._average = {name: value.clone().detach() for name, value in self._trained()}
        self.updates = {_part(name): 0 for name in self._average}

    def update(self) -> None:
        """Move the average towards the weights as they are after a step."""
        rates = {}
        for part in {_part(name) for name, _ in self._trained()}:
            self.updates[part] += 1
            rates[part] = 1 - min(self._decay, (1 + self.updates[part]) / (10 + self.updates[part]))
        with paddle.no_grad():
            for name, value in self._trained():
                self._average[name] += rates[_part(name)] * (value - self._average[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Context in which the network has the average for its weights."""
        own = {name: value.clone() for name, value in self._trained()}
        self._put(self._average)
        try:
            yield
        finally:
            self._put(own)

    def arrays(self) -> dict[str, np.ndarray]:
        """{name: ndarray} of the whole network with averaged weights, to be saved as weights or for ``load``."""
        state = {**self._network.state_dict(), **self._average}
        return {name: np.ascontiguousarray(value.numpy()) for name, value in state.items()}

    def load(self, arrays: dict[str, np.ndarray], updates: dict[str, int] | int) -> None:
        """Take over what ``arrays`` returned, and the ``updates`` of that moment, when the network is as it was; earlier
        versions kept one number. Raises UserError: an array is missing, or is not this network's."""
        for name, value in self._average.items():
            if name not in arrays or list(arrays[name].shape) != list(value.shape) or arrays[name].dtype != np.float32:
                raise UserError(f"the averaged weights are not this network's: {name} is missing or another. Put a copy of "
                                "the checkpoint back, or start over with --force.")
        self._average = {name: paddle.to_tensor(arrays[name]) for name in self._average}
        if isinstance(updates, int):  # a part that is its average has not learnt yet
            moved = {_part(name) for name, value in self._trained() if not np.array_equal(value.numpy(), arrays[name])}
            updates = dict.fromkeys(moved, updates)
        self.updates = {part: updates.get(part, 0) for part in self.updates}

    def _trained(self):
        return [(name, value) for name, value in self._network.named_parameters() if not value.stop_gradient]

    def _put(self, values):
        for name, value in self._trained():
            value.set_value(values[name])


def _part(name):
    return name.split(".")[0]
