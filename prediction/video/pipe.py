"""A bounded queue between two threads that either side may leave."""
from __future__ import annotations

import threading
from collections import deque
from typing import Any

END = object()


class Cancelled(Exception):
    """The other side has left."""


class Pipe:
    """At most ``size`` items wait. The writer closes it when there is no more; the reader cancels it to want no more."""

    def __init__(self, size: int):
        self._items, self._size, self._closed, self._cancelled = deque(), size, False, False
        self._change = threading.Condition()

    def put(self, item: Any) -> None:
        """Append ``item``, waiting for room. Raises Cancelled."""
        with self._change:
            while len(self._items) >= self._size and not self._cancelled:
                self._change.wait()
            if self._cancelled:
                raise Cancelled
            self._items.append(item)
            self._change.notify_all()

    def get(self, timeout: float | None = None) -> Any:
        """The next item; END after the last one; None where nothing came for ``timeout`` seconds. Raises Cancelled."""
        with self._change:
            if not self._change.wait_for(lambda: self._items or self._closed or self._cancelled, timeout):
                return None
            if self._cancelled:
                raise Cancelled
            if not self._items:
                return END
            item = self._items.popleft()
            self._change.notify_all()
            return item

    def close(self) -> None:
        """No more items will be put; those that wait are still to be had."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def cancel(self) -> None:
        """Drop what waits; both sides learn of it at their next call."""
        with self._change:
            self._cancelled = True
            self._items.clear()
            self._change.notify_all()
