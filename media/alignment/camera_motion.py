"""Makes a bgr fit its src: aligned, exposed alike, and of the same scene at all."""
from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from bgmatting.media.alignment.exposure import UNCHANGED, Exposure, apply_exposure, curves_of, fit_exposure
from bgmatting.media.alignment.exposure import reduced as small_copy
from bgmatting.media.alignment.homography import (
    LEAST_INLIERS,
    MOVED_LEAST,
    Alignment,
    corner_shift,
    find_homography,
    track,
    warp,
)
from bgmatting.utils.errors import UserError, suggest

MODES = {"align": ("auto", "homography", "off"), "exposure": ("auto", "off")}
OTHER_SCENE = "bgr does not look like the scene of src"  # how notes begin
NOT_ALIGNED = "bgr was not aligned"
MOVED = "the camera moved between the two shots"
BETTER = 0.02        # of the textured points of bgr have to fit better when it is warped
SAME_SCENE = 0.06    # of them show in a src of the same scene, above chance; or
SAME_LIGHT = 0.2     # of the pixels agree after a correction of the exposure, if that is at most
STRONGEST = 0.3      # in logarithms of gray levels (0.95 stops); or
SMALL_DIFFERENCE = 12.0  # gray levels, the median over the image


def fitter(align: str = "auto", exposure: str = "auto", video: bool = False) -> Callable:
    """A callable ``(src, bgr) -> (bgr, notes)`` that prepares backgrounds for ``Matter.predict``.

    Args:
        align: "auto": bgr is registered to src where that can be trusted and helps; "homography": wherever one is found,
            and a note says where none is; "off": never, and a note says where it would have helped, unless exposure is
            off too: then nothing is looked at.
        exposure: "auto": bgr is exposed like src where that helps; "off": never.
        video: the calls are frames of one video in their order: what was found for a frame is followed (``VideoFitter``).
    Raises:
        UserError: another mode.
    """
    for name, mode in (("align", align), ("exposure", exposure)):
        if mode not in MODES[name]:
            raise UserError(f"unknown {name} mode '{mode}'.{suggest(mode, MODES[name])}")
    return (VideoFitter if video else Fitter)(align != "off", exposure != "off", align == "homography")


class Fitter:
    """See ``fitter``. Calls do not depend on each other.

    After a call, ``alignment`` (of ``find_homography``), ``moved`` (whether bgr was warped) and ``gains`` say what was done.
    """

    def __init__(self, align: bool, exposure: bool, always: bool):
        self._align, self._exposure, self._always = align, exposure, always
        self.alignment, self.moved, self.gains = None, False, (1.0, 1.0, 1.0)

    def __call__(self, src, bgr):
        """(bgr fitted to src, notes) of uint8 RGB (H, W, 3) of one size: bgr itself where nothing had to be or could be
        done, else a new array; notes are warnings, one line each, usually none. Raises ValueError: src and bgr differ in
        size."""
        bgr, exposure, notes = self._fit(src, bgr)
        return apply_exposure(bgr, exposure) if exposure else bgr, notes

    def _fit(self, src, bgr):
        """(bgr warped but not yet exposed, Exposure or None, notes)."""
        if src.shape != bgr.shape:
            raise ValueError(f"src and bgr must have one size, not {src.shape[:2]} and {bgr.shape[:2]}")
        self.moved, self.gains = False, (1.0, 1.0, 1.0)
        if not (self._align or self._exposure):
            return bgr, None, []
        alignment = self.alignment = find_homography(src, bgr)
        better = alignment.moved >= MOVED_LEAST and alignment.score > alignment.unmoved_score + BETTER
        useful = alignment.matrix is not None and (self._always or better)
        fitted = warp(bgr, alignment.matrix, src.shape[:2]) if self._align and useful else bgr
        exposure = fit_exposure(src, fitted)
        note = other_scene(alignment, exposure, src, fitted)
        if note:
            return bgr, None, [note]
        self.moved = fitted is not bgr
        self.gains = exposure.gains if self._exposure else self.gains
        notes = []
        if alignment.matrix is None and self._align and (self._always or alignment.inliers >= LEAST_INLIERS):
            notes.append(f"{NOT_ALIGNED}: {alignment.reason}.")
        elif better and not self._align:
            notes.append(f"{MOVED}, by up to {alignment.moved:.1f} pixels, and alignment is off: --align auto undoes that.")
        return fitted, exposure if self._exposure else None, notes


class VideoFitter(Fitter):
    """As ``Fitter``, for the frames of one video and one bgr.

    The first frame is fitted as a photo is. Later ones start from there: the camera's movement is followed, and a new start
    is made when it is lost; exposures are averaged over frames, so that a fit that wavers adds no flicker.
    """

    FOLLOW_SIDE = 480   # the longer side at which movement is followed
    STEADY = 0.35       # pixels of FOLLOW_SIDE: smaller movements are those of the fit
    LOST = 0.5          # of the score of the start
    PACE = 0.15         # of a change of the exposure is taken over with each frame
    JUMP = 0.12         # changes larger than this (logarithm) are taken over at once

    _bgr = None

    def __call__(self, src, bgr):
        """As ``Fitter``; notes come with the first frame, and with others after the camera was lost."""
        if self._bgr is not bgr or src.shape != bgr.shape or self._lost(src):
            return self._start(src, bgr)
        if self._exposure:
            self._follow_exposure(src)
        return self._exposed(), []

    def _start(self, src, bgr):
        self._warped, exposure, notes = self._fit(src, bgr)
        self._bgr, self._other = bgr, exposure is None and bool(notes)
        self._matrix = self.alignment.matrix if self.moved else np.eye(3)
        self._score = track(src, bgr, self._matrix, self.FOLLOW_SIDE).score if self._align else 0.0
        self._coefficients = np.array(UNCHANGED) if exposure is None else exposure.coefficients
        self._corrects = exposure is not None and exposure.curves is not None
        return self._exposed(), notes

    def _lost(self, src):
        """Follow the camera; True where it is no longer seen."""
        if not self._align or self._score < SAME_SCENE or self.alignment.matrix is None:
            return False  # there was nothing to follow
        fit = track(src, self._bgr, self._matrix, self.FOLLOW_SIDE)
        if fit.score < self.LOST * self._score:
            return True
        moved = corner_shift(fit.matrix, src.shape[:2], self._matrix) * self.FOLLOW_SIDE / max(src.shape[:2])
        if moved > max(self.STEADY, fit.error * self.FOLLOW_SIDE / max(src.shape[:2])):
            self._matrix, self.moved = fit.matrix, True
            self._warped = warp(self._bgr, fit.matrix, src.shape[:2])
        return False

    def _follow_exposure(self, src):
        if self._other:
            return
        exposure = fit_exposure(src, self._warped)
        change = exposure.coefficients - self._coefficients
        if exposure.curves is None and exposure.fitting < SAME_LIGHT:
            return  # nothing to be seen in this frame
        jump = np.abs(change[:, 0]).max() > self.JUMP
        self._coefficients = self._coefficients + change * (1 if jump else self.PACE)
        self._corrects = self._corrects or exposure.curves is not None
        self.gains = tuple(float(gain) for gain in np.exp(self._coefficients[:, 0]))

    def _exposed(self):
        return cv2.LUT(self._warped, curves_of(self._coefficients)[None]) if self._corrects else self._warped


def other_scene(alignment: Alignment | None, exposure: Exposure | None, src: np.ndarray, bgr: np.ndarray) -> str:
    """The warning for a bgr, as it was aligned, that shows another scene than src; "" where it may be the same one."""
    if max(alignment.score, alignment.unmoved_score) >= SAME_SCENE or alignment.inliers >= LEAST_INLIERS:
        return ""
    if exposure.fitting >= SAME_LIGHT and np.abs(np.log(exposure.gains)).max() <= STRONGEST:
        return ""
    small = [small_copy(image) for image in (src, apply_exposure(bgr, exposure))]
    difference = float(np.median(cv2.absdiff(*small).max(2)))
    if difference <= SMALL_DIFFERENCE:
        return ""
    plain = float(np.median(cv2.absdiff(small[0], small_copy(bgr)).max(2)))
    return (f"{OTHER_SCENE}: {alignment.inliers} of {alignment.features} features match, "
            f"median difference {plain:.0f}. It has to be a shot of the same place without the subject.")
