"""Base class of engines, which run a network's graphs (``engines.graphs``) on a device, and the check of their answers."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

BATCH = 32   # blocks a call; larger batches gain nothing, and fall out of a processor's cache


class EngineError(Exception):
    """This engine cannot be used here; the text says why."""


class EngineAbsent(EngineError):
    """This engine is not installed, or not made for this device or precision: nothing is broken."""


def reason(error: BaseException) -> str:
    """The error of a foreign runtime, in one line: Paddle's own messages stand below a traceback of their own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "Error: " in line or line.startswith("(")), " ".join(lines))
    return f"{type(error).__name__}: {told[:200]}"


class Engine(ABC):
    """Runs the graphs; numpy in, numpy out. Calls from several threads are allowed.

    Args:
        described, arrays: as for ``engines.graphs.network_of``. sha256: of the weights file.
        device: "cpu" or "gpu:N". precision: "fp32", "fp16", "bf16" or "int8".
        threads: on a CPU; None: the engine's own choice.
        tf32: whether a GPU rounds the factors of float32 products.

    Attributes:
        name: one of ``engines.choice.ENGINES``. precision: what it computes in.
        streams: how many calls at once it divides the cores among.
        network: the network itself, where that is what it runs, to be called with ``lock`` held; else None.

    Raises EngineError: it cannot be used here, or answers wrongly; EngineAbsent: it is not there.
    """

    name = None
    precision = "fp32"
    streams = 1
    network = lock = None

    @abstractmethod
    def __init__(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], device: str, precision: str,
                 sha256: str, threads: int | None = None, tf32: bool = False):
        """Open it."""

    @abstractmethod
    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Answer of a graph to {name of an input: array}; the thread's next call of the same graph may overwrite it."""

    def share(self, streams: int) -> None:  # noqa: B027  (most have but one way)
        """Divide the cores among so many calls at once, if this engine can: ``streams`` then says so."""

    def forget(self) -> None:  # noqa: B027  (most have nothing to give back)
        """Give back what the last photo took; what ``run`` answered of it may be gone, too."""

    def close(self) -> None:  # noqa: B027  (most have nothing to give back)
        """Give memory back; the engine is not used afterwards."""


def check_engine(engine: Engine, answers: Mapping[str, np.ndarray], tolerance: float) -> None:
    """Let an engine answer small inputs.

    Args:
        answers: {"graph/name": ndarray}, the inputs and the "answer" of each graph, as ``Graphs.answers`` makes them.

    Raises EngineError: an answer is not finite, or farther than ``tolerance`` from what it should be; of a channel, the last
    axis, that reaches beyond 1, that times as far as it reaches.
    """
    for graph in dict.fromkeys(name.split("/")[0] for name in answers):
        given = {name.split("/")[1]: value for name, value in answers.items() if name.startswith(f"{graph}/")}
        wanted = given.pop("answer")
        got = engine.run(graph, given)
        channels = tuple(range(wanted.ndim - 1))
        reach = np.maximum(1, np.abs(wanted).max(channels))
        worst = float((np.abs(got - wanted).max(channels) / reach).max()) if got.shape == wanted.shape else np.inf
        if not worst <= tolerance:
            raise EngineError(f"its self-check failed: {graph} is off by {worst:.3g}, allowed is {tolerance:g}")
