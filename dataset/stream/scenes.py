"""Empty scenes: windows of photographs, and what ``dataset.generate`` draws. float32 (H, W, 3) in 0..1."""
from __future__ import annotations

from typing import Callable

import cv2
import numpy as np

from bgmatting.dataset.generate import make_background
from bgmatting.dataset.layouts.pictures import backgrounds
from bgmatting.dataset.splits import held_out

HELD_OUT = 6        # one photograph of so many is for validation alone
SHORTEST = 1067     # pixels that the shorter side of a photograph is read with at least, where it has them


class Photos:
    """Photographs of empty scenes in a folder.

    Args:
        folder: where they are, any nesting.
        valid: whether to take those held out for validation, and as they are.
    Raises UserError: there is no such folder, or it holds less than two.
    """

    def __init__(self, folder: str, valid: bool = False):
        whole = backgrounds(folder, ".")
        self.set, self.valid = whole.subset(held_out(whole.names, HELD_OUT, valid, folder, views=True)), valid

    def draw(self, rng: np.random.Generator, height: int, width: int, load: Callable) -> np.ndarray:
        """Draw a scene of that size; ``load``: (index) -> uint8 RGB of that photograph of ``self.set``."""
        image = window(rng, load(int(rng.integers(len(self.set)))), height, width)
        return image if self.valid else varied(rng, image)


def drawn(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw a scene that no camera saw."""
    return make_background(rng, height, width).astype(np.float32) / 255


def window(rng: np.random.Generator, photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cut a piece of ``photo`` in its own proportions, flipped at random, between all of it and what would be blurred."""
    covering = min(photo.shape[0] / height, photo.shape[1] / width)  # photo pixels per pixel where all is shown
    step = max(covering * np.exp(rng.uniform(np.log(0.35), 0)), min(covering, 0.7))
    high, wide = max(1, int(height * step)), max(1, int(width * step))
    top, left = (int(rng.integers(side - length + 1)) for side, length in zip(photo.shape, (high, wide)))
    piece = photo[top:top + high, left:left + wide]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    how = cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(piece), (width, height), interpolation=how).astype(np.float32) / 255


def varied(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Give a scene another exposure, tint and focus."""
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
    image = np.clip(image * gain.astype(np.float32), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.1:
        image = image[..., rng.permutation(3)]
    if rng.random() < 0.35:
        image = cv2.GaussianBlur(image, (0, 0), max(image.shape) * np.exp(rng.uniform(np.log(0.001), np.log(0.02))))
    return np.ascontiguousarray(image)
