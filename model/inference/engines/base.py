"""Base class of engines, which run a network's graphs (``model.inference.engines.makers``) on a device."""
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np


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

    What comes back may be overwritten by the same thread's next call of the same method.

    Attributes:
        name: one of ``model.inference.engines.ENGINES``.
        precision: what it computes in, "fp32", "fp16" or "bf16".
        streams: how many calls at once it divides the cores among.
        network: the network itself, where that is what it runs, to be called with ``lock`` held; else None.
    """

    name = None
    precision = "fp32"
    streams = 1
    network = lock = None

    @abstractmethod
    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """One of the graphs: {name of an input: array} -> its answer, an array."""

    def coarse(self, src: np.ndarray, bgr: np.ndarray) -> np.ndarray:
        """CoarseGraph: float32 (B, h, w, 3) twice -> float32 (B, h, w, 37)."""
        return self.run("coarse", {"src": src, "bgr": bgr})

    def blocks(self, inputs: Mapping[str, np.ndarray], quarter: bool) -> np.ndarray:
        """BlockGraph: {name: array} of one batch, as its docstring has them -> float32 (N, 16, 16, 4)."""
        return self.run("quarter" if quarter else "half", inputs)

    def share(self, streams: int) -> None:  # noqa: B027  (most have but one way)
        """Divide the cores among so many calls at once, if this engine can: ``streams`` then says so."""

    def forget(self) -> None:  # noqa: B027  (most have nothing to give back)
        """Give back what the last call of ``coarse`` took; what it returned may be gone, too."""

    def close(self) -> None:  # noqa: B027  (most have nothing to give back)
        """Give memory back; the engine is not used afterwards."""
