"""Images of a camera by OpenCV: the newest one whenever one is asked for, or those of a file, one after the other."""
from __future__ import annotations

import os
import threading
import time
from typing import Any, NamedTuple

import cv2
import numpy as np

from bgmatting.media import PHOTO_SUFFIXES
from bgmatting.media.video.opening import is_url
from bgmatting.prediction.source import PREFIX
from bgmatting.utils.errors import UserError

PATIENCE = 10.0       # seconds without an image, after which a camera counts as gone
JOIN = 2.0            # seconds that a last reading may take
RATE = 30.0           # images per second, where nothing is said about them
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # where OpenCV looks for options of FFmpeg, when it opens something
FILMS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,nut,gif,apng,mjpeg,h264,hevc,ivf,yuv4mpegpipe,wtv,dv,rm"
MISSES = 3            # failed readings in a row, after which a camera counts as gone

END = object()        # there is no further image


class Shot(NamedTuple):
    """image: uint8 RGB (H, W, 3); time in seconds, of ``time.perf_counter``, or of the file."""
    image: np.ndarray
    time: float


def open_source(text: str, live: bool) -> Every | Newest:
    """Open what follows "camera:" in ``text``: a number, or the path or address of a video that stands in for a camera.

    ``Newest`` or ``Every``: next(timeout) -> ``Shot``, None where there is none yet, or END behind a file's last; ``size``
    (height, width), ``rate`` in images per second, ``dropped``, ``live``, close().

    Args:
        live: a file is played at its own pace, images that nobody takes in time are dropped; False: all its images
            are handed out, as fast as they are asked for. Cameras and addresses are live in any case.
    Raises:
        UserError: it cannot be opened, or gives no image.
    """
    name = text[len(PREFIX):]
    if not name:
        raise UserError(f"--src {text} does not say which camera: the first is camera:0.")
    is_number, is_address = name.isascii() and name.isdigit(), is_url(name)
    file = not is_number and not is_address
    if file:
        _check_file(text, name)
    capture = _opened(text, name, is_number, is_address)
    return Newest(text, capture, file) if live or not file else Every(text, capture)


class Every:
    """All images of an open ``cv2.VideoCapture`` of a file; see ``open_source``."""

    live, dropped = False, 0

    def __init__(self, name: str, capture: Any):
        self._capture, self._count, self.rate = capture, 0, _rate(capture)
        self._first = _first(name, capture)
        self.size = self._first.shape[:2]

    def next(self, timeout: float | None = None) -> Shot | object:
        image, self._first = self._first, None
        if image is None:
            image = _read(self._capture)
        if image is None:
            return END
        self._count += 1
        return Shot(image, (self._count - 1) / self.rate)

    def close(self) -> None:
        self._capture.release()


class Newest:
    """The newest image of an open ``cv2.VideoCapture``, which a thread reads all the time; see ``open_source``.

    Args:
        name: for messages. ends: it is a file: it is read at its own pace, and its end is no fault.
    """

    live = True

    def __init__(self, name: str, capture: Any, ends: bool = False):
        self._name, self._capture, self._ends, self.rate = name, capture, ends, _rate(capture)
        self._shot, self._over, self._closing = Shot(_first(name, capture), time.perf_counter()), False, threading.Event()
        self.size = self._shot.image.shape[:2]
        self.dropped, self.taken, self._heard = 0, 0, None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._grab, daemon=True)
        self._thread.start()

    def next(self, timeout: float | None = 0.1) -> Shot | object | None:
        """Raises UserError where the camera has stopped."""
        with self._change:
            self._change.wait_for(lambda: self._shot is not None or self._over, timeout)
            shot, self._shot = self._shot, None
            over = self._over
        now = time.perf_counter()
        self._heard = now if self._heard is None else self._heard  # opening the network takes its time before
        if shot is not None:
            self._heard, self.taken = now, self.taken + 1
            return shot
        if over and self._ends:
            return END
        if over or now - self._heard > PATIENCE:
            raise UserError(f"{self._name} stopped delivering images after {self.taken}. Check its plug, cable or "
                            f"connection, and whether another program took it.")
        return None

    def close(self) -> None:
        """Stop reading. A camera whose last reading does not return is left to the end of the program."""
        self._closing.set()
        self._thread.join(JOIN)
        if not self._thread.is_alive():
            self._capture.release()

    def _grab(self):
        misses, due = 0, time.perf_counter()
        while not self._closing.is_set() and misses < (1 if self._ends else MISSES):
            if self._ends:
                due += 1 / self.rate
                self._closing.wait(max(0.0, due - time.perf_counter()))
            image = _read(self._capture)
            if image is None:
                misses += 1
                continue
            misses = 0
            with self._change:
                self.dropped += self._shot is not None
                self._shot = Shot(image, time.perf_counter())
                self._change.notify()
        with self._change:
            self._over = True
            self._change.notify()


def _check_file(text, name):
    if not os.path.exists(name):
        raise UserError(f"--src {text}: neither the number of a camera, such as camera:0, nor a video that is there.")
    if not os.path.isfile(name) or name.lower().endswith(PHOTO_SUFFIXES):  # opening a pipe would wait for ever
        raise UserError(f"--src {text}: only a video can stand in for a camera.")


def _opened(text, name, is_number, is_address):
    try:
        if is_number:
            capture = cv2.VideoCapture(int(name))
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where it is obeyed, images wait nowhere
        elif is_address:
            capture = _stream(name)
        else:
            capture = _film(os.path.abspath(name))  # a colon in it marks no protocol
    except (cv2.error, OverflowError, UnicodeError):
        capture = None
    if capture is None or not capture.isOpened():
        why = ("no such camera, another program uses it, or this program may not. Try camera:1, or close the other one."
               if is_number else "nothing answers there. Check the address." if is_address else
               "not a video, a playlist of others, or damaged.")
        raise UserError(f"cannot open {text}: {why}")
    return capture


def _film(path):
    """A file, where it holds its images itself: a playlist under any name would open other files and addresses."""
    before = os.environ.get(OPTIONS)
    os.environ[OPTIONS] = "|".join(filter(None, (before, f"format_whitelist;{FILMS}")))
    try:
        own = cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends()
        return cv2.VideoCapture(path, cv2.CAP_FFMPEG if own else cv2.CAP_ANY)
    finally:
        if before is None:
            del os.environ[OPTIONS]
        else:
            os.environ[OPTIONS] = before


def _stream(address):
    """An address, given up after a while where this OpenCV can."""
    if not hasattr(cv2, "CAP_PROP_OPEN_TIMEOUT_MSEC"):
        return cv2.VideoCapture(address)
    wait = int(PATIENCE * 1000)
    return cv2.VideoCapture(address, cv2.CAP_FFMPEG,
                            [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait, cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait])


def _first(name, capture):
    image = None
    for _ in range(MISSES):
        image = _read(capture)
        if image is not None:
            return image
    capture.release()
    raise UserError(f"{name} gives no image: damaged, or another program uses it.")


def _read(capture):
    """uint8 RGB (H, W, 3), or None."""
    try:
        done, image = capture.read()
    except cv2.error:
        return None
    if not done or image is None or image.size == 0:
        return None
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 or image.shape[2] == 1 else cv2.COLOR_BGR2RGB)


def _rate(capture):
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if rate and 1 <= rate <= 1000 else RATE
