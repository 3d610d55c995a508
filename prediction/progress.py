"""Progress of work, and how a terminal shows it: a bar with rate and time left, else lines."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from bgmatting.utils.cli import say
from bgmatting.utils.errors import one_line

EVERY = 10  # seconds between lines where there is no terminal


class Photo(NamedTuple):
    """A photo that is done, or failed for a ``reason``. job: ``prediction.photos.plan.Job``; size: (width, height); seconds:
    of the network; notes: remarks."""
    job: Any
    size: tuple[int, int] | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str | None = None


class Progress:
    """Is told of work as it goes on. What a method raises ends the work, after what is under way.

    Args:
        step: None, or called with (photos or frames done, how many there are in all or None) after each.
    """

    def __init__(self, step: Callable[[int, int | None], None] | None = None):
        self._step = step

    def network(self, settings: Any) -> None:
        """The network is open; ``settings`` are those of the ``Matter``."""

    def note(self, text: str) -> None:
        """A remark on the input."""

    def frame(self, done: int, in_all: int | None) -> None:
        """So many frames are done."""
        if self._step is not None:
            self._step(done, in_all)

    def photo(self, photo: Photo, done: int, in_all: int) -> None:
        """A photo is done or failed, the ``done``-th."""
        if self._step is not None:
            self._step(done, in_all)

    def close(self) -> None:
        """No more comes."""


def as_progress(progress: Progress | Callable | None) -> Progress:
    """A ``Progress`` of what may be one already, or its argument ``step``."""
    return progress if isinstance(progress, Progress) else Progress(progress)


class Shown(Progress):
    """Shows it in the terminal: what is done on stdout, remarks on stderr, folders and frames by a bar where stderr is one.

    Args:
        name: of the source. many: it is a folder.
    """

    def __init__(self, name: str, many: bool = False):
        super().__init__()
        self._name, self._many, self._bar, self._frames = name, many, None, None

    def network(self, settings):
        told = settings.get("told_by_weights")
        say(f"backend {settings['backend']}, {settings['precision']}, {settings['device']}"
            + (f"; as the weights file says: {', '.join(told)}" if told else ""))

    def note(self, text):
        self._say(f"note: {text}", sys.stderr)

    def frame(self, done, in_all):
        if self._frames is None:
            self._frames = FrameProgress(self._name)
        self._frames(done, in_all)

    def photo(self, photo, done, in_all):
        if self._many and self._bar is None and sys.stderr.isatty():
            from tqdm import tqdm
            self._bar = tqdm(total=in_all, unit="photo", dynamic_ncols=True)
        for note in photo.notes:
            self.note(f"{photo.job.name}: {note}")
        if self._bar is not None:
            self._bar.update()
        elif photo.reason is None:
            where = ", ".join(str(path) for path in photo.job.outputs.values())
            say(f"{photo.job.src}  {photo.size[0]}x{photo.size[1]}  {photo.seconds:.2f} s  ->  {where}")

    def close(self):
        for bar in (self._bar, self._frames):
            if bar is not None:
                bar.close()

    def _say(self, text, stream):
        if self._bar is not None:
            self._bar.write(one_line(text), file=stream)
        else:
            say(text, stream)


class FrameProgress:
    """Call it with (frames done, frames in all or None); it shows frames per second and the time that is left."""

    def __init__(self, name: str, stream: Any = None, every: float = EVERY, clock: Callable[[], float] = time.monotonic):
        self._name, self._stream, self._every, self._clock = name, stream or sys.stderr, every, clock
        self._start = self._shown = clock()
        self._bar = None
        if self._stream.isatty():
            from tqdm import tqdm
            self._bar = tqdm(desc=one_line(name), unit="frame", file=self._stream, smoothing=0.1)

    def __call__(self, done, in_all):
        if self._bar is not None:
            self._bar.total = in_all
            self._bar.update(done - self._bar.n)
        elif self._clock() - self._shown >= self._every:
            self._shown = self._clock()
            self._print(done, in_all)

    def close(self):
        """Leave the last state of the bar."""
        if self._bar is not None:
            self._bar.close()

    def _print(self, done, in_all):
        fps = done / max(self._clock() - self._start, 1e-9)
        of = "" if in_all is None else f" of {in_all}"
        left = "" if in_all is None else f", {(in_all - done) / fps:.0f} s left"
        say(f"{self._name}: {done}{of} frames, {fps:.1f} fps{left}", self._stream)
