"""Empty scenes: windows of photographs from folders, and of what ``dataset.generate`` draws. float32 (H, W, 3) in 0..1."""
import functools
import re
import zlib
from pathlib import Path

import cv2
import numpy as np

from bgmatting.dataset.generate import make_background

HELD_OUT = 6        # one photograph of so many is for validation alone
LONGEST = 1600      # pixels; larger photographs are shrunk when read
DRAWN = 0.3         # share of scenes that are drawn
KEPT = 48           # photographs that a process keeps in memory
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class Scenes:
    """Photographs of some folders, and drawn scenes between them.

    Args:
        folders: where photographs lie.
        valid: the ones held out instead of the ones to train on, and none drawn where there are any.
    """

    def __init__(self, folders, valid=False):
        paths = [path for folder in folders for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES]
        self.valid = valid
        self.paths = sorted(str(path) for path in paths if held_out(path) == valid)
        if valid and not self.paths:
            self.paths = sorted(map(str, paths))[:1]

    def draw(self, rng, height, width):
        """A scene of that size."""
        if not self.paths or not self.valid and rng.random() < DRAWN:
            return make_background(rng, height, width).astype(np.float32) / 255
        image = window(rng, read(self.paths[rng.integers(len(self.paths))]), height, width)
        return image if self.valid else varied(rng, image)


def held_out(path):
    """Whether a photograph is kept for validation; all views of one panorama are (NAME-0.jpg, NAME-1.jpg, ...)."""
    return zlib.crc32(re.sub(r"-\d+$", "", Path(path).stem).encode()) % HELD_OUT == 0


@functools.lru_cache(maxsize=KEPT)
def read(path):
    """A photograph, uint8 RGB (H, W, 3)."""
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path} cannot be read")
    shrink = LONGEST / max(image.shape[:2])
    if shrink < 1:
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[..., ::-1])


def window(rng, photo, height, width):
    """A piece of ``photo`` in its own proportions, flipped at random, between all of it and what would be blurred."""
    covering = min(photo.shape[0] / height, photo.shape[1] / width)  # photo pixels per pixel where all is shown
    step = max(covering * np.exp(rng.uniform(np.log(0.35), 0)), min(covering, 0.7))
    high, wide = int(height * step), int(width * step)
    top, left = (int(rng.integers(side - part + 1)) for side, part in zip(photo.shape, (high, wide)))
    piece = photo[top:top + high, left:left + wide]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    how = cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(piece), (width, height), interpolation=how).astype(np.float32) / 255


def varied(rng, image):
    """Another exposure, tint and focus."""
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
    image = np.clip(image * gain.astype(np.float32), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.1:
        image = image[..., rng.permutation(3)]
    if rng.random() < 0.35:
        image = cv2.GaussianBlur(image, (0, 0), max(image.shape) * np.exp(rng.uniform(np.log(0.001), np.log(0.02))))
    return np.ascontiguousarray(image)
