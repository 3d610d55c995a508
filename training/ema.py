"""An exponential moving average of the weights: often a better network than the weights themselves."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import paddle

from bgmatting.utils.errors import UserError


class Ema:
    """The average of a network's trained weights, which begins with those of now; BatchNorm's statistics, averages
    already, are taken as they are. ``decay``, in 0..1: what is kept of the average at each step; the first ones weigh
    more, so that the random weights of the beginning are soon forgotten."""

    def __init__(self, network: paddle.nn.Layer, decay: float):
        self._network, self._decay = network, decay
        self._average = {name: value.clone().detach() for name, value in self._trained()}
        self.updates = 0

    def update(self) -> None:
        """Move the average towards the weights as they are after a step."""
        self.updates += 1
        rate = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        with paddle.no_grad():
            for name, value in self._trained():
                self._average[name] += rate * (value - self._average[name])

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

    def load(self, arrays: dict[str, np.ndarray], updates: int) -> None:
        """Take over what ``arrays`` returned, and the ``updates`` of that moment. Raises UserError: an array is missing,
        or is not this network's."""
        for name, value in self._average.items():
            if name not in arrays or list(arrays[name].shape) != list(value.shape) or arrays[name].dtype != np.float32:
                raise UserError(f"the averaged weights are not this network's: {name} is missing or another. Put a copy of "
                                "the checkpoint back, or start over with --force.")
        self._average = {name: paddle.to_tensor(arrays[name]) for name in self._average}
        self.updates = updates

    def _trained(self):
        return [(name, value) for name, value in self._network.named_parameters() if not value.stop_gradient]

    def _put(self, values):
        for name, value in self._trained():
            value.set_value(values[name])
