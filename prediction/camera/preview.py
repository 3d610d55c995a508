"""The preview: a window of OpenCV, and its keys."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from bgmatting.media.sheet import write_text
from bgmatting.prediction.camera.session import KEYS
from bgmatting.utils.errors import UserError, one_line

LAST = 20     # images that rates are taken over
INK = (255, 255, 255)

NAME = "matting"
PROBE = "import cv2; cv2.namedWindow('matting'); cv2.destroyAllWindows()"
ADVICE = "Use --no-window, which writes --output FILE.mp4."


class Window:
    """show(image) -> the key pressed since, "" for none, "q" where the window was closed. Then close().

    Raises:
        UserError: this OpenCV has no windows, or there is no screen.
    """

    def __init__(self):
        _check_screen()
        try:
            cv2.namedWindow(NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error:
            raise UserError(f"this OpenCV is a build without windows (opencv-python-headless?). {ADVICE}") from None
        self._shown = False

    def show(self, picture: np.ndarray | None = None) -> str:
        """picture: uint8 RGB (H, W, 3), or None: the last one stays."""
        if picture is not None:
            if not self._shown:
                cv2.resizeWindow(NAME, picture.shape[1], picture.shape[0])
            cv2.imshow(NAME, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            self._shown = True
        key = cv2.waitKey(1)
        if self._shown and cv2.getWindowProperty(NAME, cv2.WND_PROP_VISIBLE) < 1:
            return "q"
        return "" if key < 0 else chr(key & 0xFF)

    def close(self) -> None:
        cv2.destroyWindow(NAME)


def _check_screen():
    """On Linux some builds of OpenCV end the whole program where no screen is found; another one tries first."""
    if not sys.platform.startswith("linux"):
        return
    there = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if not there:
        raise UserError(f"there is no screen for the preview (DISPLAY is not set). {ADVICE}")
    try:
        tried = subprocess.run([sys.executable, "-c", PROBE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, timeout=60)
        failed = tried.returncode != 0 and b"not implemented" not in tried.stderr  # that is told by its own line
    except subprocess.TimeoutExpired:
        failed = True
    if failed:
        raise UserError(f"no window can be opened on this screen. {ADVICE}")


class Meter:
    """Images per second, and milliseconds from the camera to the window, over the last images."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self._clock, self._times, self._delays = clock, deque(maxlen=LAST), deque(maxlen=LAST)

    def shown(self, taken: float) -> None:
        """An image taken at ``taken`` is shown now."""
        now = self._clock()
        self._times.append(now)
        self._delays.append(now - taken)

    @property
    def fps(self) -> float:
        if len(self._times) < 2 or self._times[-1] == self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    @property
    def latency(self) -> float:
        return 1000 * sum(self._delays) / len(self._delays) if self._delays else 0.0


def lines_of(view: Any, session: Any, meter: Meter, dropped: int) -> list[str]:
    """The lines of text that go with a ``View``."""
    refined = "" if view.refined is None else f"  {view.refined} pixels refined"
    lines = [f"{meter.latency:.0f} ms  {meter.fps:.1f} fps  {dropped} dropped{refined}"]
    recording = f"  REC {session.recording.frames}" if session.recording is not None else ""
    lines.append(f"{view.state}  before {session.backdrop}{recording}")
    return lines + ([view.text] if view.text else []) + session.notes[-1:] + [KEYS]


def drawn(picture: np.ndarray, lines: list[str]) -> np.ndarray:
    """A copy of uint8 RGB (H, W, 3) with ``lines`` in its upper left corner, the image dark behind them."""
    picture = picture.copy()
    scale = max(0.35, min(1.5, picture.shape[0] / 900))
    step = round(34 * scale)
    strip = picture[:step * len(lines) + step // 2]
    strip //= 3
    for row, line in enumerate(lines):
        write_text(picture, one_line(line), (step // 2, (row + 1) * step), scale, INK, max(1, round(scale)))
    return picture
