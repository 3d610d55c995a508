"""Where a benchmark image has its subject and background, and how the second photo of the background differs."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.dataset.augment import affine_matrix, draw_affine, warp
from bgmatting.media.operations import resize

TURNED_SUBJECT, TURNED_SCENE = (0.55, 0.9), (1.0, 1.2)  # of the scale at which the image covers the frame
FIT = (0.75, 1.0)          # the subject takes this part of the largest size that fits the frame
SHIFT = 0.3                # pixels
GAMMA = (0.85, 1.15)
NOISE_MEAN = 0.02          # of the range 0..1
NOISE_SIGMA = 0.01         # of the range 0..1; the paper gives no figure


def place(fgr: np.ndarray, pha: np.ndarray, size: tuple[int, int],
          rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scale and move the subject so that it fits a frame.

    The box around the subject keeps its shape and takes 75 to 100 % of the largest size that fits. Where the subject
    is cut by one side of its image, it stays at that side of the frame, so that no cut edge floats in the open;
    cut by two opposite sides, it takes all 100 %.

    Args:
        fgr, pha: uint8 RGB (h, w, 3) and uint8 (h, w).
        size: (height, width) of the frame.
        rng: numpy Generator; three numbers are drawn from it.
    Returns fgr uint8 (height, width, 3) and pha uint8 (height, width), both 0 beyond the subject's box.
    """
    share, down, right = rng.uniform(FIT[0], FIT[1]), rng.uniform(), rng.uniform()
    left, top, width, height = cv2.boundingRect((pha > 0).astype(np.uint8))
    placed_fgr, placed_pha = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    if width == 0:
        return placed_fgr, placed_pha
    if height == pha.shape[0] or width == pha.shape[1]:
        share = 1.0
    scale = share * min(size[0] / height, size[1] / width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    y = _offset(size[0] - new_height, down, top == 0, top + height == pha.shape[0])
    x = _offset(size[1] - new_width, right, left == 0, left + width == pha.shape[1])
    box, frame = np.s_[top:top + height, left:left + width], np.s_[y:y + new_height, x:x + new_width]
    placed_fgr[frame], placed_pha[frame] = _resize_pair(fgr[box], pha[box], new_height, new_width)
    return placed_fgr, placed_pha


def place_turned(fgr: np.ndarray, pha: np.ndarray, size: tuple[int, int],
                 rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shift, scale, turn and shear the subject's image about its middle, as an earlier reproduction in Paddle (2021) did.

    The shift is up to a tenth of the sides of the image that covers the frame, the scale 0.55 to 0.9 of the one at which it
    does, turn and shear are up to 5 degrees either way. Arguments and return value as ``place``; five numbers are drawn.
    """
    matrix = affine_matrix(draw_affine(rng, TURNED_SUBJECT), pha.shape, size, max(size))
    return warp(fgr, matrix, size), warp(pha, matrix, size)


def scene_turned(bgr: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Move the background as ``place_turned`` moves the subject, scaled by 1 to 1.2; black where it does not reach.

    Args:
        bgr: uint8 RGB (h, w, 3).
        size: (height, width) of the frame.
        rng: numpy Generator; five numbers are drawn.
    Returns uint8 RGB (height, width, 3).
    """
    return warp(bgr, affine_matrix(draw_affine(rng, TURNED_SCENE), bgr.shape[:2], size, max(size)), size)


def _scene_as_it_is(bgr, size, rng):
    return bgr


class Placement(NamedTuple):
    """How a frame is filled.

    Attributes:
        subject: (fgr, pha, size, rng) -> (fgr, pha) of that size.
        scene: (bgr, size, rng) -> bgr, of any size: it is made to cover the frame afterwards.
    """
    subject: Callable
    scene: Callable


# By the names that protocols have for them.
PLACEMENTS = {"fit": Placement(place, _scene_as_it_is), "turned": Placement(place_turned, scene_turned)}


def disturb_background(bgr: np.ndarray, rng: np.random.Generator, sigma: float = NOISE_SIGMA) -> np.ndarray:
    """The image of the empty scene, uint8 RGB (H, W, 3), as a second shot would show it (Lin et al., CVPR 2021): a shift
    of up to 0.3 pixels, a gamma of 0.85 to 1.15, noise of ``sigma`` (range 0..1) and of a mean up to 0.02 either way."""
    x, y = rng.uniform(-SHIFT, SHIFT, 2)
    gamma, mean = rng.uniform(*GAMMA), rng.uniform(-NOISE_MEAN, NOISE_MEAN)
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    image = cv2.warpAffine(bgr.astype(np.float32) / 255, matrix, bgr.shape[1::-1], flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)
    cv2.pow(image, gamma, dst=image)
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(sigma) + np.float32(mean)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)


def _offset(room, share, cut_before, cut_after):
    """Where the box starts on an axis with ``room`` to spare: at the side that cuts the subject, else at ``share``."""
    if cut_before != cut_after:
        return 0 if cut_before else room
    return round(share * room)


def _resize_pair(fgr, pha, height, width):
    """Resize with alpha as weight, so that colours from where nothing is do not bleed into the subject's edge."""
    weight = pha.astype(np.float32)[..., None] / 255
    new_pha = resize(weight[..., 0], height, width)[..., None]
    weighted = resize(fgr.astype(np.float32) * weight, height, width)
    plain = resize(fgr, height, width)
    colour = np.where(new_pha > 0, weighted / np.maximum(new_pha, 1e-6), plain)
    return _to_u8(colour), _to_u8(new_pha[..., 0] * 255)


def _to_u8(values):
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)
