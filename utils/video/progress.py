"""How far a video is: a bar on a terminal, elsewhere a line every few seconds."""
import sys
import time

EVERY = 10  # seconds between lines where there is no terminal


class Progress:
    """Call it with (frames done, frames in all or None); it shows frames per second and the time that is left."""

    def __init__(self, name, stream=None, every=EVERY, clock=time.monotonic):
        self._name, self._stream, self._every, self._clock = name, stream or sys.stderr, every, clock
        self._start = self._shown = clock()
        self._bar = None
        if self._stream.isatty():
            from tqdm import tqdm
            self._bar = tqdm(desc=name, unit="frame", file=self._stream, smoothing=0.1)

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
        print(f"{self._name}: {done}{of} frames, {fps:.1f} fps{left}", file=self._stream, flush=True)
