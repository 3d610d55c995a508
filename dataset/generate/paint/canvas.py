"""The image a subject is painted on: premultiplied colour and alpha, layer over layer."""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SHIFT = 4      # binary places of the fixed-point coordinates OpenCV draws with
FINE = 2       # strands are drawn on a grid this many times finer, so that they can be thinner than a pixel
FINE_BELOW = 1.5  # pixels; thicker strands need no finer grid
GROUPS = 20    # colours per call; no multiple of 7, see ``alike``
WHOLE = ((1.0, 1.0),)
TAPER_THIN = ((1.0, 0.4), (0.6, 1.0))
TAPER = ((1.0, 0.12), (0.88, 0.4), (0.72, 0.7), (0.5, 1.0))  # (share of the length, share of the width)
FAR = 1 << 14  # coordinates beyond this many pixels are pulled in, OpenCV counts them in 32 bits


def fixed(points: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Pixel coordinates (..., 2), pixel centres at whole numbers + 0.5, as OpenCV's fixed-point integers."""
    moved = np.clip(np.asarray(points) * scale - 0.5, -FAR, FAR)
    return np.round(moved * (1 << SHIFT)).astype(np.int32)


class Canvas:
    """``rgba`` float32 (height, width, 4) in 0..1, colours multiplied by alpha; empty at first."""

    def __init__(self, height: int, width: int):
        self.rgba = np.zeros((height, width, 4), np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rgba.shape[:2]

    def box(self, points: np.ndarray, margin: float = 2) -> tuple[slice, slice] | None:
        """Slices (rows, columns) of the part of the image that ``points`` (N, 2) cover, or None if none."""
        height, width = self.size
        low, high = np.floor(points.min(0)) - margin, np.ceil(points.max(0)) + margin
        left, top = int(max(low[0], 0)), int(max(low[1], 0))
        right, bottom = int(min(high[0], width)), int(min(high[1], height))
        if right <= left or bottom <= top:
            return None
        return slice(top, bottom), slice(left, right)

    def fill(self, points: np.ndarray, paint: np.ndarray, opacity: float = 1.0, soft: float = 0.0, relief: float = 0.0,
             light: Sequence[float] = (-0.5, -0.8)) -> None:
        """Paint the inside of an outline (N, 2) in pixels.

        ``paint`` is one colour (3,) or an image (height, width, 3). ``soft`` is the blur of the edge in pixels.
        ``relief`` shades the shape as if it bulged, lit from the direction ``light``.
        """
        box = self.box(points, 2 + int(3 * soft))
        if box is None:
            return
        mask = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), np.uint8)
        cv2.fillPoly(mask, [fixed(points - (box[1].start, box[0].start))], 255, cv2.LINE_AA, SHIFT)
        if soft > 0.2:
            mask = cv2.GaussianBlur(mask, (0, 0), soft)
        cover = mask.astype(np.float32) * np.float32(1 / 255)
        paint = paint[box] if np.ndim(paint) == 3 else np.asarray(paint, np.float32)
        if relief:
            paint = paint * bulge(cover, relief, light)[..., None]
        self.over(box, cover * np.float32(opacity), paint)

    def over(self, box: tuple[slice, slice], cover: np.ndarray, paint: np.ndarray) -> None:
        """Lay ``paint`` over the part ``box`` where ``cover`` (h, w) in 0..1 says."""
        view = self.rgba[box]
        cover = cover[..., None]
        view *= 1 - cover
        view[..., :3] += cover * paint
        view[..., 3:] += cover

    def strands(self, curves: np.ndarray, colours: np.ndarray, width: float, opacity: float = 1.0,
                taper: bool = False) -> None:
        """Draw thin curves (N, P, 2) in pixels, ``width`` pixels wide (may be below 1).

        ``colours`` are those of the curves (N, 3), or any other number of colours, which are dealt out. ``taper``
        thins the curves towards their ends. Curves of like colour are drawn together: hundreds cost little.
        """
        box = self.box(curves.reshape(-1, 2))
        if box is None:
            return
        grid = FINE if width < FINE_BELOW else 1
        high, wide = box[0].stop - box[0].start, box[1].stop - box[1].start
        layer = np.zeros((grid * high, grid * wide, 4), np.uint8)
        corner = np.array((box[1].start, box[0].start))
        lines = fixed(curves - corner, grid)
        thick = max(1, int(round(width * grid)))
        opacity = opacity * min(1.0, width * grid / thick)
        steps = WHOLE if not taper or thick == 1 else TAPER if thick > 4 else TAPER_THIN
        parts = [(share, max(1, int(round(thick * part)))) for share, part in steps]
        shades = np.round(np.clip(colours, 0, 1) * 255)
        for members, shade in alike(len(curves), shades):
            tone = (*(float(value) for value in shade), 255.0)
            for share, pixels in parts:
                points = max(2, int(round(share * curves.shape[1])))
                cv2.polylines(layer, list(lines[members, :points]), False, tone, pixels, cv2.LINE_AA, SHIFT)
        if grid > 1:
            layer = cv2.resize(layer, (wide, high), interpolation=cv2.INTER_AREA)
        self.lay(box, layer.astype(np.float32) * np.float32(opacity / 255))

    def lay(self, box: tuple[slice, slice], layer: np.ndarray) -> None:
        """Lay a premultiplied image (h, w, 4) over the part ``box``."""
        view = self.rgba[box]
        view *= 1 - layer[..., 3:]
        view += layer

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The painted subject as (pha uint8 (H, W), fgr float32 (H, W, 3) in 0..1), colours continued everywhere."""
        # Blurs and fixed-point drawing leave alphas a hair off 0 and 1; a matte is exactly 0 and 255 there.
        pha = np.clip((self.rgba[..., 3] - 0.006) / 0.988, 0, 1)
        return np.round(pha * 255).astype(np.uint8), extend(self.rgba)


def alike(count: int, colours: np.ndarray) -> list[tuple[slice | np.ndarray, np.ndarray]]:
    """Pairs (which of ``count`` curves, their colour (3,)): some ten groups that are drawn together."""
    groups = min(count, GROUPS)
    if len(colours) != count or count <= groups:
        return [(slice(group, None, groups), colours[group % len(colours)]) for group in range(groups)]
    parts = np.array_split(np.argsort(colours.sum(1), kind="stable"), groups)
    order = [(7 * group) % groups for group in range(groups)]  # neither dark nor light ones all on top
    return [(parts[place], colours[parts[place]].mean(0)) for place in order]


def bulge(cover: np.ndarray, strength: float, light: Sequence[float]) -> np.ndarray:
    """Brightness factors (h, w) of a shape ``cover`` (h, w) that bulges towards the viewer."""
    size = max(3, int(0.45 * min(cover.shape)) | 1)
    hill = cv2.blur(cv2.blur(cover, (size, size)), (size, size))
    slope = (light[0] * cv2.Sobel(hill, cv2.CV_32F, 1, 0) + light[1] * cv2.Sobel(hill, cv2.CV_32F, 0, 1))
    return np.clip(1 + np.float32(strength) * (np.float32(size / 4) * slope + 0.5 * (hill - 0.7)), 0.35, 1.5)


def extend(rgba: np.ndarray) -> np.ndarray:
    """Continue premultiplied colours beyond the subject: float32 (H, W, 3) in 0..1, unchanged where alpha is full."""
    levels = [rgba]
    while min(levels[-1].shape[:2]) > 1:
        high, wide = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], ((wide + 1) // 2, (high + 1) // 2), interpolation=cv2.INTER_AREA))
    top = levels.pop()
    fill = (top[..., :3] / np.maximum(top[..., 3:], 1e-4)).astype(np.float32)
    for level in reversed(levels):
        high, wide = level.shape[:2]
        fill = cv2.resize(fill, (wide, high), interpolation=cv2.INTER_LINEAR).reshape(high, wide, 3)
        # A few percent of own colour is enough to trust it; below that it is too coarse.
        known = np.minimum(level[..., 3:] * 12, 1)
        own = level[..., :3] / np.maximum(level[..., 3:], 1e-4)
        fill = fill + known * (own - fill)
    return np.clip(fill, 0, 1)
