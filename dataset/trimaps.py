"""Trimaps made from alpha for training: each of another width, as people draw them."""
from __future__ import annotations

import cv2
import numpy as np

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
SIDES, STEPS = (2, 4), (5, 14)  # of the disc, and how often it is applied; both ends count, each number as likely


def random_trimap(rng: np.random.Generator, pha: np.ndarray) -> np.ndarray:
    """Dilate and erode alpha by a disc of a drawn side, a drawn number of times; unknown is all between the two.

    The ranges are those of PaddleSeg's Matting, which draws at the photo's size; here it is at the size of the sample.

    Args:
        rng: numpy Generator; two numbers are drawn.
        pha: uint8 (H, W).
    Returns uint8 (H, W): 0 where alpha is 0 all around, 255 where it is 255 all around, else 128.
    """
    side, steps = (int(rng.integers(least, most + 1)) for least, most in (SIDES, STEPS))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    trimap = np.full(pha.shape, UNKNOWN, np.uint8)
    trimap[cv2.dilate(pha, disc, iterations=steps) == 0] = BACKGROUND
    trimap[cv2.erode(pha, disc, iterations=steps) == 255] = FOREGROUND
    return trimap
