"""Backgrounds: photographs and drawn scenes, float32 (H, W, 3) in 0..1."""
from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import colour, noise, photos, texture

# Wood, stone and dark wood.
PLANKS = np.array(((0.35, 0.23, 0.14), (0.45, 0.45, 0.44), (0.12, 0.08, 0.06)), np.float32)


def make_background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One background, uint8 RGB (height, width, 3); ``rng`` is a numpy Generator and decides all."""
    image = scene(rng, height, width)
    if rng.random() < 0.2:
        image = joined(rng, image, scene(rng, height, width))
    if rng.random() < 0.5:
        image = image * texture.lighting(rng, height, width)
    image = np.clip(image, 0, 1)
    if rng.random() < 0.4:
        image = image * texture.grain(rng, height, width)[..., None]
    if rng.random() < 0.45:
        unit = min(height, width)
        image = texture.blurred(image, unit * np.exp(rng.uniform(np.log(0.002), np.log(0.05))))
    image = colour.expose(image, np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.4)))
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def scene(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A scene of random kind."""
    return SCENES[rng.choice(len(SCENES), p=SHARE)](rng, height, width)


def joined(rng: np.random.Generator, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two scenes, the second in a rectangle, above a horizon or through a soft mask of noise."""
    height, width = first.shape[:2]
    pick = rng.integers(3)
    if pick == 0:
        image = first.copy()
        top, left = int(rng.uniform(0, 0.6) * height), int(rng.uniform(0, 0.6) * width)
        high, wide = int(rng.uniform(0.2, 0.7) * height) + 2, int(rng.uniform(0.2, 0.7) * width) + 2
        view = image[top:top + high, left:left + wide]
        view[...] = second[:view.shape[0], :view.shape[1]]
        return image
    if pick == 1:
        line = int(height * rng.uniform(0.3, 0.8))
        return np.concatenate((first[:line], second[line:]))
    mask = np.clip(0.5 + 3 * (noise.octaves(rng, height, width, rng.uniform(1, 5), 3) - 0.5), 0, 1)[..., None]
    return first + mask * (second - first)


def photograph(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A crop of a photograph."""
    return photos.crop(rng, height, width, zoom=(0.6, 4))


def room(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Wall, floor, window or door, furniture and images."""
    wall, floor = colour.cloth(rng) * 0.6 + 0.3, colour.near(rng, np.array((0.4, 0.3, 0.22), np.float32), 0.5)
    image = paper(rng, height, width, wall)
    line = int(height * rng.uniform(0.55, 0.95))
    image[line:] = paper(rng, height - line, width, floor) if line < height else 0
    cv2.rectangle(image, (0, line - max(1, height // 60)), (width, line), tint(colour.near(rng, wall, 0.4)), -1)
    for _ in range(int(rng.integers(1, 4))):
        opening(rng, image, line)
    for _ in range(int(rng.integers(0, 5))):
        box(rng, image, line + int(rng.uniform(0, 0.15) * height))
    return image


def tint(rgb: Iterable[float]) -> tuple[float, ...]:
    """A colour as OpenCV takes it."""
    return tuple(float(value) for value in rgb)


def paper(rng: np.random.Generator, height: int, width: int, base: np.ndarray) -> np.ndarray:
    """A plain painted surface with faint unevenness."""
    spread = np.float32(rng.uniform(0.01, 0.12))
    tone = 1 + spread * (2 * noise.octaves(rng, max(height, 2), width, rng.uniform(2, 20), 4, 0.7) - 1)
    return (base * tone[:height, :, None]).astype(np.float32)


def opening(rng: np.random.Generator, image: np.ndarray, line: int) -> None:
    """A window, door, poster or mirror on the wall, with a frame."""
    height, width = image.shape[:2]
    high, wide = int(height * rng.uniform(0.15, 0.75)) + 3, int(width * rng.uniform(0.1, 0.4)) + 3
    left, top = int(rng.uniform(-0.1, 0.95) * width), int(rng.uniform(0.0, 0.9) * max(line - high, 1))
    painted = rng.random() < 0.4
    inner = photos.crop(rng, high, wide) if painted else paper(rng, high, wide, colour.cloth(rng) * 0.6 + 0.4)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + wide, width), min(top + high, height)
    if x1 <= x0 or y1 <= y0:
        return
    image[y0:y1, x0:x1] = inner[y0 - top:y1 - top, x0 - left:x1 - left]
    frame, thick = tint(colour.cloth(rng)), max(1, int(min(height, width) * rng.uniform(0.008, 0.03)))
    cv2.rectangle(image, (left, top), (left + wide, top + high), frame, thick)
    for part in range(1, int(rng.integers(1, 4))):
        x, y = left + wide * part // 3, top + high * part // 3
        cv2.line(image, (x, top), (x, top + high), frame, max(1, thick // 2))
        cv2.line(image, (left, y), (left + wide, y), frame, max(1, thick // 2))


def box(rng: np.random.Generator, image: np.ndarray, line: int) -> None:
    """A cupboard, shelf or sofa that stands on ``line``."""
    height, width = image.shape[:2]
    high, wide = int(height * rng.uniform(0.08, 0.6)) + 4, int(width * rng.uniform(0.08, 0.5)) + 4
    left, top = int(rng.uniform(-0.2, 1) * width), line - high
    base = colour.cloth(rng)
    cv2.rectangle(image, (left, top), (left + wide, line), tint(base), -1)
    for _ in range(int(rng.integers(0, 10))):
        x, y = left + int(rng.uniform(0, 0.9) * wide), top + int(rng.uniform(0, 0.9) * high)
        size = (int(rng.uniform(0.04, 0.5) * wide), int(rng.uniform(0.04, 0.4) * high))
        corner = (min(x + size[0], left + wide), min(y + size[1], line))
        paint = colour.near(rng, base, 0.5) if rng.random() < 0.6 else colour.cloth(rng)
        cv2.rectangle(image, (x, y), corner, tint(paint), -1)
    cv2.rectangle(image, (left, top), (left + wide, line), tint(base * 0.6), max(1, height // 200))


def landscape(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Sky, hills and ground."""
    low, high = colour.hue(rng.uniform(0.5, 0.66), rng.uniform(0, 0.4), rng.uniform(0.6, 1)), colour.hue(
        rng.uniform(0.52, 0.68), rng.uniform(0.1, 0.9), rng.uniform(0.3, 1))
    if rng.random() < 0.25:
        low = colour.hue(rng.uniform(0, 0.12), rng.uniform(0.2, 0.8), rng.uniform(0.6, 1))
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    image = np.repeat(high + (low - high) * share, width, 1)
    if rng.random() < 0.65:
        clouds = noise.octaves(rng, height, width, rng.uniform(2, 6), 5, 0.55, rng.uniform(1, 3))
        cover = np.clip(rng.uniform(1.5, 5) * (clouds - rng.uniform(0.4, 0.6)), 0, 1)[..., None]
        image += (np.float32(0.96) - image) * cover
    rows = np.arange(height, dtype=np.float32)[:, None]
    horizon = rng.uniform(0.35, 1.1)
    for _ in range(int(rng.integers(1, 5))):
        ridge = height * (horizon + rng.uniform(0.02, 0.12) * noise.line(rng, width, rng.uniform(3, 30)))
        mask = np.clip(rows - ridge[None], 0, 1)[..., None]
        green = colour.hue(rng.uniform(0.08, 0.45), rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.7))
        ground = texture.mottled(rng, height, width, green, colour.near(rng, green, 0.5))
        image += mask * (ground - image)
        horizon += rng.uniform(0.05, 0.25)
    return image


def leaves(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Shapes that cover each other, small ones more often: foliage, crowds, clutter, confetti."""
    image = np.repeat(paper(rng, 1, 1, colour.cloth(rng)), height, 0).repeat(width, 1)
    image = np.round(image * 255).clip(0, 255).astype(np.uint8)
    unit, natural = min(height, width), rng.random() < 0.55
    base = colour.hue(rng.uniform(0.12, 0.42), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.7)) if natural else None
    smallest, count = rng.uniform(0.008, 0.05), int(rng.integers(60, 320))
    form = rng.integers(3)
    sizes = np.minimum(unit * smallest * rng.pareto(1.2, count) + unit * smallest, 0.45 * unit)
    for size in np.sort(sizes)[::-1] if rng.random() < 0.7 else sizes:
        paint = colour.near(rng, base, 0.5) if natural else colour.cloth(rng)
        tone = tint(np.round(paint * 255))
        middle = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        if form == 0:
            axes = (int(size) + 1, int(size * rng.uniform(0.2, 1)) + 1)
            cv2.ellipse(image, middle, axes, rng.uniform(0, 360), 0, 360, tone, -1, cv2.LINE_AA)
        else:
            square = rng.uniform(0, 6) + np.arange(4) * np.pi / 2
            angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7)))) if form == 1 else square
            points = middle + size * rng.uniform(0.3, 1, (1, 2)) * np.stack((np.cos(angle), np.sin(angle)), 1)
            cv2.fillConvexPoly(image, np.round(points).astype(np.int32), tone, cv2.LINE_AA)
    out = image.astype(np.float32) / 255
    return out * (1 + np.float32(0.15) * noise.smooth(rng, height, width, 50)[..., None])


def bokeh(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Discs of light before a dark blur."""
    base = texture.mottled(rng, height, width, colour.cloth(rng) * 0.5, colour.cloth(rng) * 0.8)
    image, unit = texture.blurred(base, min(height, width) * 0.05), min(height, width)
    light = np.zeros((height, width, 3), np.uint8)
    size = unit * rng.uniform(0.015, 0.07)
    for _ in range(int(rng.integers(8, 70))):
        tone = tint(np.round(colour.hue(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.2, 0.9)) * 255))
        middle = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(light, middle, max(1, int(size * rng.uniform(0.6, 1.3))), tone, -1, cv2.LINE_AA)
    return image + texture.blurred(light.astype(np.float32) / 255, unit * 0.004) * (1 - 0.6 * image)


def facade(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A grid of windows, shelves, tiles, bricks or books."""
    ground, fill = colour.cloth(rng), colour.cloth(rng)
    image = paper(rng, height, width, ground)
    unit = min(height, width)
    step_y, step_x = unit * np.exp(rng.uniform(np.log(0.03), np.log(0.3), 2))
    gap, offset, loose = rng.uniform(0.05, 0.5), rng.choice((0.0, 0.5)), rng.uniform(0, 0.25)
    for row in range(int(height / step_y) + 2):
        for col in range(-1, int(width / step_x) + 2):
            x, y = (col + offset * (row % 2)) * step_x, row * step_y
            size = np.array((step_x, step_y)) * (1 - gap) * rng.uniform(1 - loose, 1, 2)
            paint = colour.near(rng, fill, 0.15 + loose) if rng.random() > loose else colour.cloth(rng)
            cv2.rectangle(image, (int(x), int(y)), (int(x + size[0]), int(y + size[1])), tint(paint), -1)
    return turned(rng, image)


def turned(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """The image seen from aside: a mild perspective."""
    height, width = image.shape[:2]
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    moved = (corners + rng.normal(0, 0.1, (4, 2)) * (width, height)).astype(np.float32)
    return cv2.warpPerspective(image, cv2.getPerspectiveTransform(corners, moved), (width, height),
                               borderMode=cv2.BORDER_REFLECT_101)


def planks(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Wood, stone or curtains: noise drawn out along one direction, with joints."""
    dark = colour.near(rng, PLANKS[rng.integers(len(PLANKS))], 0.4)
    upright = rng.random() < 0.5
    high, wide = (width, height) if upright else (height, width)
    grain = noise.octaves(rng, high, wide, rng.uniform(15, 40), 3, 0.7, rng.uniform(4, 12))
    image = dark * (0.5 + grain[..., None])
    for place in range(0, high, max(3, int(min(high, wide) * rng.uniform(0.06, 0.4)))):
        image[place:place + max(1, high // 150)] *= 0.5
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if upright else image


def backdrop(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A studio wall or sky: slow gradients, sometimes clouds of fine noise."""
    first = colour.cloth(rng)
    second = colour.near(rng, first, 0.4) if rng.random() < 0.6 else colour.cloth(rng)
    mix = np.clip(0.5 + 0.5 * noise.smooth(rng, height, width, rng.uniform(1, 3)), 0, 1)
    if rng.random() < 0.5:
        mix = np.clip(mix + 0.5 * (noise.octaves(rng, height, width, rng.uniform(3, 20), 5, 0.65) - 0.5), 0, 1)
    image = first + (second - first) * mix[..., None]
    return image + np.float32(rng.uniform(0, 0.02)) * rng.standard_normal((height, width, 1)).astype(np.float32)


def clutter(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Lines, cables, letters and marks over another scene."""
    image = (photograph if rng.random() < 0.5 else backdrop)(rng, height, width)
    image = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    for _ in range(int(rng.integers(6, 50))):
        ends = [(int(rng.uniform(-0.1, 1.1) * width), int(rng.uniform(-0.1, 1.1) * height)) for _ in range(2)]
        tone = tint(np.round(colour.cloth(rng) * 255))
        thick = max(1, int(min(height, width) * rng.uniform(0.002, 0.03)))
        if rng.random() < 0.4:
            word = "".join(chr(code) for code in rng.integers(48, 91, int(rng.integers(2, 9))))
            size = min(height, width) * rng.uniform(0.002, 0.01)
            cv2.putText(image, word, ends[0], int(rng.integers(0, 5)), size, tone, max(1, thick // 3), cv2.LINE_AA)
        else:
            cv2.line(image, *ends, tone, thick, cv2.LINE_AA)
    return image.astype(np.float32) / 255


def stuff(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise of many octaves in two or three colours: earth, plaster, hedges."""
    image = texture.mottled(rng, height, width, colour.cloth(rng), colour.cloth(rng))
    if rng.random() < 0.5:
        mask = np.clip(6 * (noise.octaves(rng, height, width, rng.uniform(2, 12), 5, 0.6) - 0.55), 0, 1)[..., None]
        image = image + mask * (colour.cloth(rng) - image)
    return image


SCENES = (photograph, room, landscape, leaves, bokeh, facade, planks, backdrop, clutter, stuff)
SHARE = (0.42, 0.14, 0.09, 0.08, 0.04, 0.05, 0.05, 0.06, 0.03, 0.04)
