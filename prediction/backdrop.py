"""Backdrops that subjects are set before: a photo, a video, a colour, or the scene itself out of focus."""
from __future__ import annotations

import os
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain

import cv2
import numpy as np

from bgmatting.media.colours import colour_of
from bgmatting.media.decoding import HERE, InPlace, Isolated
from bgmatting.media.operations import cover
from bgmatting.media.video.sequence import RATE, is_sequence
from bgmatting.prediction.source import frames_of, info_of, is_video, still
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import why_missing

BLUR = "blur"
BLUR_SIGMA = 1 / 40  # of the image's longer side
WORK_SIDE = 640      # a blurred image is smooth, so it is blurred small and enlarged
SQUARE = Fraction(1)


def open_backdrop(text: str | os.PathLike | None, notes: list[str] | None = None,
                  decoding: InPlace | Isolated = HERE, premultiplied: bool = False,
                  rate: Fraction = RATE, aspect: Fraction = SQUARE) -> Backdrop | None:
    """The ``Backdrop`` that ``text`` names.

    Args:
        text: "blur"; a colour as CSS writes it ("white", "#20c040", "rgb(32, 192, 64)"); the path of a photo or video (a
            file called as a colour: "./white"); None for none.
        notes: None, or a list to which remarks on a photo are appended.
        decoding: by what a file is decoded. premultiplied: plates with alpha are. rate: frames a second of src, at which
            a sequence plays that states none. aspect: of a pixel of src, width to height.
    Returns:
        an object with ``frame(index, src, bgr)`` -> uint8 RGB (H, W, 3) of the size of src, which the caller may not
            change, and ``close()``. bgr is the scene of src, or None; index counts images from 0: a video goes on by one
            for each, or with the time where ``behind`` shows it, and starts over at its end. Where src is uint16, so are
            what is blurred and deep videos.
    Raises:
        UserError: no such colour or file, or it cannot be read.
    """
    if text is None:
        return None
    text = str(text)
    if text == BLUR:
        return BlurBackdrop()
    colour = colour_of(text)
    if colour is not None:
        return ColourBackdrop(colour)
    moves = is_video(text, decoding)
    if not moves and not os.path.exists(text):
        why = f" {why_missing(text)}" if os.path.dirname(text) else ""
        raise UserError(f"no such background: {text}.{why} Name a photo, a video, a colour (white, #20c040) or {BLUR}.")
    if moves:
        return VideoBackdrop(text, decoding, premultiplied, rate, aspect)
    image, found = decoding.call(still, text, premultiplied)
    if notes is not None:
        notes += found
    own = decoding.call(info_of, text).aspect if is_sequence(text) else SQUARE  # of one plate
    return PhotoBackdrop(image, aspect / own)


def names_file(text: str | os.PathLike | None) -> bool:
    """Whether ``text``, as ``open_backdrop`` takes it, names a photo or video: neither a colour nor "blur"."""
    return text is not None and str(text) != BLUR and colour_of(str(text)) is None


def behind(backdrop: Backdrop, time: float, index: int, src: np.ndarray, bgr: np.ndarray | None) -> np.ndarray:
    """Return ``backdrop.frame(index, src, bgr)`` for a frame shown at ``time`` seconds: a video goes by those."""
    return backdrop.at(time, src) if isinstance(backdrop, VideoBackdrop) else backdrop.frame(index, src, bgr)


def blurred(picture: np.ndarray, sigma: float = BLUR_SIGMA) -> np.ndarray:
    """uint8 or uint16 (H, W, 3) out of focus: a Gaussian of ``sigma`` times the longer side."""
    height, width = picture.shape[:2]
    scale = min(1, WORK_SIDE / max(height, width))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    soft = cv2.GaussianBlur(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (0, 0), max(sigma * max(small), 0.1))
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)


def covering(image: np.ndarray, size: tuple[int, int], aspect: Fraction) -> np.ndarray:
    """``image`` as ``media.operations.cover`` makes it; itself where it fits."""
    return image if image.shape[:2] == size and aspect == 1 else cover(image, size, float(aspect))


class Backdrop:
    """Base class of backdrops: they are closed at the end of a ``with``."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Nothing is open."""


class ColourBackdrop(Backdrop):
    """One colour all over: rgb is three numbers in 0..255; the image of it is kept for the next of that size."""

    def __init__(self, rgb: tuple[int, int, int]):
        self._rgb, self._whole = tuple(rgb), None

    def frame(self, index: int, src: np.ndarray, bgr: np.ndarray) -> np.ndarray:
        if self._whole is None or self._whole.shape != src.shape:
            self._whole = cv2.merge([np.full(src.shape[:2], value, np.uint8) for value in self._rgb])
        return self._whole


class BlurBackdrop(Backdrop):
    """The scene out of focus: bgr where it is given, so that the subject leaves no halo, else src."""

    def frame(self, index: int, src: np.ndarray, bgr: np.ndarray) -> np.ndarray:
        scene = src if bgr is None else bgr
        return blurred(scene if scene.dtype == src.dtype else scene.astype(np.uint16) * 257)


class PhotoBackdrop(Backdrop):
    """One photo, uint8 RGB (H, W, 3), for all; what was cut for one size is kept for the next image of that size. aspect:
    of a pixel of src, to one of the photo."""

    def __init__(self, photo: np.ndarray, aspect: Fraction = SQUARE):
        self._photo, self._aspect, self._cut = photo, aspect, None

    def frame(self, index: int, src: np.ndarray, bgr: np.ndarray) -> np.ndarray:
        if self._cut is None or self._cut.shape != src.shape:
            self._cut = covering(self._photo, src.shape[:2], self._aspect)
        return self._cut


class VideoBackdrop(Backdrop):
    """A video, from the start again behind its end: image by image, or at its own speed where times are given. A sequence
    at the ``rate`` of src shows one image for each of its frames, also where their times are rounded."""

    def __init__(self, path: str | os.PathLike, decoding: InPlace | Isolated = HERE, premultiplied: bool = False,
                 rate: Fraction = RATE, aspect: Fraction = SQUARE):
        self._path, self._decoding, self._how = path, decoding, (True, premultiplied, rate)
        self._length, self._shown, self._start, self._open = None, None, None, ExitStack()
        info = decoding.call(info_of, path, rate)
        self._aspect = aspect / info.aspect
        self._step = 1 / rate if info.first is not None and info.rate == rate else None
        self._begin()

    def frame(self, index: int, src: np.ndarray, bgr: np.ndarray) -> np.ndarray:
        return self._picture(index, src, False)

    def at(self, time: float, src: np.ndarray) -> np.ndarray:
        if self._step is not None:
            self._start = time if self._start is None else self._start
            time = round((time - self._start) / self._step) * self._step
        return self._picture(max(time, 0), src, True)

    def _picture(self, wanted, src, by_time):
        """The image at a time, or with an index: both go from ``_from`` to ``_until`` for the one that is shown."""
        wanted = wanted if self._length is None else wanted % self._length
        if wanted < self._from:
            self._begin()
        while self._until <= wanted:
            found = next(self._frames, None)
            if found is not None:
                self._shown, self._from = found, self._until
                self._until = found.pts + found.duration if by_time else self._until + 1
                continue
            self._length = self._until
            wanted %= self._length
            self._begin()
        is_deep = src.dtype == np.uint16 and self._shown.deep is not None
        return covering(self._shown.deep if is_deep else self._shown.image, src.shape[:2], self._aspect)

    def close(self) -> None:
        self._open.close()

    def _begin(self):
        self._open.close()
        frames = self._open.enter_context(self._decoding.stream(frames_of, self._path, *self._how))
        first = next(frames, None)  # what is wrong with the file shows now
        if first is None:
            self.close()
            raise UserError(f"{self._path} holds no image that can be decoded. Convert it to MP4.")
        self._frames, self._from, self._until = chain([first], frames), 0, 0
