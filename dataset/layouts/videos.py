"""Pairs of video files, a clip of foregrounds and one of alphas, frame by frame, found by the time stamps in the files."""
from __future__ import annotations

import os
import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from itertools import dropwhile
from pathlib import Path

import av
import cv2
import numpy as np

from bgmatting.dataset.layouts.mattes import check_matte
from bgmatting.dataset.layouts.pairing import check_sizes, files_by_name, pair_up
from bgmatting.dataset.layouts.sets import PairSet
from bgmatting.media import VIDEO_SUFFIXES
from bgmatting.media.exif import upright
from bgmatting.media.pixels import to_8_bits
from bgmatting.media.video.colour import colour_of, foreign_matrix, to_rgb
from bgmatting.media.video.container import crop_of
from bgmatting.media.video.reader import UNSHOWN
from bgmatting.media.video.rotation import rotation_of
from bgmatting.utils.errors import UserError

OPEN_CLIPS = 8  # a file each for fgr and pha of the last four clips
KEYS_TRIED = 3  # key frames to seek before a frame, the nearest first: a seek may land behind its target


def video_pairs(root: str | Path, folders: dict[str, str], unpaired: list | None = None,
                unread: list | None = None) -> PairSet:
    """Videos of fgr and of pha with the same names, in two folders; or one pair of files. A clip is a subject.

    The header of each file is read to learn how many frames it has.

    Args:
        folders: {"fgr": folder or file, "pha": folder or file} below ``root``.
        unpaired, unread: see ``dataset.layouts.pairing``.
    Returns ``PairSet`` with names such as 'clip/00012'.
    Raises UserError: nothing there, a clip without a partner, an unreadable file, or two lengths in one pair.
    """
    fgr_root, pha_root = Path(root, folders["fgr"]), Path(root, folders["pha"])
    if fgr_root.is_file() and pha_root.is_file():
        clip = fgr_root.stem
        fgr, pha = {clip: os.fspath(fgr_root)}, {clip: os.fspath(pha_root)}
    else:
        fgr, pha = (files_by_name(folder, unread, VIDEO_SUFFIXES) for folder in (fgr_root, pha_root))
    names, files = [], []
    for clip in pair_up(fgr_root, fgr, pha_root, pha, unpaired):
        for frame in range(_common_length(fgr[clip], pha[clip])):
            names.append(f"{clip}/{frame:05d}")
            files.append((fgr[clip], pha[clip], frame))
    return PairSet(names, files, ReadVideoPair())


class ReadVideoPair:
    """Reads one frame of two videos: (fgr_file, pha_file, frame) -> fgr uint8 RGB (H, W, 3), pha uint8 (H, W)."""

    def __init__(self):
        self._frames = FrameReader()

    def __call__(self, fgr_file, pha_file, frame):
        fgr = self._frames.read(fgr_file, frame)
        pha = cv2.cvtColor(self._frames.read(pha_file, frame), cv2.COLOR_RGB2GRAY)
        check_sizes(pha, pha_file, fgr, fgr_file)
        check_matte(pha, f"{pha_file} frame {frame}", lossless=False)
        return fgr, pha


def _common_length(fgr_file, pha_file):
    fgr, pha = count_frames(fgr_file), count_frames(pha_file)
    if fgr != pha:
        raise UserError(f"{pha_file} has {pha} frames but its foreground {fgr_file} has {fgr}; both must have as many.")
    return fgr


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
    """A video. Opening it reads the time stamps of all frames, but decodes none. Raises UserError: missing, or no video.

    Frames have the colours of ``media.video.reader.VideoReader``, are cut as the file asks for, and upright.
    """

    def __init__(self, path: str | Path):
        if not os.path.isfile(path):
            raise UserError(f"no such video: {path}. Check the path.")
        try:
            self._file = av.open(path)
            self._stream = self._file.streams.video[0]
            # Decoder threads would be waited for, in vain, where a forked worker collects a clip its parent dropped.
            self._stream.thread_type = "NONE"
            self._read_stamps()
        except (av.error.FFmpegError, IndexError):
            raise UserError(f"cannot open {path}: not a video, or damaged. Convert it to H.264 in .mp4.") from None
        self._path, self.count = path, len(self._times)
        self._decoded, self._next, self._crop = None, -1, None

    def frame(self, number: int) -> np.ndarray:
        """uint8 RGB (H, W, 3), or None where the file has no such frame. Raises UserError: its colours are not converted."""
        if number >= self.count:
            return None
        wanted, keys = self._times[number], self._keys[:bisect_right(self._keys, number)]
        under_way, self._next = keys[-1] <= self._next <= number, -1
        try:
            for key in [None] if under_way else dict.fromkeys([*keys[:-KEYS_TRIED - 1:-1], 0]):
                if key is not None:
                    self._decoded = self._decode_from(key)
                for frame in self._decoded:
                    if frame.pts == wanted:
                        self._next = number + 1
                        return self._image(frame)
                    if frame.pts > wanted:
                        break
                    under_way = True
                if under_way:  # what comes before it was decoded, and it was not
                    return None
        except av.error.FFmpegError:
            pass
        return None

    def _read_stamps(self):
        """Set the stamps of the frames in the order of showing, the numbers of key frames, and the stamp to begin at."""
        packets = [(packet.pts, packet.dts, packet.is_keyframe) for packet in self._file.demux(self._stream) if packet.size]
        formats = set(self._file.format.name.split(","))
        unshown = formats & set(UNSHOWN) or "mxf" in formats and all(pts == dts for pts, dts, _ in packets)  # as VideoReader
        self._counted = bool(unshown and self._stream.codec_context.has_b_frames)
        self._times = sorted({stamps[self._counted] for stamps in packets} - {None})
        # Frames that follow a key frame may be shown before it; and FFmpeg guesses other stamps after a seek in MPEG-PS.
        keys = set() if self._counted or "mpeg" in formats else {pts for pts, _, key in packets if key}
        self._keys = sorted({0, *(number for number, time in enumerate(self._times) if time in keys)})
        self._start = min((dts for _, dts, _ in packets if dts is not None), default=0)

    def _decode_from(self, number):
        """Frames with their stamps, from the key frame of that number on, or a later one where the seek lands behind it."""
        self._file.seek(self._times[number] if number else self._start, stream=self._stream)
        shown = None
        for packet in dropwhile(lambda packet: number and not packet.is_keyframe, self._file.demux(self._stream)):
            if self._counted:
                packet.pts = packet.dts
            for frame in self._stream.decode(packet):
                if self._counted:  # what came before the first could not be decoded
                    shown = shown or iter(self._times[bisect_left(self._times, frame.pts or 0):])
                    frame.pts = next(shown, None)
                if frame.pts is not None:
                    yield frame

    def _image(self, frame):
        colour = colour_of(frame, self._stream.codec_context)
        if foreign_matrix(colour) is not None:
            raise UserError(f"{self._path} states colours ({foreign_matrix(colour)}) that are not converted here. Convert "
                            "it to BT.709 first, or take it out of the set.")
        if self._crop is None:
            self._crop = crop_of(self._path, set(self._file.format.name.split(",")), 0, frame.width, frame.height)
        left, top, right, bottom = self._crop
        image = to_rgb(frame, colour)[top:frame.height - bottom, left:frame.width - right]
        return np.ascontiguousarray(to_8_bits(upright(image, rotation_of(frame))))
