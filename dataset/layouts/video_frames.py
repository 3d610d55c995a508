"""Single frames of video files, by number. PyAV reads them where it is installed, else OpenCV.

PyAV goes by the time stamps in the file and is exact. OpenCV goes by number and frame rate, which is exact for files
of constant frame rate.
"""
import os
import threading
from bisect import bisect_left
from collections import OrderedDict

import cv2

from bgmatting.utils.errors import UserError

try:
    import av
except ImportError:
    av = None

OPEN_CLIPS = 8  # a file each for fgr and pha of the last four clips


class FrameReader:
    """Reads frames and keeps the last few files open, apart for each process. Threads take turns. Can be pickled."""

    def __init__(self):
        # {process: (lock, {path: open clip})}. A forked worker must neither read through its parent's files, for both
        # would move the same file position, nor close them, for a decoder waits for threads that were not forked.
        # So what was inherited is left as it is.
        self._kept = {}

    def read(self, path, number):
        """Frame ``number`` of the file, uint8 RGB (H, W, 3). Raises UserError: no such file, or no such frame."""
        lock, clips = self._kept.setdefault(os.getpid(), (threading.Lock(), OrderedDict()))
        with lock:
            clip = clips.pop(path, None) or open_clip(path)
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


def open_clip(path):
    """Open a video: an object with ``count`` and ``frame(number)``. Raises UserError: missing, or no video."""
    if not os.path.isfile(path):
        raise UserError(f"no such video: {path}. Check the path.")
    return OpenCVClip(path) if av is None else PyAVClip(path)


def count_frames(path):
    """How many frames a video has; at least 1. Raises UserError as ``open_clip``, or for a video without frames."""
    count = open_clip(path).count
    if count < 1:
        raise UserError(f"{path} has no frames. Write it again, or take it out of the set.")
    return count


class OpenCVClip:
    """A video read through OpenCV."""

    def __init__(self, path):
        self._capture = cv2.VideoCapture(path)
        if not self._capture.isOpened():
            raise UserError(f"cannot open {path}: not a video, or of a kind this OpenCV does not read. Convert it to "
                            f"H.264 in .mp4, or `pip install av`.")
        self.count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._next = 0

    def frame(self, number):
        """uint8 RGB (H, W, 3), or None where the file has no such frame."""
        if number != self._next:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        done, image = self._capture.read()
        self._next = number + 1
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if done else None


class PyAVClip:
    """A video read through PyAV. Opening it reads the time stamps of all frames, but decodes none."""

    def __init__(self, path):
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

    def frame(self, number):
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
