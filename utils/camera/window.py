"""The preview: a window of OpenCV, and its keys."""
import os
import subprocess
import sys

import cv2

from utils.errors import UserError

NAME = "matting"
PROBE = "import cv2; cv2.namedWindow('matting'); cv2.destroyAllWindows()"
ADVICE = "Use --no-window, which writes --output FILE.mp4."


class Window:
    """show(picture) -> the key pressed since, "" for none, "q" where the window was closed. Then close().

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

    def show(self, picture=None):
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

    def close(self):
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
