"""The empty scene of a video: a photo, a video, or what the clip itself shows where the subject is not."""
from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from bgmatting.media.decoding import HERE, InPlace, Isolated
from bgmatting.media.video.opening import is_live
from bgmatting.media.video.reader import Info
from bgmatting.prediction.options import PIPE
from bgmatting.prediction.sizes import check_size, fit_size
from bgmatting.prediction.source import Source, frames_of, info_of, is_video, still
from bgmatting.utils.errors import UserError

SAMPLES = 50  # frames that a median looks at
PULSE = 25    # frames between two signs of life
SAMPLE_BYTES = 400 << 20  # what they may take at once; larger images are done strip by strip


def open_scene(bgr: str | os.PathLike, src: str | os.PathLike, info: Info, fit: str | None = None,
               notes: list[str] | None = None, decoding: InPlace | Isolated = HERE,
               premultiplied: bool = False) -> Still | MovingScene:
    """The background of each frame of a video: an object with frame(index) -> uint8 RGB (height, width, 3), and close().

    Args:
        bgr: path of a photo or of a video (of the empty scene, frame by frame; its last frame stays), "first:N" (median
            of the first N frames of ``src``) or "median" (over at most SAMPLES frames, evenly spread over ``src``).
        info: of src. fit: as ``sizes.fit_size``. notes: a list to which remarks on a photo are appended, or None.
        premultiplied: plates with alpha are, those of ``src`` and of ``bgr``.
    Raises:
        UserError: bgr cannot be read or used, or has another size and ``fit`` is None.
    """
    size = info.height, info.width
    count = first_frames(bgr)
    if count is not None or bgr == "median":
        if is_live(src) or src == PIPE:
            raise UserError(f"--bgr {bgr} reads the clip before it mattes it, which {src} does not allow. "
                            f"Name a photo of the empty scene.")
        return Still(clip_median(src, count, info, decoding, premultiplied))
    if is_video(bgr, decoding):
        return MovingScene(bgr, size, fit, src, info.first, decoding, premultiplied)
    image, found = decoding.call(still, bgr, premultiplied)
    if notes is not None:
        notes += found
    return Still(fit_size(image, size, fit, src, bgr))


def first_frames(bgr: str | os.PathLike | None) -> int | None:
    """The N of "first:N", or None where ``bgr`` is something else. Raises UserError where N is no number above 0."""
    text = str(bgr)
    if not text.startswith("first:"):
        return None
    if not re.fullmatch(r"first:\d{1,9}", text) or int(text[6:]) < 1:
        raise UserError(f"--bgr {text}: say how many frames show the empty scene, as in first:30.")
    return int(text[6:])


class Still:
    """One image for all frames."""

    def __init__(self, image: np.ndarray):
        self._image = image

    def frame(self, index: int) -> np.ndarray:
        """uint8 RGB (H, W, 3)."""
        return self._image

    def close(self) -> None:
        """Nothing is open."""


class MovingScene:
    """A video of the empty scene of src, frame by frame, in order; its last frame is held. Images of a sequence go with
    those of the same number in src, whose first one is ``first``, or where they have not that one, the first with the
    first."""

    def __init__(self, path: str | os.PathLike, size: tuple[int, int], fit: str | None, src: str | os.PathLike,
                 first: int | None = None, decoding: InPlace | Isolated = HERE, premultiplied: bool = False):
        self._path, self._size, self._fit, self._at, self._image = path, size, fit, -1, None
        self._open, info = ExitStack(), decoding.call(info_of, path)
        check_size((info.height, info.width), size, fit, src, path)
        self._frames = self._open.enter_context(decoding.stream(frames_of, path, False, premultiplied))
        self._rate, self._ahead = None if info.first is None else info.rate, 0
        if None not in (first, info.first) and 0 <= first - info.first < info.duration * info.rate:
            self._ahead = first - info.first

    def frame(self, index: int) -> np.ndarray:
        """uint8 RGB (H, W, 3) of frame ``index``, missing ones of a sequence counted; it never falls from call to call."""
        image = None
        while self._at < index:
            following = next(self._frames, None)
            if following is None:
                self._at = index
                break
            self._at = self._at + 1 if self._rate is None else round(following.pts * self._rate) - self._ahead
            image = following.image
        if image is not None:
            self._image = fit_size(image, self._size, self._fit, bgr_name=self._path)
        return self._image

    def close(self) -> None:
        """Close the file."""
        self._open.close()


def clip_median(path: str | os.PathLike, count: int | None, info: Info, decoding: InPlace | Isolated = HERE,
                premultiplied: bool = False) -> np.ndarray:
    """Median over time of a clip, uint8 RGB (H, W, 3): what is seen there for more than half of the frames looked at, which
    are the first ``count``, or all where that is None; at most SAMPLES of them, evenly spread. premultiplied: plates with
    alpha are."""
    with decoding.stream(median_strips, path, count, info.height, info.width, premultiplied) as strips:
        return np.concatenate([strip for strip in strips if strip is not None])


def median_strips(path: str, count: int | None, height: int, width: int,
                  premultiplied: bool = False) -> Iterator[np.ndarray | None]:
    """The rows of ``clip_median``, some at a time; and None now and then: it goes on, although there is nothing yet."""
    if count is None or count > SAMPLES:
        with Source(path).reader(sound=False) as reader:
            count = max(1, min(reader.count(), count or sys.maxsize))
    chosen = sampled(count)
    rows = max(1, min(height, SAMPLE_BYTES // (len(chosen) * width * 3)))
    for top in range(0, height, rows):
        yield from _strip_median(path, chosen, top, min(top + rows, height), premultiplied)


def sampled(count: int) -> set[int]:
    """Which of ``count`` frames a median looks at: SAMPLES of them at most, evenly spread."""
    number = min(count, SAMPLES)
    return {int((step + 0.5) * count / number) for step in range(number)}


def median_of(images: np.ndarray) -> np.ndarray:
    """Median over the first axis of uint8 (N, H, W, 3); the lower of the two middle ones where N is even."""
    middle = (len(images) - 1) // 2
    result = np.empty(images.shape[1:], np.uint8)
    for row in range(images.shape[1]):  # a copy of one row at a time; axis last, where numpy is fast
        values = np.ascontiguousarray(images[:, row].reshape(len(images), -1).T)
        values.partition(middle, axis=1)
        result[row] = values[:, middle].reshape(images.shape[2:])
    return result


def _strip_median(path, chosen, top, bottom, premultiplied):
    kept, images = 0, None
    with Source(path).reader(sound=False, premultiplied=premultiplied) as reader:
        for index, (decoded, _, _) in enumerate(item for item in reader.timed() if item[0] is not None):
            if index % PULSE == 0:
                yield None
            if index in chosen:
                strip = reader.image(decoded)[top:bottom]
                if images is None:
                    images = np.empty((len(chosen), *strip.shape), np.uint8)
                images[kept] = strip
                kept += 1
            if index >= max(chosen):
                break
    if not kept:
        raise UserError(f"{path} has no frame to make a background of.")
    yield median_of(images[:kept])
