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
    """Is told of work as it goes on. What a method raises ends the work, after what is under way. step: called with (photos
    or frames done, how many there are in all or None) after each, or None."""

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
    """Shows it in the terminal: what is done on stdout, remarks on stderr, folders (``many``) and frames by a bar where
    stderr is one; else of frames a line now and then, with how many a second and the time that is left."""

    def __init__(self, name: str, many: bool = False):
        super().__init__()
        self._name, self._many, self._bar, self._begun, self._told = name, many, None, None, None

    def network(self, settings: Any) -> None:
        told = settings.get("told_by_weights")
        say(f"backend {settings['backend']}, {settings['precision']}, {settings['device']}"
            + (f"; as the weights file says: {', '.join(told)}" if told else ""))

    def note(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(one_line(f"note: {text}"), file=sys.stderr)
        else:
            say(f"note: {text}", sys.stderr)

    def frame(self, done: int, in_all: int | None) -> None:
        now = time.monotonic()
        if self._begun is None:
            self._begun = self._told = now
            self._open_bar(desc=one_line(self._name), unit="frame", smoothing=0.1)
        if self._bar is not None:
            self._bar.total = in_all
            self._bar.update(done - self._bar.n)
        elif now - self._told >= EVERY:
            self._told, fps = now, done / max(now - self._begun, 1e-9)
            of, left = ("", "") if in_all is None else (f" of {in_all}", f", {(in_all - done) / fps:.0f} s left")
            say(f"{self._name}: {done}{of} frames, {fps:.1f} fps{left}", sys.stderr)

    def photo(self, photo: Any, done: int, in_all: int) -> None:
        if self._many and self._bar is None:
            self._open_bar(total=in_all, unit="photo", dynamic_ncols=True)
        for note in photo.notes:
            self.note(f"{photo.job.name}: {note}")
        if self._bar is not None:
            self._bar.update()
        elif photo.reason is None:
            where = ", ".join(str(path) for path in photo.job.outputs.values())
            say(f"{photo.job.src}  {photo.size[0]}x{photo.size[1]}  {photo.seconds:.2f} s  ->  {where}")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _open_bar(self, **given):
        if sys.stderr.isatty():
            from tqdm import tqdm
            self._bar = tqdm(**given)
