"""The input pipeline of the authors' training, step for step as their paper and code describe it, in Pillow.

It exists to be measured against (``python benchmark.py data``) and to be agreed with (the tests). For one sample: open
the files; one affine map on a canvas of the image's own size, padded to the working square where it is smaller, by
bilinear interpolation; cut out the square; flip, box blur, sharpen; colour jitter in a random order, hue by way of HSV;
to float; shrink to the crop's longer side; cut out the crop.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from bgmatting.dataset.augment import BACKGROUND_SCALE


class Draw(NamedTuple):
    """Random choices for one image: degrees, fractions of the covering size, factors, and whether to flip."""
    angle: float
    shift: tuple
    scale: float
    shear: float
    flip: bool
    blur: int | None
    sharpen: bool


def draw(rng: np.random.Generator, scale: tuple[float, float]) -> Draw:
    """Draw the geometry and the filters of an image or a pair; blur is the radius in pixels of the square, or None."""
    return Draw(rng.uniform(-5, 5), tuple(rng.uniform(-0.1, 0.1, 2)), rng.uniform(*scale), rng.uniform(-5, 5),
                rng.random() < 0.5, int(rng.integers(0, 6)) if rng.random() < 0.1 else None, rng.random() < 0.1)


def pil_sample(rng: np.random.Generator, files: Sequence[str], frame: tuple[int, int], size: int,
               scale: tuple[float, float]) -> list[np.ndarray]:
    """One sample up to composition: [fgr (H, W, 3), pha (H, W), bgr (H, W, 3)], float32 in 0..1, of three files. frame:
    (height, width) of the crop; size: side of the working square, in pixels; scale: range of the foreground's size, 1
    covers the square."""
    fgr, pha, bgr = (Image.open(file).convert(mode) for file, mode in zip(files, ("RGB", "L", "RGB")))
    of_pair, of_bgr = draw(rng, scale), draw(rng, BACKGROUND_SCALE)
    fgr, pha, bgr = changed(fgr, of_pair, size), changed(pha, of_pair, size), changed(bgr, of_bgr, size)
    fgr, bgr = jittered(rng, fgr), jittered(rng, bgr)
    return [cropped(np.asarray(image, np.float32) / 255, frame) for image in (fgr, pha, bgr)]


def changed(image: Image.Image, drawn: Draw, size: int) -> Image.Image:
    """Place a Pillow image on the square of side ``size``, flip and filter it."""
    image = placed(image, drawn, size)
    if drawn.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if drawn.blur is not None:
        image = image.filter(ImageFilter.BoxBlur(drawn.blur))
    return image.filter(ImageFilter.SHARPEN) if drawn.sharpen else image


def placed(image: Image.Image, drawn: Draw, size: int) -> Image.Image:
    """The affine map about the middle of the canvas, and the square in its middle."""
    width, height = image.size
    cover = max(size / width, size / height)
    shift = [round(part * cover * side) for part, side in zip(drawn.shift, (width, height))]
    canvas = Image.new(image.mode, (max(width, size), max(height, size)))
    canvas.paste(image, ((canvas.width - width) // 2, (canvas.height - height) // 2))
    back = np.linalg.inv(linear_map(drawn) * cover)
    middle = np.array(canvas.size) / 2
    offset = middle - back @ (middle + shift)
    data = [back[0, 0], back[0, 1], offset[0], back[1, 0], back[1, 1], offset[1]]
    canvas = canvas.transform(canvas.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    left, top = round((canvas.width - size) / 2), round((canvas.height - size) / 2)
    return canvas.crop((left, top, left + size, top + size))


def linear_map(drawn: Draw) -> np.ndarray:
    """Shear along x, then turn, times scale: a 2x2 matrix for (x, y)."""
    angle, shear = math.radians(drawn.angle), math.radians(drawn.shear)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return turn @ np.array([[1, math.tan(shear)], [0, 1]]) * drawn.scale


def jittered(rng: np.random.Generator, image: Image.Image, amount: float = 0.15, hue: float = 0.05) -> Image.Image:
    """Brightness, contrast, saturation and hue in a random order."""
    for number in rng.permutation(4):
        if number == 3:
            image = with_hue(image, int(rng.uniform(-hue, hue) * 255))
        else:
            enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[number]
            image = enhance(image).enhance(rng.uniform(1 - amount, 1 + amount))
    return image


def with_hue(image: Image.Image, turn: float) -> Image.Image:
    """Turn the hue by ``turn`` of 256 steps."""
    hue, saturation, value = image.convert("HSV").split()
    hue = Image.fromarray(np.asarray(hue) + np.uint8(turn % 256))
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def cropped(image: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Shrink a square float image to the crop's longer side by bilinear interpolation, and cut out its middle."""
    side = max(frame)
    image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    top, left = (side - frame[0]) // 2, (side - frame[1]) // 2
    return np.ascontiguousarray(image[top:top + frame[0], left:left + frame[1]])
