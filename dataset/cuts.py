"""Windows cut out of images at their own size, for methods that see one photo alone."""
from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.dataset.augment import JITTER, colour_jitter, filtered
from bgmatting.media.operations import cover, resize

PHOTO_JITTER = (0.5, 0.5, 0.5, 0.07)  # brightness, contrast, saturation, hue of photos, each with probability 0.5
WHOLE_SHARE = 0.5                     # without given sides, a window takes this much of the image at least


class Cuts(NamedTuple):
    """How windows are drawn.

    Attributes:
        sides: of which the longer side of a window is one, in the image's pixels; (): any from ``WHOLE_SHARE`` of the
            largest window to all of it.
        unknown: share of the windows with a pixel in the middle whose alpha is neither 0 nor 255, where there is one.
    """
    sides: tuple = ()
    unknown: float = 0.0


def draw_window(rng: np.random.Generator, pha: np.ndarray, frame: tuple[int, int], cuts: Cuts) -> tuple[int, int, int, int]:
    """Draw a window of the shape of ``frame`` that lies within an image.

    Args:
        pha: uint8 (H, W), the image's alpha.
        frame: (height, width) that the window will be resized to.
    Returns (top, left, height, width) in whole pixels; smaller than asked for where the image is.
    """
    largest = min(pha.shape[0] / frame[0], pha.shape[1] / frame[1]) * max(frame)
    if cuts.sides:
        side = min(largest, int(cuts.sides[rng.integers(len(cuts.sides))]))
    else:
        side = largest * rng.uniform(WHOLE_SHARE, 1)
    size = [min(whole, max(1, round(side * part / max(frame)))) for whole, part in zip(pha.shape, frame)]
    soft = np.flatnonzero((pha > 0) & (pha < 255)) if rng.random() < cuts.unknown else ()
    if len(soft):
        middle = np.unravel_index(soft[rng.integers(len(soft))], pha.shape)
        start = [int(np.clip(at - part // 2, 0, whole - part)) for at, part, whole in zip(middle, size, pha.shape)]
    else:
        start = [int(rng.integers(whole - part + 1)) for part, whole in zip(size, pha.shape)]
    return (*start, *size)


def seen(image: np.ndarray, window: tuple[int, int, int, int], frame: tuple[int, int]) -> np.ndarray:
    """The part of an image that a window shows, resized to ``frame``."""
    top, left, height, width = window
    return resize(np.ascontiguousarray(image[top:top + height, left:left + width]), *frame)


def cut_pair(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, bgr: np.ndarray, frame: tuple[int, int],
             cuts: Cuts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same window of a subject and of a background that covers the subject's image, each flipped, filtered and
    recoloured as in ``dataset.augment``.

    Returns (fgr, pha, bgr) of shape ``frame``.
    """
    window = draw_window(rng, pha, frame, cuts)
    fgr, pha, bgr = (seen(image, window, frame) for image in (fgr, pha, cover(bgr, pha.shape)))
    fgr, pha, bgr = _flipped_and_filtered(rng, fgr, pha, bgr)
    return colour_jitter(rng, fgr, *JITTER), pha, colour_jitter(rng, bgr, *JITTER)


def cut_photo(rng: np.random.Generator, photo: np.ndarray, pha: np.ndarray, frame: tuple[int, int],
              cuts: Cuts) -> tuple[np.ndarray, np.ndarray]:
    """A window of a photo and of its alpha, flipped, filtered and recoloured; returns (photo, pha) of shape ``frame``."""
    window = draw_window(rng, pha, frame, cuts)
    photo, pha = _flipped_and_filtered(rng, seen(photo, window, frame), seen(pha, window, frame))
    return colour_jitter(rng, photo, *(np.array(PHOTO_JITTER) * (rng.random(4) < 0.5))), pha


def _flipped_and_filtered(rng, *images):
    return filtered(rng, 1, *((cv2.flip(image, 1) for image in images) if rng.random() < 0.5 else images))
