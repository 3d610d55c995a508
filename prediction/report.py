"""The report on a source, and how work is ended before its time."""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bgmatting.utils.cli import StopOnSignal


class Report(NamedTuple):
    """Outcome of matting a source.

    files: {type: Path} of a photo or video, {"sheet": Path} where there is one; of a folder {name: {type: Path}}; of a
    camera {number: Path}. done: photos or frames written. seconds: it took. stopped: a signal ended it, or key q. notes:
    remarks. failures: [(name, reason)] of photos. finished: photos of a folder that were there before. left: that are
    still to be done. left_out: names of its files that are no photos. damaged: frames or packets of a video, or pictures of
    a camera that nobody took in time, left out.
    """
    files: dict
    done: int
    seconds: float
    stopped: bool = False
    notes: Sequence[str] = ()
    failures: Sequence[tuple[str, str]] = ()
    finished: int = 0
    left: int = 0
    left_out: Sequence[str] = ()
    damaged: int = 0

    @property
    def fps(self) -> float:
        """Photos or frames a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def paths(self) -> list[Path]:
        """All files."""
        return [path for value in self.files.values() for path in (value.values() if isinstance(value, dict) else [value])]


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether a signal asked for an end; in threads other than the main one none does."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    with StopOnSignal() as signal:
        yield lambda: signal.wanted
