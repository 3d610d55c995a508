"""The effect of a lens on the outline: antialiasing, defocus (even or uneven) and motion blur; and soft fur."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import noise, texture


def soften(rng: np.random.Generator, rgba: np.ndarray) -> np.ndarray:
    """Blur a premultiplied subject (H, W, 4) as a camera would; mostly little, seldom much. Returns a new array."""
    height, width = rgba.shape[:2]
    unit = min(height, width)
    pick = rng.random()
    if pick < 0.58:
        return texture.blurred(rgba, rng.uniform(0.0, 0.65))
    if pick < 0.8:
        return texture.blurred(rgba, max(rng.uniform(0.5, 1.1), unit * rng.uniform(0.002, 0.006)))
    if pick < 0.86:
        return texture.blurred(rgba, unit * np.exp(rng.uniform(np.log(0.006), np.log(0.025))))
    if pick < 0.94:
        soft = texture.blurred(rgba, unit * np.exp(rng.uniform(np.log(0.004), np.log(0.025))))
        part = np.clip(0.5 + 1.2 * noise.smooth(rng, height, width, rng.uniform(1, 4)), 0, 1)[..., None]
        return rgba + part * (soft - rgba)
    return motion(rng, rgba, unit * rng.uniform(0.008, 0.05))


def downy(rng: np.random.Generator, rgba: np.ndarray) -> np.ndarray:
    """Let the outline of a premultiplied subject (H, W, 4) fade as dense soft fur does, unevenly. Returns a new array.

    Single strands are too fine to be seen in such a coat: alpha falls off over the length of the fur, streaked by it.
    """
    height, width = rgba.shape[:2]
    length = min(height, width) * np.exp(rng.uniform(np.log(0.006), np.log(0.03)))
    soft = texture.blurred(rgba, max(length, 0.6))
    where = np.clip(0.6 + 0.8 * noise.smooth(rng, height, width, rng.uniform(1, 4)), 0, 1)[..., None]
    soft = rgba + where * (soft - rgba)
    streaks = texture.blurred(rng.normal(0, 1, (height, width)).astype(np.float32), max(0.25 * length, 0.5))
    streaks = streaks / (streaks.std() + 1e-6) * np.float32(rng.uniform(0.1, 0.5))
    alpha = soft[..., 3]
    fade = 1 + streaks * 2 * (1 - alpha)
    return soft * (np.clip(alpha * fade, 0, 1) / np.maximum(alpha, 1e-4))[..., None]


def motion(rng: np.random.Generator, rgba: np.ndarray, length: float) -> np.ndarray:
    """Blur along one direction, ``length`` pixels."""
    size = max(3, int(length) | 1)
    kernel = np.zeros((size, size), np.float32)
    angle, half = rng.uniform(0, np.pi), size / 2 - 0.5
    reach = half * np.array((np.cos(angle), np.sin(angle)))
    ends = [tuple(int(round(value)) for value in half + sign * reach) for sign in (-1, 1)]
    cv2.line(kernel, *ends, 1.0, 1)
    return cv2.filter2D(rgba, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
