"""What a run says while it works: a bar with rate and time left on a terminal, else a line per photo."""
import sys
import time

from bgmatting.utils.cli import say
from bgmatting.utils.errors import one_line

EVERY = 10  # seconds between lines where there is no terminal


def announced(matter):
    """Say what a network runs on, and return it."""
    settings = matter.settings
    told = settings.get("told_by_weights")
    say(f"backend {settings['backend']}, {settings['precision']}, {settings['device']}"
        + (f"; as the weights file says: {', '.join(told)}" if told else ""))
    return matter


class PhotoProgress:
    """One line per photo on stdout; for folders on a terminal a bar instead. Notes and failures go to stderr.

    Args:
        total: number of photos; single: there is but one, named by itself.
    """

    def __init__(self, total, single=False):
        self._bar = None
        if not single and sys.stderr.isatty():
            from tqdm import tqdm
            self._bar = tqdm(total=total, unit="photo", dynamic_ncols=True)

    def report(self, job, size, seconds, notes):
        """A photo is done; arguments as ``Work`` gives them."""
        for note in notes:
            self._say(f"note: {job.name}: {note}", sys.stderr)
        if self._bar is not None:
            self._bar.update()
            return
        where = ", ".join(str(path) for path in job.outputs.values())
        self._say(f"{job.src}  {size[0]}x{size[1]}  {seconds:.2f} s  ->  {where}", sys.stdout)

    def failed(self, job, reason):
        """A photo could not be done; it is told at the end, with all others."""
        if self._bar is not None:
            self._bar.update()

    def close(self):
        if self._bar is not None:
            self._bar.close()

    def _say(self, text, stream):
        if self._bar is not None:
            self._bar.write(one_line(text), file=stream)
        else:
            say(text, stream)


def list_failures(failures):
    """Print [(name, reason)] to stderr, a line each."""
    if not failures:
        return
    print(f"{len(failures)} failed:", file=sys.stderr)
    for name, reason in failures:
        say(f"  {name}: {reason}", sys.stderr)


def summary(done, finished, failed, left, output):
    """Text that says how a folder's run ended."""
    parts = [f"{done} done", f"{finished} finished before" if finished else "", f"{failed} failed" if failed else "",
             f"{left} left" if left else ""]
    return f"{', '.join(part for part in parts if part)}  ->  {output}"


class FrameProgress:
    """Call it with (frames done, frames in all or None); it shows frames per second and the time that is left."""

    def __init__(self, name, stream=None, every=EVERY, clock=time.monotonic):
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
