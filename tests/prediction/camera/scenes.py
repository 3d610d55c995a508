"""A scene with a subject in front of it, a stand-in for the network, and one for a camera."""
import time

import numpy as np

from tests.prediction.command import Matte

HEIGHT, WIDTH, RATE = 48, 64, 25


def scene(level=40):
    """uint8 (H, W, 3) of the empty scene."""
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def picture(index, level=40):
    """The scene with a bright square, whose place tells ``index``."""
    image = scene(level)
    left = 2 * (index % 20)
    image[16:32, left:left + 16] = (220, 180, 160)
    return image


class StandIn:
    """Takes for subject what differs from bgr by more than 20; refines as many pixels as it is told, 16 at once."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def __init__(self, sample_pixels=512):
        self.sample_pixels, self.backgrounds = sample_pixels, []

    def predict(self, src, bgr, want):
        assert tuple(want) == ("pha", "fgr", "ref")
        self.backgrounds.append(bgr)
        pha = (np.abs(src.astype(int) - bgr).max(2) > 20).astype(np.float32)
        small = np.zeros(src.shape[0] * src.shape[1] // 16, np.float32)
        small[:self.sample_pixels // 16] = 1
        ref = small.reshape(src.shape[0] // 4, -1).repeat(4, 0).repeat(4, 1)
        return Matte(pha, src.astype(np.float32) / 255, None, ref)


class Capture:
    """In place of ``cv2.VideoCapture``: hands out ``pictures``, RGB here and BGR there, and then nothing."""

    def __init__(self, pictures=(), opened=True, pause=0.0):
        self._pictures, self._opened, self._pause, self.released = list(pictures), opened, pause, False

    def isOpened(self):
        return self._opened

    def set(self, *_):
        return True

    def get(self, *_):
        return 0.0

    def read(self):
        time.sleep(self._pause)
        image = self._pictures.pop(0) if self._pictures else None
        return image is not None, None if image is None else image[..., ::-1]

    def release(self):
        self.released = True
