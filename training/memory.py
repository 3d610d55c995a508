"""Whether a phase fits in memory: told before it trains, and what to do where it does not."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bgmatting.training.lessons import find_lesson
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import free_memory, proc_bytes

if TYPE_CHECKING:
    from bgmatting.training.step import Learner

# What errors of memory say, of python, paddle, C++ and CUDA.
SIGNS = ("out of memory", "bad_alloc", "resourceexhausted", "resource_exhausted", "memoryerror", "cannot allocate",
         "fail to alloc")


class Division(NamedTuple):
    """How the samples of an iteration are divided in one process: batches of ``batch_size``, ``accumulate`` of them."""
    batch_size: int
    accumulate: int

    def smaller(self) -> Division | None:
        """Batches of half the size and twice as many, or single samples where the size is odd; None below those."""
        if self.batch_size == 1:
            return None
        factor = 2 if self.batch_size % 2 == 0 else self.batch_size
        return Division(self.batch_size // factor, self.accumulate * factor)


def out_of_memory(error: BaseException | str) -> bool:
    """Return whether ``error``, or the text of one, tells that memory was too small."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in SIGNS)


def too_large(division: Division, phase: str, side: int, device: str) -> UserError:
    """The UserError to raise where a batch did not fit."""
    other = "a smaller crop or backbone" if division.batch_size == 1 else (
        "--batch-size auto, which halves them and doubles --accumulate until they fit")
    return UserError(f"out of memory: {phase} batches of {division.batch_size} x {side}x{side} do not fit on {device}. Use "
                     f"{other}; what was saved stays, and the run goes on from it.")


def fitted(learner: Learner, phase: str, division: Division, auto: bool, say: Callable[[str], None]) -> Division:
    """The division that fits: ``division`` itself or, where ``auto`` is set, the first smaller one; ``say`` is called
    with a line for each that does not. The ``learner`` has entered the phase. Raises UserError: it does not fit.

    The largest batch of the phase goes forward and backward once. Nothing of it remains: neither weights nor BatchNorm's
    statistics nor the state of random numbers change.
    """
    side = largest_side(learner.config, phase)
    while True:
        fits = _fits(learner, phase, division.batch_size, side)
        if not learner.ranks.any(not fits):
            return division
        smaller = division.smaller()
        if not auto or smaller is None:
            raise too_large(division, phase, side, learner.ranks.device)
        say(f"[FIT] {phase}: batches of {division.batch_size} x {side}x{side} do not fit in memory; going on with "
            f"batches of {smaller.batch_size}, {smaller.accumulate} an iteration.")
        division = smaller


def largest_side(config: dict, phase: str) -> int:
    """The largest side of a phase's crops in pixels."""
    cell = find_lesson(config["method"]).cell
    return config["phases"][phase]["crop"][1] // cell * cell


def _fits(learner, phase, batch_size, side):
    try:
        with bounded_memory(learner.ranks.device):
            learner.rehearse(phase, images(batch_size, side))
    except Exception as error:  # of any kind: paddle's own, MemoryError, bad_alloc as RuntimeError
        if not out_of_memory(error):
            raise
    else:
        return True
    _give_back(learner.ranks.device)  # here, where the traceback holds the tensors no more
    return False


def images(batch_size: int, side: int) -> list[np.ndarray]:
    """src, bgr, fgr, pha and trimap of a batch, uint8: a pattern without chance, an edge at every pixel to be refined."""
    return [np.resize(np.arange(0, 256 * 37, 37, dtype=np.uint32).astype(np.uint8), (batch_size, channels, side, side))
            for channels in (3, 3, 3, 1, 1)]


def _give_back(device):
    import gc
    gc.collect()
    if device != "cpu":
        import paddle
        paddle.device.cuda.empty_cache()


@contextmanager
def bounded_memory(device: str = "cpu") -> Iterator[None]:
    """Context in which taking more than is free is an error, and not the end of this or another process.

    On a GPU, and where the system knows no such bound, nothing changes.
    """
    try:
        import resource
        before = resource.getrlimit(resource.RLIMIT_DATA)
        free = free_memory() if device == "cpu" else None
    except (ImportError, OSError, ValueError):
        free = None
    if free is None:
        yield
        return
    bound = (proc_bytes("/proc/self/status", "VmData:") or 0) + free  # the first counts towards the bound already
    hard = before[1]
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (bound if hard < 0 else min(bound, hard), hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
