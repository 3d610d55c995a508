"""Makes a bgr fit its src: aligned, exposed alike, and of the same scene at all."""
import numpy as np

from utils.align import MOVED_LEAST, corner_shift, find_homography, track, warp
from utils.errors import UserError, suggest
from utils.exposure import apply_exposure, fit_exposure
from utils.exposure import reduced as small_copy

MODES = ("auto", "off")


def fitter(align="auto", exposure="auto", video=False):
    """A callable ``(src, bgr) -> (bgr, notes)`` that prepares backgrounds for ``Matter.predict``.

    Args:
        align: "auto": bgr is registered to src where that can be trusted and helps; "off": never.
        exposure: "auto": bgr is exposed like src where that helps; "off": never.
        video: the calls are frames of one film in their order, with one bgr: what was found for a frame is followed.
    Raises:
        UserError: another mode.
    """
    for name, mode in (("align", align), ("exposure", exposure)):
        if mode not in MODES:
            raise UserError(f"unknown {name} mode '{mode}'.{suggest(mode, MODES)}")
    return (VideoFitter if video else Fitter)(align == "auto", exposure == "auto")


class Fitter:
    """See ``fitter``. Calls do not depend on each other."""

    def __init__(self, align, exposure):
        self._align, self._exposure = align, exposure

    def __call__(self, src, bgr):
        """Fit bgr to src.

        Args:
            src, bgr: uint8 RGB (H, W, 3) of one size.
        Returns:
            (bgr, notes): bgr itself where nothing had to be done, else a new uint8 (H, W, 3);
            notes is a list of warnings, one line each, usually empty.
        """
        found = find_homography(src, bgr)
        return bgr, []
