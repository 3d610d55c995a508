"""Single frames of video files, by number, found by the time stamps in the file."""
from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections import OrderedDict
from pathlib import Path

import av
import numpy as np

from bgmatting.utils.errors import UserError

OPEN_CLIPS = 8  # a file each for fgr and pha of the last four clips


class FrameReader:
    """Reads frames and keeps the last few files open, apart for each process. Threads take turns. Can be pickled."""

    def __init__(self):
        # {process: (lock, {path: open clip})}. A forked worker must neither read through its parent's files, for both
        # would move the same file position, nor close them, for a decoder waits for threads that were not forked.
        # So what was inherited is left as it is.
        self._kept = {}

    def read(self, path: str | Path, number: int) -> np.ndarray:
        """Frame ``number`` of the file, uint8 RGB (H, W, 3). Raises UserError: no such file, or no such frame."""
        lock, clips = self._kept.setdefault(os.getpid(), (threading.Lock(), OrderedDict()))
        with lock:
            clip = clips.pop(path, None) or Clip(path)
            image = clip.frame(number)
            if image is None:  # left out of ``clips``, and so opened afresh for the next frame
                raise UserError(f"cannot read frame {number} of {path}: the video is damaged or shorter than it says. "
                                f"Write it again, or take it out of the set.")
            clips[path] = clip
            while len(clips) > OPEN_CLIPS:
                clips.popitem(last=False)
        return image

    def __getstate__(self):
        return {"_kept": {}}


def count_frames(path: str | Path) -> int:
    """Return how many frames a video has; at least 1. Raises UserError as ``Clip``, or for a video without frames."""
    count = Clip(path).count
    if count < 1:
        raise UserError(f"{path} has no frames. Write it again, or take it out of the set.")
    return count


class Clip:
    """A video. Opening it reads the time stamps of all frames, but decodes none. Raises UserError: missing, or no video."""

    def __init__(self, path: str | Path):
        if not os.path.isfile(path):
            raise UserError(f"no such video: {path}. Check the path.")
        try:
            self._file = av.open(path)
            self._stream = self._file.streams.video[0]
            # Decoder threads would be waited for, in vain, where a forked worker collects a clip its parent dropped.
            self._stream.thread_type = "NONE"
            self._times = sorted(packet.pts for packet in self._file.demux(self._stream) if packet.pts is not None)
        except (av.error.FFmpegError, IndexError):
            raise UserError(f"cannot open {path}: not a video, or damaged. Convert it to H.264 in .mp4.") from None
        self.count = len(self._times)
        self._decoded = None
        self._next = None

    def frame(self, number: int) -> np.ndarray:
        """uint8 RGB (H, W, 3), or None where the file has no such frame."""
        if number >= self.count:
            return None
        try:
            if number != self._next:
                self._file.seek(self._times[number], stream=self._stream)  # to the key frame at or before it
                self._decoded = self._file.decode(self._stream)
            for frame in self._decoded:
                if bisect_left(self._times, frame.pts) >= number:
                    self._next = number + 1
                    return frame.to_ndarray(format="rgb24")
        except av.error.FFmpegError:
            self._next = None
        return None
