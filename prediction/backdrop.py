"""What subjects are set before: a photo, a video, a colour, or the scene itself out of focus."""
import os

import cv2
import numpy as np

from bgmatting.media import is_animation
from bgmatting.prediction.notes import told_photo
from bgmatting.prediction.sizes import fit_size
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import why_missing

BLUR = "blur"
BLUR_SIGMA = 1 / 40  # of the picture's longer side
WORK_SIDE = 640      # a blurred picture is smooth, so it is blurred small and enlarged


def open_backdrop(text):
    """The ``Backdrop`` that ``text`` names.

    Args:
        text: "blur"; a colour as CSS writes it ("white", "#20c040", "rgb(32, 192, 64)"); or the path of a photo or
            video (a file called as a colour: "./white").

    Returns:
        a ``Backdrop``: ``frame(index, src, bgr)`` -> uint8 RGB (H, W, 3) of the size of src, an array that the caller may
        not change, and ``close()``. bgr is the scene of src, or None; index is the number of the picture, from 0; a video
        starts over at its end. Where src is uint16, so are what is blurred and videos that are as deep.

    Raises:
        UserError: no such colour or file, or it cannot be read.
    """
    text = str(text)
    if text == BLUR:
        return BlurBackdrop()
    colour = colour_of(text)
    if colour is not None:
        return ColourBackdrop(colour)
    if not os.path.exists(text):
        why = f" {why_missing(text)}" if os.path.dirname(text) else ""
        raise UserError(f"no such background: {text}.{why} Name a photo, a video, a colour (white, #20c040) or {BLUR}.")
    if _is_video(text):
        return VideoBackdrop(text)
    return PhotoBackdrop(text)


def blurred(picture, sigma=BLUR_SIGMA):
    """uint8 or uint16 (H, W, 3) out of focus: a Gaussian of ``sigma`` times the longer side."""
    height, width = picture.shape[:2]
    scale = min(1, WORK_SIDE / max(height, width))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    soft = cv2.GaussianBlur(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (0, 0), max(sigma * max(small), 0.1))
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)


class Backdrop:
    """What all have: they are closed at the end of a ``with``."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Nothing is open."""


class ColourBackdrop(Backdrop):
    """One colour all over: rgb is three numbers in 0..255."""

    def __init__(self, rgb):
        self._rgb = tuple(rgb)

    def frame(self, index, src, bgr):
        return np.broadcast_to(np.array(self._rgb, np.uint8), src.shape)


class BlurBackdrop(Backdrop):
    """The scene out of focus: bgr where it is given, so that the subject leaves no halo, else src."""

    def frame(self, index, src, bgr):
        scene = src if bgr is None else bgr
        return blurred(scene if scene.dtype == src.dtype else scene.astype(np.uint16) * 257)


class PhotoBackdrop(Backdrop):
    """One photo for all; what was cut for one size is kept for the next picture of that size."""

    def __init__(self, path):
        self._photo = told_photo(path)
        self._cut = None

    def frame(self, index, src, bgr):
        if self._cut is None or self._cut.shape != src.shape:
            self._cut = fit_size(self._photo, src.shape[:2], "crop")
        return self._cut


class VideoBackdrop(Backdrop):
    """The pictures of a video in turn, from the start again behind the last one; an index passed over is read past."""

    def __init__(self, path):
        self._path, self._next, self._length, self._shown, self._deep = path, 0, None, None, False
        self._open()

    def frame(self, index, src, bgr):
        self._deep = src.dtype == np.uint16
        self._reader.want_depth(self._deep)
        wanted = index if self._length is None else index % self._length
        if wanted < self._next - 1:
            self._rewind()
        while self._next <= wanted:
            frame = next(self._frames, None)
            if frame is not None:
                self._shown = frame.image if frame.deep is None else frame.deep
                self._next += 1
                continue
            if not self._next:
                raise UserError(f"{self._path} holds no picture that can be decoded. Convert it to MP4.")
            self._length = self._next
            wanted %= self._length
            self._rewind()
        return fit_size(self._shown, src.shape[:2], "crop")

    def close(self):
        self._reader.close()

    def _open(self):
        from bgmatting.media.video.reader import open_video
        self._reader = open_video(self._path, sound=False)
        self._reader.want_depth(self._deep)
        self._frames = iter(self._reader)

    def _rewind(self):
        self._reader.close()
        self._next = 0
        self._open()


def colour_of(text):
    from PIL import ImageColor
    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError:
        return None


def _is_video(text):
    from bgmatting.media import VIDEO_SUFFIXES
    return text.lower().endswith(VIDEO_SUFFIXES) or is_animation(text)
