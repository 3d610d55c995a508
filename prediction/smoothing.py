"""Removes flicker from the mattes of a video without smearing what moves.

Each matte is averaged with the one before, moved along with the picture: dense optical flow (DIS; Kroeger et al., "Fast
Optical Flow using Dense Inverse Search", ECCV 2016) tells where each pixel was, and the average is taken only where the
photo of then, brought here by the flow, looks as the photo of now. What was uncovered, and what moves in a way that the flow
does not explain, takes the new value. The weight of the past grows with how long it has held, as in a Kalman filter of a
constant (Kalman, 1960), up to a limit.
"""
from __future__ import annotations

import functools

import cv2
import numpy as np

from bgmatting.media.operations import scaled

WAYS = ("flow", "ofd")  # ``Smoother``, ``prediction.video.delay.OneFrameDelay``
FLOW_SIDE = 480    # the flow is found on copies with so many pixels on the longer side
MEMORY = 6.0       # frames that the average reaches back
LOOSE = 5.0        # gray levels by which a photo may differ from the one before it, beyond its noise
NOISY = 1.5        # times the median difference is noise
MOVING = 1.5       # how much an outline's slope times its speed (pixels) speaks against the past
FASTEST = 3.0      # pixels of the small copy: beyond, speed makes no difference
LEAST_SIDE = 16    # pixels of the small copy: below, no flow can be found, and mattes stay as they are
CUT = 0.45         # of the image has to have a past, or it is another scene


class Smoother:
    """Call it with the frames of one video in their order; ``reset`` it before another video. A cut is noticed."""

    def __init__(self):
        self._flow = None
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next matte stays as it is."""
        self._gray = self._small = self._pha = self._held = None

    def __call__(self, src, pha):
        """The matte of the next frame, smoothed: a new array.

        Args:
            src: uint8 RGB (H, W, 3). pha: float32 (H, W) in 0..1, the matte of that frame by itself.
        Raises:
            ValueError: src and pha differ in size.
        """
        if src.shape[:2] != pha.shape:
            raise ValueError(f"src and pha must have one size, not {src.shape[:2]} and {pha.shape}")
        small = reduced(src)
        if min(small.shape[:2]) < LEAST_SIDE:
            return pha.copy()
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        known = self._pha is not None and self._pha.shape == pha.shape
        flow, trust = self._follow(small, gray) if known else (None, np.zeros(1))
        if trust.mean() < CUT:
            smooth, held = pha.copy(), np.ones(gray.shape, np.float32)
        else:
            # cubic: mattes are resampled again and again, and each time bilinear they would be softer
            past = np.clip(moved(self._pha, _enlarged(flow, pha.shape), cv2.INTER_CUBIC), 0, 1)
            held = trust * moved(self._held, flow) * _resting(past, flow)
            smooth = pha + _enlarged(held / (held + 1), pha.shape) * (past - pha)
            held = np.minimum(held + 1, MEMORY)
        self._small, self._gray, self._pha, self._held = small, gray, smooth, held
        return smooth.copy()

    def _follow(self, small, gray):
        """(flow (h, w, 2) to the frame before, how far the past of each pixel can be trusted (h, w) in 0..1)."""
        if self._flow is None:
            self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flow = self._flow.calc(gray, self._gray, None)
        change = small.astype(np.float32) - moved(self._small, flow)
        change -= np.median(change[::4, ::4].reshape(-1, 3), axis=0)  # the light flickers too
        change = cv2.blur(np.abs(change).max(2), (3, 3))
        noise = NOISY * float(np.median(change[::2, ::2]))
        noise = min(noise, LOOSE)  # a cut is no noise
        return flow, np.exp(-np.square(np.maximum(change - noise, 0) / LOOSE))


def _resting(past, flow):
    """Less than 1 where an outline moves (h, w): a flow that is off by a part of a pixel would blur it."""
    small = cv2.resize(past, flow.shape[1::-1], interpolation=cv2.INTER_AREA)
    slope = cv2.magnitude(*(cv2.Sobel(small, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1))))
    speed = cv2.magnitude(flow[..., 0], flow[..., 1])
    return 1 / (1 + np.square(MOVING * cv2.dilate(slope, np.ones((3, 3), np.uint8)) * np.minimum(speed, FASTEST)))


def _enlarged(array, shape):
    """A weight (h, w) or a flow (h, w, 2) for images of another shape (H, W)."""
    if array.shape[:2] == shape:
        return array
    height, width = shape
    large = cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR)
    return large if array.ndim == 2 else cv2.multiply(large, (width / array.shape[1], height / array.shape[0], 0, 0))


def reduced(src: np.ndarray) -> np.ndarray:
    """The copy on which motion is found: smoothed a little, so that noise does not count as change."""
    scale = min(1.0, FLOW_SIDE / max(src.shape[:2]))
    small = src if scale == 1 else scaled(src, scale)
    return cv2.GaussianBlur(small, (0, 0), 0.8)


def moved(image: np.ndarray, flow: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """``image`` of the frame before, brought to where the flow says that its pixels are now."""
    place = flow + _grid(*flow.shape[:2])
    return cv2.remap(image, place, None, interpolation, borderMode=cv2.BORDER_REPLICATE)


@functools.lru_cache(maxsize=2)
def _grid(height, width):
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    grid = np.dstack([x, y])
    grid.setflags(write=False)
    return grid
