"""Work that waits in line: one piece at a time, and no more in line than a bound."""
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from bgmatting.web.refusals import Refused


class Lane:
    """Runs what is submitted, one after the other, in a thread of its own. name: of what waits, for messages. length: how
    much may wait behind the piece under way."""

    def __init__(self, name: str, length: int) -> None:
        self._name, self._length, self._held = name, length, 0
        self._executor, self._lock = ThreadPoolExecutor(1, thread_name_prefix=name), threading.Lock()

    @property
    def waiting(self) -> int:
        """How many are in line or under way."""
        return self._held

    def check(self) -> None:
        """Raise Refused (429) where the line is full."""
        if self._held > self._length:
            raise Refused(429, f"{self._held} {self._name} wait already, and {self._length + 1} may. Try again in a few "
                               f"seconds.")

    def submit(self, work: Callable, *arguments: Any) -> Future:
        """The ``Future`` of ``work(*arguments)``. Raises Refused where the line is full."""
        with self._lock:
            self.check()
            self._held += 1
        try:
            future = self._executor.submit(work, *arguments)
        except RuntimeError:  # it is closed
            self._left()
            raise
        future.add_done_callback(self._left)
        return future

    def close(self) -> None:
        """Drop what waits."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _left(self, _=None):
        with self._lock:
            self._held -= 1
