"""Films and cameras: how large the coarse network sees a frame."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bgmatting.model.inference.scale import frame_scale
from bgmatting.model.inference.settings import Chosen
from bgmatting.utils.cli import say

PIXELS = 10_000       # refined of a frame: of twice as many SAD is 0.3 % less, and a frame takes a twelfth longer


def frame_pixels(settings: Chosen) -> dict[str, int]:
    """{"sample_pixels": how many pixels are refined of a frame}, where neither the caller nor the weights file has said it;
    else {}. settings: ``Matter.settings``."""
    said = "sample_pixels" in settings.asked or "refine_sample_pixels" in settings.told_by_weights
    return {"sample_pixels": PIXELS} if settings.sample_pixels and not said else {}


def paced(matter: Any, fps: float | None, backbone_scale: float | None = None,
          note: Callable[[str], None] | None = None) -> Any:
    """A matter for frames, that chooses their scale, or ``matter`` itself where the scale is said already.

    Args:
        matter: ``model.Matter``. fps: frames a second that must be kept for a finer matte; 0: any; None: the finer matte is
            not wanted. backbone_scale: as it was asked for, or None. note: called with a remark where ``fps`` is not kept;
            None: it is printed.
    """
    if backbone_scale is not None or matter.settings.get("backbone_scale") != "auto":
        return matter
    return Paced(matter, fps, note=note)


def _forwarded(name, default=None):
    """An attribute of the ``Matter``, which may be set between calls."""
    return property(lambda self: getattr(self._matter, name, default),
                    lambda self, value: setattr(self._matter, name, value))


class Paced:
    """``Matter`` for the frames of one film. With ``fps``, the first of them, matted twice, decides the scale for all.

    ``clock`` gives seconds; ``note`` as ``paced``.
    """

    def __init__(self, matter: Any, fps: float | None, clock: Callable[[], float] = time.perf_counter,
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
        size = src.shape[:2]
        usual, finest = frame_scale(size), frame_scale(size, finest=True)
        self._matter.backbone_scale = usual if self._fps is None else finest
        if not self._fps or finest == usual:
            return
        self._matter.predict(src, bgr, *args, **kwargs)  # compiles
        begun = self._clock()
        self._matter.predict(src, bgr, *args, **kwargs)
        rate = self.streams / max(self._clock() - begun, 1e-6)
        if rate < self._fps:
            self._matter.backbone_scale = usual
            self._note(f"backbone scale {usual:g}: at {finest:g} this machine mattes {rate:.1f} frames/s, and --fps "
                       f"wants {self._fps:g} (--fps 0: the finest matte)")
