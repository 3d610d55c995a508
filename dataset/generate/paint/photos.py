"""Crops of the photographs that lie inside the scikit-image package: the only real images the generator knows."""
from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import colour
from bgmatting.media import read_image
from bgmatting.utils.errors import UserError

# Files of the wheel itself. The package's own loaders are passed by because some of them download.
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "motorcycle_right.png",
          "camera.png", "brick.png", "grass.png", "gravel.png", "coins.png", "moon.png", "clock_motion.png",
          "ihc.png", "retina.jpg", "hubble_deep_field.jpg", "cell.png", "text.png", "color.png")
WEIGHTS = (8, 8, 8, 7, 8, 7, 6, 4, 4, 4, 3, 2, 3, 4, 2, 2, 1, 2, 2)
NATURAL = ("grass.png", "gravel.png", "chelsea.png", "moon.png", "ihc.png", "cell.png")
FACES = "lfw_subset.npy"
FACE_COUNT = 100  # the first half of the stored patches are faces, the second half are not


@functools.lru_cache(maxsize=1)
def folder() -> Path:
    """The folder of images inside the installed scikit-image, found without importing it."""
    spec = importlib.util.find_spec("skimage")
    path = Path(spec.submodule_search_locations[0]) / "data" if spec else None
    if path is None or not path.is_dir():
        raise UserError("scikit-image is not installed, its images are needed; run 'pip install scikit-image'.")
    return path


@functools.lru_cache(maxsize=1)
def available() -> tuple[str, ...]:
    """Names of ``PHOTOS`` that this installation has, in the order of ``PHOTOS``."""
    names = tuple(name for name in PHOTOS if (folder() / name).is_file())
    if not names:
        raise UserError(f"no images in {folder()}; install scikit-image again.")
    return names


@functools.cache
def photo(name: str) -> np.ndarray:
    """One photograph, uint8 RGB (H, W, 3), read once. Callers must not write into it."""
    image = read_image(folder() / name)
    image.setflags(write=False)
    return image


@functools.lru_cache(maxsize=1)
def faces() -> np.ndarray | None:
    """Small grey faces, float32 (N, 25, 25) in 0..1, or None where this installation has none."""
    path = folder() / FACES
    return np.load(path)[:FACE_COUNT].astype(np.float32) if path.is_file() else None


def choose(rng: np.random.Generator, among: Sequence[str] | None = None) -> str:
    """The name of a photograph: any, or one of ``among`` where present."""
    names = [name for name in available() if among is None or name in among] or list(available())
    weights = np.array([WEIGHTS[PHOTOS.index(name)] for name in names], float)
    return names[rng.choice(len(names), p=weights / weights.sum())]


def crop(rng: np.random.Generator, height: int, width: int, zoom: tuple[float, float] = (0.5, 4.0),
         among: Sequence[str] | None = None) -> np.ndarray:
    """A random window of a random photograph, float32 (height, width, 3) in 0..1.

    ``zoom`` bounds the magnification where 1 shows the whole photograph; below 1 it is tiled by mirroring.
    Flips are random, grey photographs are tinted, colours are changed at random.
    """
    source = photo(choose(rng, among))
    factor = np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1])))
    high, wide = source.shape[:2]
    step = min(high / height, wide / width) / factor
    turn = rng.normal(0, 0.12) if rng.random() < 0.4 else 0.0
    span_x, span_y = step * width, step * height
    left = rng.uniform(0, max(wide - span_x, 1e-3)) if span_x < wide else rng.uniform(-0.5, 0.5) * wide
    top = rng.uniform(0, max(high - span_y, 1e-3)) if span_y < high else rng.uniform(-0.5, 0.5) * high
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = step * np.cos(turn), step * np.sin(turn)
    matrix = np.array([[cos * flip, -sin, 0], [sin * flip, cos, 0]], np.float32)
    matrix[:, 2] = np.array([left + span_x / 2, top + span_y / 2]) - matrix[:, :2] @ (width / 2, height / 2)
    source = _reduced(source, step)
    matrix *= source.shape[1] / wide
    out = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                         borderMode=cv2.BORDER_REFLECT_101)
    out = out.astype(np.float32) / 255
    return colour.recolour(rng, out)


def _reduced(source, step):
    """The photograph shrunk so that sampling it every ``step`` pixels does not alias."""
    while step >= 2 and min(source.shape[:2]) > 8:
        source = cv2.resize(source, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        step /= 2
    return source
