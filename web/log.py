"""Messages of the server: what clients do wrong may not fill the disk with them."""
from __future__ import annotations

import io
import threading
import time
from typing import TextIO

MOST, SECONDS = 1 << 15, 10.0  # so many characters in so long


class Sparing(io.TextIOBase):
    """A stream of text that passes on ``most`` characters in ``seconds``, and then says how many it left out.

    Libraries write a traceback for each request that they cannot take, and asyncio one for each connection that it cannot.
    """

    def __init__(self, stream: TextIO, most: int = MOST, seconds: float = SECONDS) -> None:
        super().__init__()
        self._stream, self._most, self._seconds, self._lock = stream, most, seconds, threading.Lock()
        self._began, self._used, self._left_out = time.monotonic(), 0, 0

    def write(self, text: str) -> int:
        with self._lock:
            now = time.monotonic()
            if now - self._began >= self._seconds:
                if self._left_out:
                    self._stream.write(f"note: {self._left_out} characters of messages were left out here.\n")
                self._began, self._used, self._left_out = now, 0, 0
            if self._used + len(text) > self._most:
                self._left_out += len(text)
            else:
                self._used += len(text)
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
