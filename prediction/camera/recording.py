"""A video file of what the camera sees, with the times at which it saw it."""
from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from bgmatting.media.video.colour import BT601, BT709, LIMITED, Colour
from bgmatting.media.video.reader import Info
from bgmatting.media.video.writer import FORMATS, format_of, open_writer
from bgmatting.utils.errors import UserError

TICK = Fraction(1, 90000)  # seconds: what MPEG counts in; fine enough for every rate


class Recording:
    """One video (.mp4, .mov or .webm), opened with its first image; a file only once ``close`` has finished it. rate:
    images per second, about; their times are kept. frames: how many were written. Raises UserError for a suffix that is
    not written, or where PyAV is missing."""

    def __init__(self, path: str | os.PathLike, rate: float):
        self.path, self.frames = Path(path), 0
        self._rate, self._writer, self._start = Fraction(rate).limit_denominator(1001), None, 0.0
        if not FORMATS[format_of(path)].suffix:
            raise UserError(f"{path} has no suffix; a recording is .mp4, .mov or .webm.")

    def write(self, image: np.ndarray, now: float) -> None:
        """Append uint8 RGB (H, W, 3), seen at ``now`` seconds. Raises as ``VideoWriter.write``, and as it is opened."""
        if self._writer is None:
            self._writer, self._start = open_writer(self.path, self._info(image)), now
        pts = Fraction(now - self._start).limit_denominator(90000)
        self._writer.write(image, pts, 1 / self._rate)
        self.frames = self._writer.frames

    def close(self) -> None:
        """Finish the file. Without an image there is none. Raises OSError where it could not be finished."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _info(self, image):
        height, width = image.shape[:2]
        matrix = BT709 if width >= 1280 or height > 576 else BT601
        return Info(width, height, self._rate, TICK, Colour(LIMITED, matrix, matrix, matrix), None, None, False, Fraction(1))


def timed_name(folder: str | os.PathLike, suffix: str = ".mp4") -> Path:
    """FOLDER/camera_YYYYMMDD-HHMMSS.mp4, with a number behind it where that exists."""
    name = time.strftime("camera_%Y%m%d-%H%M%S")
    path, number = Path(folder, name + suffix), 2
    while path.exists():
        path, number = Path(folder, f"{name}_{number}{suffix}"), number + 1
    return path
