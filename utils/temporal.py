"""Removes flicker from the mattes of a film without smearing what moves.

Each matte is averaged with the one before, moved along with the picture: dense optical flow (DIS; Kroeger et al., "Fast
Optical Flow using Dense Inverse Search", ECCV 2016) tells where each pixel was, and the average is taken only where the
photo of then, brought here by the flow, looks as the photo of now. What was uncovered, and what moves in a way that the flow
does not explain, takes the new value. The weight of the past grows with how long it has held, as in a Kalman filter of a
constant (Kalman, 1960), up to a limit.
"""
import cv2
import numpy as np

FLOW_SIDE = 480       # the flow is found on copies with so many pixels on the longer side
MEMORY = 5.0          # frames that the average reaches back
LOOSE = 6.0           # gray levels by which a photo may differ from the one before, beyond its noise
CUT = 28.0            # gray levels of mean difference after the motion: another scene
CUT_RATIO = 0.5       # and so large a share of the pixels without a past


class Smoother:
    """Call it with the frames of one film in order; ``reset`` before another film.

    Args:
        memory: how many frames the average reaches back where nothing changes; 1 and less turns it off.
    """

    def __init__(self, memory=MEMORY):
        self.memory = memory
        self.reset()

    def reset(self):
        """Forget the past."""
        self._flow = self._gray = self._small = self._pha = self._held = None

    def __call__(self, src, pha):
        """The matte of the next frame, smoothed.

        Args:
            src: uint8 RGB (H, W, 3); pha: float32 (H, W) in 0..1, the matte of that frame alone.
        Returns:
            float32 (H, W) in 0..1, a new array.
        """
        scale = min(1.0, FLOW_SIDE / max(pha.shape))
        small = src if scale == 1 else cv2.resize(src, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), 0.8)
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        if self._pha is None or self._pha.shape != pha.shape:
            smooth, held = pha.copy(), np.ones(gray.shape, np.float32)
        else:
            smooth, held = self._average(small, gray, pha)
        self._small, self._gray, self._pha, self._held = small, gray, smooth, held
        return smooth.copy()

    def _average(self, small, gray, pha):
        if self._flow is None:
            self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        flow = self._flow.calc(gray, self._gray, None)
        trust, held = self._trust(small, flow)
        weight = trust * held / (held + 1)
        height, width = pha.shape
        if gray.shape != pha.shape:
            flow = cv2.resize(flow, (width, height)) * np.float32([width / gray.shape[1], height / gray.shape[0]])
            weight = cv2.resize(weight, (width, height))
        past = _moved(self._pha, flow)
        smooth = pha + weight * (past - pha)
        return smooth, np.minimum(trust * held + 1, self.memory)

    def _trust(self, small, flow):
        before = _moved(self._small, flow)
        difference = small.astype(np.float32) - before
        difference -= np.median(difference[::4, ::4].reshape(-1, 3), axis=0)  # the light flickers too
        difference = cv2.blur(np.abs(difference).max(2), (3, 3))
        noise = float(np.median(difference[::2, ::2]))
        trust = np.exp(-np.square(np.maximum(difference - 1.5 * noise, 0) / LOOSE))
        return trust, np.maximum(_moved(self._held, flow), 1) 


def _moved(image, flow):
    """``image`` of the frame before where the flow says that its pixels are now."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
