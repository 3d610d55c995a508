"""The fixed benchmark: the same pictures for the same seed, in any order, on any number of workers."""
from typing import NamedTuple

import cv2
import numpy as np

from dataset.composite import blend
from utils.errors import UserError
from utils.trimap import make_trimap

FIT = (0.75, 1.0)          # the subject takes this part of the largest size that fits the frame
SHIFT = 0.3                # pixels
GAMMA = (0.85, 1.15)
NOISE_MEAN = 0.02          # of the range 0..1
NOISE_SIGMA = 0.01         # of the range 0..1; the paper gives no figure
BACKGROUND_STREAM = 2 ** 32 - 1  # the seed of the background order; no item has this number


class EvalItem(NamedTuple):
    """One benchmark picture: src, bgr, fgr uint8 RGB (H, W, 3); pha, trimap uint8 (H, W)."""
    name: str
    src: np.ndarray
    bgr: np.ndarray
    pha: np.ndarray
    fgr: np.ndarray
    trimap: np.ndarray


class EvaluationSet:
    """Composites of foregrounds on backgrounds, fixed by a seed. ``set[i]`` makes item i as ``EvalItem``.

    Each foreground gets one background: a seeded permutation of the backgrounds is dealt out in turn and starts over
    when it is used up. A background is resized to cover the frame and cut to its centre, never stretched.

    Args:
        pair_set: foregrounds with alpha (``dataset.readers.PairSet``).
        background_set: pictures of empty scenes (``dataset.readers.BackgroundSet``).
        size: (height, width) of every item; the subject is scaled and placed so that it fits. None keeps each
            foreground as it is, at its own size.
        seed: whole number >= 0. Each item draws from its own stream (seed, index).
        disturb: vary bgr, but not the background inside src, as Lin et al. (CVPR 2021) do: a shift of up to 0.3
            pixels, a gamma of 0.85 to 1.15, and noise whose mean is up to 0.02 either way.
        limit: use only the first so many foregrounds; None or a number beyond the end uses all.

    Raises:
        UserError: no foreground, no background, a negative seed, or a limit or size below 1.
    """

    def __init__(self, pair_set, background_set, size=(2048, 2048), seed=0, disturb=True, limit=None):
        if len(pair_set) == 0:
            raise UserError("the benchmark has no foregrounds. Check the dataset's folder in configs/datasets.yml.")
        if len(background_set) == 0:
            raise UserError("the benchmark has no backgrounds. Check the folder in configs/datasets.yml.")
        if limit is not None and limit < 1:
            raise UserError(f"the limit is {limit}; use 1 or more.")
        if seed < 0:
            raise UserError(f"the seed is {seed}; use 0 or more.")
        if size is not None and min(size) < 1:
            raise UserError(f"the size is {size[0]}x{size[1]}; use 1 or more.")
        self._pairs, self._backgrounds = pair_set, background_set
        self._length = len(pair_set) if limit is None else min(limit, len(pair_set))
        self._order = np.random.default_rng((seed, BACKGROUND_STREAM)).permutation(len(background_set))
        self.size, self.seed, self.disturb = size, seed, disturb

    def __len__(self):
        return self._length

    def __getitem__(self, index):
        if not 0 <= index < self._length:
            raise IndexError(f"item {index} of {self._length}")
        rng = np.random.default_rng((self.seed, index))
        name, fgr, pha = self._pairs.load(index)
        if self.size is not None:
            fgr, pha = place(fgr, pha, self.size, rng)
        scene = cover(self._backgrounds.load(int(self._order[index % len(self._order)])), pha.shape)
        src = blend(fgr, pha, scene)
        bgr = disturb_background(scene, rng) if self.disturb else scene
        return EvalItem(name, src, bgr, pha, fgr, make_trimap(pha))


def cover(image, size):
    """Resize uint8 ``image`` to just cover (height, width) ``size``, keep its shape, and cut out the centre."""
    height, width = size
    scale = max(height / image.shape[0], width / image.shape[1])
    image = _resize(image, max(height, round(image.shape[0] * scale)), max(width, round(image.shape[1] * scale)))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top:top + height, left:left + width])


def place(fgr, pha, size, rng):
    """Scale and move the subject so that it fits a frame.

    The box around the subject keeps its shape and takes 75 to 100 % of the largest size that fits. Where the subject
    is cut by one side of its picture, it stays at that side of the frame, so that no cut edge floats in the open;
    cut by two opposite sides, it takes all 100 %.

    Args:
        fgr, pha: uint8 RGB (h, w, 3) and uint8 (h, w).
        size: (height, width) of the frame.
        rng: numpy Generator; three numbers are drawn from it.

    Returns:
        fgr uint8 (height, width, 3) and pha uint8 (height, width), both 0 beyond the subject's box.
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


def disturb_background(bgr, rng):
    """The picture of the empty scene as a second shot would show it: moved, exposed and with noise of its own.

    Args:
        bgr: uint8 RGB (H, W, 3).
        rng: numpy Generator.

    Returns:
        uint8 RGB (H, W, 3).
    """
    x, y = rng.uniform(-SHIFT, SHIFT, 2)
    gamma, mean = rng.uniform(*GAMMA), rng.uniform(-NOISE_MEAN, NOISE_MEAN)
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    image = cv2.warpAffine(bgr.astype(np.float32) / 255, matrix, bgr.shape[1::-1], flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)
    cv2.pow(image, gamma, dst=image)
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(NOISE_SIGMA) + np.float32(mean)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)


def _offset(room, share, cut_before, cut_after):
    """Where the box starts on an axis with ``room`` to spare: at the side that cuts the subject, else at ``share``."""
    if cut_before != cut_after:
        return 0 if cut_before else room
    return round(share * room)


def _resize_pair(fgr, pha, height, width):
    """Resize with alpha as weight, so that colours from where nothing is do not bleed into the subject's edge."""
    weight = pha.astype(np.float32)[..., None] / 255
    new_pha = _resize(weight[..., 0], height, width)[..., None]
    weighted = _resize(fgr.astype(np.float32) * weight, height, width)
    plain = _resize(fgr, height, width)
    colour = np.where(new_pha > 0, weighted / np.maximum(new_pha, 1e-6), plain)
    return _to_u8(colour), _to_u8(new_pha[..., 0] * 255)


def _resize(image, height, width):
    shrinks = height * width < image.shape[0] * image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _to_u8(values):
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)
