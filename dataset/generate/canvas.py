"""The picture a subject is painted on: premultiplied colour and alpha, layer over layer."""
import cv2
import numpy as np

SHIFT = 4      # binary places of the fixed-point coordinates OpenCV draws with
FINE = 2       # strands are drawn on a grid this many times finer, so that they can be thinner than a pixel
FAR = 1 << 14  # coordinates beyond this many pixels are pulled in, OpenCV counts them in 32 bits


def fixed(points, scale=1.0):
    """Pixel coordinates (..., 2), pixel centres at whole numbers + 0.5, as OpenCV's fixed-point integers."""
    moved = np.clip(np.asarray(points) * scale - 0.5, -FAR, FAR)
    return np.round(moved * (1 << SHIFT)).astype(np.int32)


class Canvas:
    """``rgba`` float32 (height, width, 4) in 0..1, colours multiplied by alpha; empty at first."""

    def __init__(self, height, width):
        self.rgba = np.zeros((height, width, 4), np.float32)

    @property
    def size(self):
        """(height, width) in pixels."""
        return self.rgba.shape[:2]

    def box(self, points, margin=2):
        """Slices (rows, columns) of the part of the picture that ``points`` (N, 2) cover, or None if none."""
        height, width = self.size
        low, high = np.floor(points.min(0)) - margin, np.ceil(points.max(0)) + margin
        left, top = int(max(low[0], 0)), int(max(low[1], 0))
        right, bottom = int(min(high[0], width)), int(min(high[1], height))
        if right <= left or bottom <= top:
            return None
        return slice(top, bottom), slice(left, right)

    def fill(self, points, paint, opacity=1.0, soft=0.0, relief=0.0, light=(-0.5, -0.8)):
        """Paint the inside of an outline (N, 2) in pixels.

        ``paint`` is one colour (3,) or a picture (height, width, 3). ``soft`` is the blur of the edge in pixels.
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

    def over(self, box, cover, paint):
        """Lay ``paint`` over the part ``box`` where ``cover`` (h, w) in 0..1 says."""
        view = self.rgba[box]
        cover = cover[..., None]
        view *= 1 - cover
        view[..., :3] += cover * paint
        view[..., 3:] += cover

    def strands(self, curves, colours, width, opacity=1.0, taper=False):
        """Draw thin curves (N, P, 2) in pixels, ``width`` pixels wide (may be below 1), colours (N, 3).

        ``taper`` thins them towards their ends. Curves of one colour group are drawn together, so that several
        hundred cost little.
        """
        box = self.box(curves.reshape(-1, 2))
        if box is None:
            return
        layer = np.zeros((FINE * (box[0].stop - box[0].start), FINE * (box[1].stop - box[1].start), 4), np.uint8)
        corner = np.array((box[1].start, box[0].start))
        lines = fixed(curves - corner, FINE)
        thick = max(1, int(round(width * FINE)))
        opacity = opacity * min(1.0, width * FINE / thick)
        parts = ((1.0, max(1, thick // 3)), (0.8, max(1, thick * 2 // 3)), (0.55, thick)) if taper and thick > 1 else (
            (1.0, thick),)
        shades = np.round(np.clip(colours, 0, 1) * 255)
        groups = min(len(curves), 24)
        for group in range(groups):
            tone = (*(float(value) for value in shades[group]), 255.0)
            for share, pixels in parts:
                points = max(2, int(round(share * curves.shape[1])))
                cv2.polylines(layer, list(lines[group::groups, :points]), False, tone, pixels, cv2.LINE_AA, SHIFT)
        fine = cv2.resize(layer, None, fx=1 / FINE, fy=1 / FINE, interpolation=cv2.INTER_AREA)
        self.lay(box, fine.astype(np.float32) * np.float32(opacity / 255))

    def lay(self, box, layer):
        """Lay a premultiplied picture (h, w, 4) over the part ``box``."""
        view = self.rgba[box]
        view *= 1 - layer[..., 3:]
        view += layer

    def finish(self):
        """The painted subject as (pha uint8 (H, W), fgr float32 (H, W, 3) in 0..1), colours continued everywhere."""
        # Blurs and fixed-point drawing leave alphas a hair off 0 and 1; a matte is exactly 0 and 255 there.
        pha = np.clip((self.rgba[..., 3] - 0.006) / 0.988, 0, 1)
        return np.round(pha * 255).astype(np.uint8), extend(self.rgba)


def bulge(cover, strength, light):
    """Brightness factors (h, w) of a shape ``cover`` (h, w) that bulges towards the viewer."""
    size = max(3, int(0.45 * min(cover.shape)) | 1)
    hill = cv2.blur(cv2.blur(cover, (size, size)), (size, size))
    slope = (light[0] * cv2.Sobel(hill, cv2.CV_32F, 1, 0) + light[1] * cv2.Sobel(hill, cv2.CV_32F, 0, 1))
    return np.clip(1 + np.float32(strength) * (np.float32(size / 4) * slope + 0.5 * (hill - 0.7)), 0.35, 1.5)


def extend(rgba):
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
