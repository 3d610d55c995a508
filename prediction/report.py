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

    Attributes:
        files: {type: Path} of a photo or video; of a folder {name: {type: Path}}; of a camera {number: Path}.
        done: number of photos or frames written.
        seconds: time it took.
        stopped: whether a signal or key q ended it.
        notes: remarks, one line each.
        failures: [(name, reason)] of photos.
        finished: photos of a folder that were done before.
        left: photos that remain to be done.
        left_out: names of files in the folder that are no photos.
        damaged: frames or packets of a video that were damaged, or frames of a camera that came too fast; left out.
        sheet: the image of ``Options.sheet``, where it was written.
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
    sheet: Path | None = None

    @property
    def fps(self) -> float:
        """Photos or frames a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def paths(self) -> list[Path]:
        """All files, the sheet last."""
        found = [path for value in self.files.values() for path in (value.values() if isinstance(value, dict) else [value])]
        return found if self.sheet is None else [*found, self.sheet]


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether a signal asked for an end; in threads other than the main one none does."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    with StopOnSignal() as signal:
        yield lambda: signal.wanted
