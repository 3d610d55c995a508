"""What the preview says: state, speed, keys."""
import time
from collections import deque

import cv2

from utils.camera.session import KEYS
from utils.errors import one_line

LAST = 20     # pictures that rates are taken over
INK = (255, 255, 255)


class Meter:
    """Pictures per second, and milliseconds from the camera to the window, over the last pictures."""

    def __init__(self, clock=time.perf_counter):
        self._clock, self._times, self._delays = clock, deque(maxlen=LAST), deque(maxlen=LAST)

    def shown(self, taken):
        """A picture taken at ``taken`` is shown now."""
        now = self._clock()
        self._times.append(now)
        self._delays.append(now - taken)

    @property
    def fps(self):
        if len(self._times) < 2 or self._times[-1] == self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    @property
    def latency(self):
        return 1000 * sum(self._delays) / len(self._delays) if self._delays else 0.0


def lines_of(view, session, meter, dropped):
    """The lines of text that go with a ``View``."""
    refined = "" if view.refined is None else f"  {view.refined} pixels refined"
    lines = [f"{meter.latency:.0f} ms  {meter.fps:.1f} fps  {dropped} dropped{refined}"]
    recording = f"  REC {session.recording.frames}" if session.recording is not None else ""
    lines.append(f"{view.state}  before {session.target}{recording}")
    return lines + ([view.text] if view.text else []) + session.notes[-1:] + [KEYS]


def drawn(picture, lines):
    """A copy of uint8 RGB (H, W, 3) with ``lines`` in its upper left corner, the picture dark behind them."""
    picture = picture.copy()
    scale = max(0.35, min(1.5, picture.shape[0] / 900))
    step = round(34 * scale)
    strip = picture[:step * len(lines) + step // 2]
    strip //= 3
    for row, line in enumerate(lines):
        text = one_line(line).encode("ascii", "replace").decode()
        cv2.putText(picture, text, (step // 2, (row + 1) * step), cv2.FONT_HERSHEY_SIMPLEX, scale, INK, max(1, round(scale)),
                    cv2.LINE_AA)
    return picture
