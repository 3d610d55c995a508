"""Surfaces of cloth, things and fur: images float32 (H, W, 3) in 0..1."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import colour, noise, photos


def surface(rng: np.random.Generator, height: int, width: int, base: np.ndarray | None = None) -> np.ndarray:
    """A surface with pattern, folds and shade. ``base`` is its main colour (3,), at random if None."""
    base = colour.cloth(rng) if base is None else base
    kind = rng.choice(6, p=(0.42, 0.14, 0.08, 0.14, 0.14, 0.08))
    if kind == 0:
        image = np.broadcast_to(base, (height, width, 3))
    elif kind == 1:
        image = stripes(rng, height, width, base)
    elif kind == 2:
        image = checks(rng, height, width, base)
    elif kind == 3:
        image = print_cloth(rng, height, width, base)
    elif kind == 4:
        image = tinted_photo(rng, height, width, base)
    else:
        image = mottled(rng, height, width, base, colour.cloth(rng))
    return np.clip(image * folds(rng, height, width)[..., None], 0, 1)


def folds(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Brightness factors (H, W) of cloth that hangs in folds."""
    stretch = np.exp(rng.normal(0, 0.9))
    field = noise.smooth(rng, height, width, rng.uniform(4, 12), stretch)
    ridges = 1 - np.abs(field) * np.float32(rng.uniform(0.05, 0.35))
    return ridges + np.float32(rng.uniform(0.02, 0.08)) * noise.smooth(rng, height, width, rng.uniform(25, 70))


def coordinates(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two turned and slightly warped coordinates (H, W), 0..1 along the longer side."""
    turn = rng.choice((0.0, np.pi / 2, rng.uniform(0, np.pi))) + rng.normal(0, 0.08)
    side = max(height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(side)
    warp = np.float32(rng.uniform(0, 0.02))
    x = x + warp * noise.smooth(rng, height, width, 5)
    y = y + warp * noise.smooth(rng, height, width, 5)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return cos * x + sin * y, cos * y - sin * x


def wave(position: np.ndarray, period: float, sharp: float) -> np.ndarray:
    """A periodic 0..1 pattern with edges that soften as the period nears a few pixels."""
    return np.clip(0.5 + sharp * np.sin(2 * np.pi * position / np.float32(period)), 0, 1).astype(np.float32)


def stripes(rng: np.random.Generator, height: int, width: int, base: np.ndarray) -> np.ndarray:
    """Stripes of two or three colours."""
    along, _ = coordinates(rng, height, width)
    period = rng.uniform(0.015, 0.12)
    mix = wave(along, period, rng.uniform(0.5, 3))[..., None]
    image = base + (colour.cloth(rng) - base) * mix
    if rng.random() < 0.35:
        image = image + (colour.cloth(rng) - image) * wave(along + period / 4, period * 2, 3)[..., None] * 0.7
    return image


def checks(rng: np.random.Generator, height: int, width: int, base: np.ndarray) -> np.ndarray:
    """Crossing stripes of see-through colour."""
    along, across = coordinates(rng, height, width)
    period, other = rng.uniform(0.03, 0.14), colour.cloth(rng)
    image = base + (other - base) * (0.5 * wave(along, period, 2))[..., None]
    return image + (other - image) * (0.5 * wave(across, period, 2))[..., None]


def print_cloth(rng: np.random.Generator, height: int, width: int, base: np.ndarray) -> np.ndarray:
    """Blots or dots of several colours on a ground."""
    if rng.random() < 0.4:
        along, across = coordinates(rng, height, width)
        period = rng.uniform(0.02, 0.08)
        dots = np.clip(4 * (np.sin(2 * np.pi * along / period) * np.sin(2 * np.pi * across / period) - 0.3), 0, 1)
        return base + (colour.cloth(rng) - base) * dots[..., None].astype(np.float32)
    image = np.broadcast_to(base, (height, width, 3))
    for _ in range(rng.integers(1, 4)):
        blots = np.clip(8 * (noise.octaves(rng, height, width, rng.uniform(8, 22), 2) - 0.58), 0, 1)
        image = image + (colour.cloth(rng) - image) * blots[..., None]
    return image


def tinted_photo(rng: np.random.Generator, height: int, width: int, base: np.ndarray) -> np.ndarray:
    """A photograph as a print, drawn towards the colour ``base``."""
    image = photos.crop(rng, height, width, zoom=(0.7, 5))
    pull = np.float32(rng.uniform(0, 0.75))
    return image + pull * (base * (0.5 + image.mean(2, keepdims=True)) - image)


def mottled(rng: np.random.Generator, height: int, width: int, base: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Two colours mixed by many octaves of noise."""
    mix = noise.octaves(rng, height, width, rng.uniform(2, 10), 5, rng.uniform(0.5, 0.8))
    return base + (other - base) * np.clip((mix - 0.5) * 2 + 0.5, 0, 1)[..., None]


def coat(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """The skin of an animal: fur colours in patches or shades, with the grain of fur."""
    base = colour.fur(rng)
    pick = rng.random()
    if pick < 0.45:
        image = mottled(rng, height, width, base, colour.near(rng, base, 0.3))
    elif pick < 0.7:
        patch = np.clip(6 * (noise.octaves(rng, height, width, rng.uniform(2, 6), 3) - 0.5) + 0.5, 0, 1)
        image = base + (colour.fur(rng) - base) * patch[..., None]
    elif pick < 0.85:
        along, _ = coordinates(rng, height, width)
        image = base + (colour.near(rng, base, 0.9) - base) * wave(along, rng.uniform(0.04, 0.15), 1)[..., None]
    else:
        photo = photos.crop(rng, height, width, zoom=(1, 4), among=photos.NATURAL).mean(2, keepdims=True)
        image = base * (0.5 + photo)
    grain = noise.smooth(rng, height, width, 60, rng.choice((0.3, 1.0, 3.0)))
    return np.clip(image * (1 + np.float32(rng.uniform(0.03, 0.15)) * grain[..., None]), 0, 1)


def grain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Brightness factors (H, W) of pores, threads and dust: detail of a few pixels, faint."""
    cells = max(height, width) * rng.uniform(0.1, 0.5)
    return 1 + np.float32(rng.uniform(0.01, 0.09)) * noise.smooth(rng, height, width, cells)


def lighting(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Brightness and tint factors (H, W, 3) of light from one side with soft shadows."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(turn) * (x / width - 0.5) + np.sin(turn) * (y / height - 0.5)).astype(np.float32)
    factor = 1 + np.float32(rng.uniform(0, 0.5)) * slope
    factor = factor + np.float32(rng.uniform(0, 0.15)) * noise.smooth(rng, height, width, rng.uniform(2, 5))
    return np.clip(factor, 0.25, 1.7)[..., None] * (0.96 + rng.normal(0, 0.05, 3)).astype(np.float32)


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """``image`` blurred by ``sigma`` pixels; beyond some pixels on a smaller grid, which looks the same."""
    if sigma < 0.25:
        return image
    if sigma < 6:
        return cv2.GaussianBlur(image, (0, 0), sigma)
    high, wide = image.shape[:2]
    step = min(int(sigma / 2.5), min(high, wide) // 2)
    small = cv2.resize(image, (wide // step, high // step), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / step), (wide, high), interpolation=cv2.INTER_CUBIC)
