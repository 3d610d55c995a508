"""Several frames at once, handed on in their order."""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bgmatting.utils.cpu import usable_cores

MOST = 4   # frames at once: each takes memory of its own
EXTRA = 1  # threads more than that; a second one gained 4 % and took 90 MiB with frames of 1920x1080


def at_once() -> int:
    """Return how many frames of a video are best matted at once on this machine's cores."""
    return min(usable_cores(), MOST)


@contextmanager
def sharing(matter: Any, streams: int) -> Iterator[int]:
    """Have ``matter`` work on so many frames at once, and give how many threads are to call it; afterwards it is as before.

    One thread more than streams: what a thread does between two graphs, it does while others have the cores. 1 where the
    engine does not divide the cores, or nothing is known of it.
    """
    before = getattr(matter, "streams", None)
    if before is None or streams == 1:
        yield 1
        return
    matter.streams = streams
    try:
        yield 1 if matter.streams == 1 else matter.streams + EXTRA
    finally:
        matter.streams = before


class Ahead:
    """Does calls on so many threads, and gives their answers in the order in which they were asked for.

    A context manager; leaving it waits for what has begun and drops the rest. With one worker, calls are done at once, on
    the caller's thread.
    """

    def __init__(self, workers: int):
        self._workers, self._waiting = workers, deque()
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def push(self, item: Any, call: Callable | None = None) -> Iterator[tuple]:
        """Ask for ``call()``, None for an item that needs none, and iterate over (item, answer) of those that are due: as
        many as there are above one for each worker, which are waited for, and what else is done.

        Raises:
            whatever a call raises, in its turn.
        """
        if self._pool is None:
            yield item, None if call is None else call()
            return
        self._waiting.append((item, None if call is None else self._pool.submit(call)))
        del item, call  # or they would live on beside those that come next
        yield from self.due(self._workers)

    def due(self, most: int | None = None) -> Iterator[tuple]:
        """(item, answer) of what is done and next; where more than ``most`` wait, the first ones are waited for."""
        while self._waiting and (most is not None and len(self._waiting) > most or self._is_done()):
            item, future = self._waiting.popleft()
            yield item, None if future is None else future.result()

    def _is_done(self):
        future = self._waiting[0][1]
        return future is None or future.done()
