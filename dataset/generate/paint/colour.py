"""Colours of skin, hair, cloth and light. Everything is RGB float32 in 0..1."""
from __future__ import annotations

import numpy as np

SKIN = np.array([(0.98, 0.86, 0.79), (0.95, 0.78, 0.67), (0.88, 0.68, 0.55), (0.78, 0.57, 0.42), (0.62, 0.42, 0.30),
                 (0.45, 0.29, 0.21), (0.31, 0.20, 0.15), (0.21, 0.14, 0.11)], np.float32)
HAIR = np.array([(0.03, 0.03, 0.035), (0.07, 0.05, 0.045), (0.16, 0.10, 0.07), (0.30, 0.19, 0.12), (0.48, 0.33, 0.20),
                 (0.70, 0.54, 0.34), (0.86, 0.75, 0.56), (0.50, 0.20, 0.09), (0.55, 0.54, 0.53), (0.86, 0.85, 0.84)],
                np.float32)
HAIR_SHARE = np.array([24, 16, 14, 11, 8, 8, 5, 5, 5, 4], float) / 100
FUR = np.array([(0.92, 0.90, 0.87), (0.80, 0.69, 0.55), (0.65, 0.46, 0.28), (0.42, 0.27, 0.16), (0.15, 0.11, 0.09),
                (0.05, 0.05, 0.05), (0.48, 0.46, 0.45), (0.75, 0.42, 0.18), (0.88, 0.78, 0.72)], np.float32)
FADED_HAIR_SHARE = 0.06  # hair dyed in a colour of no list


def skin(rng: np.random.Generator) -> np.ndarray:
    """One skin colour, float32 (3,)."""
    place = rng.uniform(0, len(SKIN) - 1.001)
    low = int(place)
    tone = SKIN[low] + (SKIN[low + 1] - SKIN[low]) * np.float32(place - low)
    return np.clip(tone * rng.uniform(0.92, 1.06, 3), 0.02, 1).astype(np.float32)


def hair(rng: np.random.Generator) -> np.ndarray:
    """One hair colour, float32 (3,), mostly dark as on the street."""
    if rng.random() < FADED_HAIR_SHARE:
        return cloth(rng)
    return np.clip(HAIR[rng.choice(len(HAIR), p=HAIR_SHARE)] * rng.uniform(0.8, 1.2, 3), 0.01, 1).astype(np.float32)


def fur(rng: np.random.Generator) -> np.ndarray:
    """One fur colour, float32 (3,)."""
    return np.clip(FUR[rng.integers(len(FUR))] * rng.uniform(0.85, 1.12, 3), 0.02, 1).astype(np.float32)


def cloth(rng: np.random.Generator) -> np.ndarray:
    """One cloth or paint colour, float32 (3,): black, white, greys and denim are common, pure hues are not."""
    pick = rng.random()
    if pick < 0.2:
        return np.clip(rng.uniform(0.02, 0.16) + rng.normal(0, 0.012, 3), 0, 1).astype(np.float32)
    if pick < 0.36:
        return np.clip(rng.uniform(0.78, 0.97) + rng.normal(0, 0.015, 3), 0, 1).astype(np.float32)
    if pick < 0.48:
        return np.clip(rng.uniform(0.2, 0.75) + rng.normal(0, 0.02, 3), 0, 1).astype(np.float32)
    if pick < 0.58:
        return (np.array((0.24, 0.32, 0.48)) * rng.uniform(0.4, 1.5)).astype(np.float32)
    return hue(rng.random(), 0.08 + 0.85 * rng.random() ** 1.4, rng.uniform(0.15, 0.98))


def hue(turn: float, saturation: float, value: float) -> np.ndarray:
    """RGB float32 (3,) of a hue in turns (0..1), a saturation and a value in 0..1."""
    ramp = np.clip(np.abs((turn + np.array((1, 2 / 3, 1 / 3))) % 1 * 6 - 3) - 1, 0, 1)
    return (value * (1 - saturation * (1 - ramp))).astype(np.float32)


def near(rng: np.random.Generator, base: np.ndarray, spread: float) -> np.ndarray:
    """``base`` (3,) moved by brightness and a little by hue; ``spread`` 0..1 is how far."""
    return np.clip(base * np.exp(rng.normal(0, spread)) + rng.normal(0, spread * 0.12, 3), 0, 1).astype(np.float32)


def shades(rng: np.random.Generator, base: np.ndarray, count: int, spread: float) -> np.ndarray:
    """``count`` variations of ``base`` in brightness and slightly in hue, float32 (count, 3) in 0..1."""
    gain = np.exp(rng.normal(0, spread, (count, 1)))
    return np.clip(base * gain + rng.normal(0, spread * 0.06, (count, 3)) + 0.01, 0, 1).astype(np.float32)


def recolour(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Change the colours of ``image`` (H, W, 3) in 0..1 at random: tint of greys, channel order, hue, gamma."""
    if rng.random() < 0.08:
        image = image[..., rng.permutation(3)]
    chroma = np.abs(image[::7, ::7, 0] - image[::7, ::7, 2]).mean()
    if chroma < 0.01 and rng.random() < 0.85:
        dark, light = cloth(rng) * 0.4, 0.45 + 0.55 * cloth(rng)
        image = dark + (light - dark) * image
    matrix = np.eye(3) + rng.normal(0, 0.09, (3, 3))
    grey = rng.uniform(0.0, 0.6) if rng.random() < 0.3 else 0.0
    matrix = ((1 - grey) * matrix + grey / 3).astype(np.float32)
    image = np.clip(image @ matrix.T, 0, 1)
    return image ** np.float32(np.exp(rng.normal(0, 0.3)))


def expose(image: np.ndarray, gain: float, gamma: float) -> np.ndarray:
    """``image`` in 0..1 under another exposure: ``gain`` stretches, ``gamma`` above 1 darkens the middle."""
    return np.clip(image * np.float32(gain), 0, 1) ** np.float32(gamma)
