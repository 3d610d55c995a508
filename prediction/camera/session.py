"""The state of a camera session. Knows no window, camera or clock: keys and images with their times come in."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bgmatting.model.inference.matte import as_float
from bgmatting.model.patch_layout import PATCH
from bgmatting.prediction.backdrop import behind
from bgmatting.prediction.rendering import rendered
from bgmatting.prediction.video.empty_scene import median_of, sampled

WAITING, COUNTDOWN, CAPTURING, MATTING = "waiting", "countdown", "capturing", "matting"
DELAY = 3.0            # seconds before the empty scene is taken, time to leave the frame
SHOTS = 15             # images of the empty scene that a median is taken of, in half a second
FEWEST = 1000          # pixels: fewer are none
KEYS = "b background  t target  r record  +/- pixels  q end"


class View(NamedTuple):
    """One image's outcome.

    picture: uint8 RGB (H, W, 3) to show; com: the same, or None where there is no matte yet: only mattes are recorded or
    sent on. state: one of the four. text: what to do or what is done, a line. refined: pixels, or None.
    """
    picture: np.ndarray
    com: np.ndarray | None
    state: str
    text: str
    refined: int | None


class Session:
    """Takes ``key`` and ``frame``; ``close`` ends a recording under way.

    Args:
        matter: predict(src, bgr, want) as ``model.Matter``; where ``refines``, ``sample_pixels`` can be set.
        backdrops: [(name, ``prediction.backdrop.Backdrop``)], at least one: what subjects are set before.
        background: bgr, uint8 RGB (H, W, 3), or None: key b takes it.
        countdown: seconds from key b to the first image of the empty scene.
        fit_background: None, or (src, bgr) -> (bgr, notes). smooth: None, or (src, pha) -> pha, with reset().
        record: () -> ``Recording``, called where key r starts one; None: key r does nothing.
        alone: whether the network needs no background: none is taken, and every image is matted. refines: whether it
            refines pixels.
    Attributes:
        state; background; done: whether a key ended it; notes: warnings so far; recording: None or the one under way;
        recorded: [path] of those that are finished.
    """

    def __init__(self, matter: Any, backdrops: list, background: np.ndarray | None = None, countdown: float = DELAY,
                 fit_background: Callable | None = None, smooth: Callable | None = None, record: Callable | None = None,
                 alone: bool = False, refines: bool = True):
        self._matter, self._backdrops, self._countdown = matter, list(backdrops), countdown
        self._fit, self._smooth, self._record = fit_background, smooth, record
        self._alone, self._refines = alone, refines
        self.background, self.state = background, MATTING if alone or background is not None else WAITING
        self.done, self.notes, self.recording, self.recorded = False, [], None, []
        self._chosen, self._now, self._index, self._said, self._began = 0, 0.0, 0, "", None
        self._shots, self._seen, self._wanted, self._delay, self._due = [], 0, 0, 0.0, None

    @property
    def backdrop(self) -> str:
        """Name of what subjects are set before."""
        return self._backdrops[self._chosen][0]

    def key(self, sign: str) -> None:
        """Obey a key: b, t, r, +, -, q or Esc, in either case; others do nothing."""
        act = {"b": lambda: self.capture(SHOTS, self._countdown), "t": self._next_backdrop, "r": self._toggle,
               "+": lambda: self._refine(2), "=": lambda: self._refine(2), "-": lambda: self._refine(0.5),
               "q": self._end, "\x1b": self._end}.get(sign.lower())
        if act is not None:
            self._said = ""
            act()

    def capture(self, count: int, delay: float = 0.0) -> None:
        """Make the background of ``count`` images, the first of them ``delay`` seconds behind the next."""
        if self._alone:
            self._said = "this network needs no background"
            return
        self._shots, self._seen, self._wanted, self._delay, self._due = [], 0, count, delay, None
        self.state = COUNTDOWN if delay > 0 else CAPTURING

    def frame(self, src: np.ndarray, now: float) -> View:
        """Take the next image, uint8 RGB (H, W, 3), seen at ``now`` seconds. Raises UserError or OSError where a recording
        cannot be written."""
        self._now = now
        self._check_size(src)
        if self.state == COUNTDOWN:
            self._due = now + self._delay if self._due is None else self._due
            self.state = CAPTURING if now >= self._due else COUNTDOWN
        if self.state == CAPTURING:
            self._collect(src)
            return View(src, None, CAPTURING, "taking the background", None)
        if self.state == COUNTDOWN:
            return View(src, None, COUNTDOWN, f"background in {self._due - now:.1f} s: leave the frame", None)
        if self.state == WAITING:
            return View(src, None, WAITING, self._said or "press b, then leave the frame: it takes the background", None)
        return self._matte(src)

    def close(self) -> None:
        """End a recording under way, and close the backdrops."""
        try:
            self._stop_recording()
        finally:
            for _, backdrop in self._backdrops:
                backdrop.close()

    def _check_size(self, src):
        """Another size than before: all that was made for the old one ends."""
        if self._shots and self._shots[0].shape != src.shape:
            self._shots, self._seen = [], 0
        if self.background is not None and self.background.shape != src.shape:
            self.background, self._said = None, "the camera changed its size: press b"
            if self.state == MATTING:
                self.state = WAITING
            self._stop_recording()

    def _collect(self, src):
        if self._seen in sampled(self._wanted):
            self._shots.append(src)
        self._seen += 1
        if self._seen == self._wanted:
            self.background, self._shots, self.state = median_of(np.stack(self._shots)), [], MATTING
            if self._smooth is not None:
                self._smooth.reset()

    def _matte(self, src):
        bgr, notes = self.background, []
        if self._fit is not None and bgr is not None:
            bgr, notes = self._fit(src, bgr)
        self.notes += [note for note in notes if note not in self.notes]
        matte = self._matter.predict(src, bgr, want=("pha", "fgr", "ref") if self._refines else ("pha", "fgr"))
        refined = int(np.count_nonzero(matte.ref[::PATCH, ::PATCH])) * PATCH ** 2 if self._refines else None
        if self._smooth is not None:
            matte = matte._replace(pha=self._smooth(src, as_float(matte.pha)))
        self._began = self._now if self._began is None else self._began
        scene = behind(self._backdrops[self._chosen][1], self._now - self._began, self._index, src, bgr)
        com = rendered(matte, ("com",), behind=scene)["com"]
        self._index += 1
        if self.recording is not None:
            self.recording.write(com, self._now)
        return View(com, com, MATTING, self._said, refined)

    def _next_backdrop(self):
        self._chosen = (self._chosen + 1) % len(self._backdrops)

    def _toggle(self):
        if self.recording is not None:
            self._stop_recording()
            self._said = f"written: {self.recorded[-1]}" if self.recorded else ""
        elif self._record is not None and (self._alone or self.background is not None):
            self.recording = self._record()

    def _stop_recording(self):
        recording, self.recording = self.recording, None
        if recording is not None:
            recording.close()
            if recording.frames:
                self.recorded.append(recording.path)

    def _refine(self, factor):
        if not self._refines:
            self._said = "this network refines no pixels"
            return
        count = int(self._matter.sample_pixels * factor)
        if count < FEWEST:
            count = FEWEST if factor > 1 else 0
        self._matter.sample_pixels = count if self.background is None else min(count, self.background.size // 3)
        self._said = f"{self._matter.sample_pixels} pixels at most are refined"

    def _end(self):
        self.done = True
