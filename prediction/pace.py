"""Films and cameras: how large the coarse network sees a frame, for a number of frames a second."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bgmatting.model.inference.scale import frame_scale
from bgmatting.model.inference.settings import Chosen
from bgmatting.utils.cli import say

WANTED = 10           # frames a second
SLOWER_SCALE = 0.25   # what is taken where the machine does not keep the pace at the scale Matter would choose
PIXELS = 20_000       # refined of a frame: a quarter of a photo's, which takes a tenth less time and costs 1 % of SAD
MEASURED_FROM = 1280 * 720  # pixels; smaller frames are fast everywhere, and lose more at a quarter of their size


def frame_pixels(settings: Chosen) -> dict[str, int]:
    """{"sample_pixels": how many pixels are refined of a frame}, where neither the caller nor the weights file has said it;
    else {}. settings: ``Matter.settings``."""
    said = "sample_pixels" in settings.asked or "refine_sample_pixels" in settings.told_by_weights
    return {"sample_pixels": PIXELS} if settings.sample_pixels and not said else {}


def paced(matter: Any, fps: float | None, backbone_scale: float | None = None,
          note: Callable[[str], None] | None = None) -> Any:
    """A matter for frames, that keeps pace, or ``matter`` itself where the scale is said already.

    Args:
        matter: ``model.Matter``. fps: frames a second wanted; 0: any; None: ``WANTED``. backbone_scale: as it was asked
            for, or None. note: called with a remark where frames are seen smaller; None: it is printed.
    """
    fps = WANTED if fps is None else fps
    if backbone_scale is not None or matter.settings.get("backbone_scale") != "auto":
        return matter
    return Paced(matter, fps, note=note)


def _forwarded(name, default=None):
    """An attribute of the ``Matter``, which may be set between calls."""
    return property(lambda self: getattr(self._matter, name, default),
                    lambda self, value: setattr(self._matter, name, value))


class Paced:
    """``Matter`` for the frames of one film: the first of them, matted twice, decides the scale for all.

    ``clock`` gives seconds; ``note`` as ``paced``.
    """

    def __init__(self, matter: Any, fps: float, clock: Callable[[], float] = time.perf_counter,
                 note: Callable[[str], None] | None = None):
        self._matter, self._fps, self._clock, self._size, self._note = matter, fps, clock, None, note or say
        self._choosing = threading.Lock()

    settings, sample_pixels, streams = _forwarded("settings"), _forwarded("sample_pixels"), _forwarded("streams", 1)
    method, close = _forwarded("method"), _forwarded("close")

    def predict(self, src: np.ndarray, bgr: np.ndarray | None, *args: Any, **kwargs: Any) -> Any:
        """As ``Matter.predict``."""
        with self._choosing:
            if src.shape != self._size:
                self._choose(src, bgr, *args, **kwargs)
                self._size = src.shape
        return self._matter.predict(src, bgr, *args, **kwargs)

    def _choose(self, src, bgr, *args, **kwargs):
        self._matter.backbone_scale = scale = frame_scale(src.shape[:2])
        if not self._fps or src.shape[0] * src.shape[1] < MEASURED_FROM or scale <= SLOWER_SCALE:
            return
        self._matter.predict(src, bgr, *args, **kwargs)  # compiles
        begun = self._clock()
        self._matter.predict(src, bgr, *args, **kwargs)
        rate = self.streams / max(self._clock() - begun, 1e-6)
        if rate < self._fps:
            self._matter.backbone_scale = SLOWER_SCALE
            self._note(f"backbone scale {SLOWER_SCALE:g}: at {scale:g} this machine mattes {rate:.1f} frames/s, and --fps "
                       f"wants {self._fps:g} (--fps 0: the finest matte)")
