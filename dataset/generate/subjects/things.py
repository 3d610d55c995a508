"""Free forms with holes, thin structures and see-through cloth."""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import colour, noise, shapes, texture
from bgmatting.dataset.generate.paint.canvas import Canvas
from bgmatting.dataset.generate.subjects import hair


def free_form(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """A blob cut from smooth noise, with holes and bays, of about ``unit`` pixels."""
    height, width = canvas.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot(x - centre[0], y - centre[1]) / np.float32(0.5 * unit)
    field = noise.octaves(rng, height, width, rng.uniform(3, 9), int(rng.integers(1, 5)), rng.uniform(0.3, 0.6)) - 0.5
    level = rng.uniform(1.0, 2.2) * field + 0.5 - 0.75 * far ** 2
    slope = np.hypot(cv2.Sobel(level, cv2.CV_32F, 1, 0), cv2.Sobel(level, cv2.CV_32F, 0, 1)) / 8
    cover = np.clip(0.5 + level / np.maximum(slope, 1e-3), 0, 1)  # one pixel of ramp whatever the slope
    whole = (slice(0, height), slice(0, width))
    skin = texture.coat(rng, height, width) if rng.random() < 0.4 else texture.surface(rng, height, width)
    canvas.over(whole, cover, skin)
    if rng.random() < 0.45:
        found, _ = cv2.findContours((cover > 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for line in sorted(found, key=len)[-4:]:
            if len(line) > 30:
                hair.fringe(rng, canvas, line[:, 0].astype(float) + 0.5, unit * rng.uniform(0.01, 0.08), density=1.0,
                            width=max(unit * rng.uniform(0.0015, 0.004), 0.25), clump=rng.uniform(0, 0.9))


def thin(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """A thin structure: branch, wheel, net, chair or wires, of about ``unit`` pixels."""
    paint = (branch, wheel, net, chair, wires)[rng.choice(5, p=(0.34, 0.2, 0.14, 0.2, 0.12))]
    paint(rng, canvas, unit, np.asarray(centre))


def branch(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """A twig that forks, often with leaves."""
    paint = colour.near(rng, np.array((0.32, 0.24, 0.17), np.float32), 0.4)
    angle = rng.uniform(0, 2 * np.pi)
    tips, headings = [centre - 0.5 * unit * np.array((np.cos(angle), np.sin(angle)))], [angle]
    width, length, leaves = unit * rng.uniform(0.015, 0.04), 0.4 * unit, []
    for _ in range(5):
        next_tips, next_headings = [], []
        for tip, heading in zip(tips, headings):
            curve = hair.grow(rng, tip[None], np.array(((np.cos(heading), np.sin(heading)),)), np.array((length,)),
                              (0, rng.normal(0, 0.1)), 0.6, 8)
            canvas.strands(curve, paint[None] * np.float32(rng.uniform(0.7, 1.2)), max(width, 0.35), taper=True)
            leaves.append(curve[0])
            for _ in range(rng.integers(1, 4)):
                place = int(rng.integers(3, 8))
                next_tips.append(curve[0, place])
                next_headings.append(heading + rng.normal(0, 0.6))
        keep = rng.permutation(len(next_tips))[:14]
        tips, headings = [next_tips[i] for i in keep], [next_headings[i] for i in keep]
        width, length = width * 0.6, length * 0.72
    if rng.random() < 0.6:
        foliage(rng, canvas, np.concatenate(leaves[3:]), unit)


def foliage(rng: np.random.Generator, canvas: Canvas, places: np.ndarray, unit: float) -> None:
    """Leaves at some of ``places`` (N, 2)."""
    green = colour.hue(rng.uniform(0.15, 0.42), rng.uniform(0.3, 0.8), rng.uniform(0.25, 0.8))
    size = unit * rng.uniform(0.015, 0.05)
    for place in places[rng.permutation(len(places))[:int(rng.integers(10, 70))]]:
        turn, long = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.6, 1.4)
        middle = place + long * np.array((np.cos(turn), np.sin(turn)))
        leaf = shapes.ellipse(middle, (long, long * rng.uniform(0.25, 0.6)), turn, 14)
        canvas.fill(leaf, colour.near(rng, green, 0.2))


def wheel(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """A spoked wheel, or two with a frame between."""
    paint, radius = colour.cloth(rng), unit * rng.uniform(0.22, 0.45)
    squash = rng.uniform(0.5, 1.0)
    hubs = [centre] if rng.random() < 0.5 else [centre - (radius * 1.3, 0), centre + (radius * 1.3, 0)]
    for hub in hubs:
        ring = shapes.ellipse(hub, (radius * squash, radius), count=64)
        canvas.strands(np.concatenate((ring, ring[:1]))[None], paint[None], max(unit * rng.uniform(0.01, 0.035), 0.8))
        count = int(rng.integers(10, 36))
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.normal(0, 0.03, count)
        rim = hub + np.stack((radius * squash * np.cos(angle), radius * np.sin(angle)), 1)
        spokes = np.stack((np.repeat(hub[None], count, 0) + rng.normal(0, radius * 0.03, (count, 2)), rim), 1)
        canvas.strands(spokes, colour.shades(rng, paint + 0.2, count, 0.2), max(unit * 0.003, 0.3), rng.uniform(0.6, 1))
    if len(hubs) == 2:
        top = centre - (0, radius * 0.9)
        ends = ((hubs[0], top), (hubs[1], top), (hubs[0], centre), (centre, top))
        bars = np.stack([np.stack(pair) for pair in ends])
        canvas.strands(bars, colour.cloth(rng)[None].repeat(4, 0), max(unit * 0.018, 1.0))


def net(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """A mesh or fence, bent a little."""
    count, size = int(rng.integers(6, 22)), 0.5 * unit
    place, along = np.linspace(-1, 1, count), np.linspace(-1, 1, 20)
    first = np.stack(np.broadcast_arrays(place[:, None], along[None]), -1)
    lines = np.concatenate((first, first[..., ::-1]))
    turn = rng.uniform(0, np.pi)
    lines = lines @ np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))))
    lines = shapes.bend(rng, 0.25, 2.0)(lines.reshape(-1, 2)).reshape(lines.shape)
    lines = lines * size * rng.uniform(0.5, 1, 2) + centre
    canvas.strands(lines, colour.shades(rng, colour.cloth(rng), 24, 0.15), max(unit * rng.uniform(0.003, 0.012), 0.35))


def chair(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """Legs, seat and slatted back of a chair."""
    paint, wide = colour.near(rng, colour.cloth(rng), 0.2), rng.uniform(0.18, 0.3)
    thick = unit * rng.uniform(0.01, 0.035)
    lines = [((side * wide, -0.5), (side * wide * rng.uniform(0.9, 1.1), 0.05)) for side in (-1, 1)]
    lines += [((x * wide, 0.05), (x * wide * rng.uniform(0.9, 1.3), 0.5)) for x in (-1, -0.6, 0.65, 1)]
    lines += [((-wide, y), (wide, y)) for y in np.linspace(-0.48, -0.15, int(rng.integers(1, 6)))]
    curves = np.array(lines) * unit * 0.9 + centre
    canvas.strands(curves, colour.shades(rng, paint, 24, 0.15), max(thick, 0.8))
    seat = np.array(((-wide * 1.1, 0.0), (wide * 1.1, 0.0), (wide * 1.25, 0.09), (-wide * 1.25, 0.09)))
    canvas.fill(seat * unit * 0.9 + centre, paint, relief=0.2)


def wires(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """Cables, ropes or straws that cross."""
    count = int(rng.integers(3, 14))
    roots = centre + rng.normal(0, 0.3 * unit, (count, 2))
    angle = rng.uniform(0, 2 * np.pi, count)
    curves = hair.grow(rng, roots, np.stack((np.cos(angle), np.sin(angle)), 1), np.full(count, unit * 0.8),
                       (0, 0.2), 2.0, 20)
    canvas.strands(curves, colour.shades(rng, colour.cloth(rng), 24, 0.4), max(unit * rng.uniform(0.003, 0.02), 0.4))


def veil(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """See-through cloth, glass or smoke over and beside what is painted already."""
    height, width = canvas.size
    outline = shapes.wavy(rng, shapes.ellipse(centre, unit * rng.uniform(0.15, 0.45, 2), rng.uniform(0, np.pi)),
                          0.06 * unit, int(rng.integers(4, 10)))
    box = canvas.box(outline, 4)
    if box is None:
        return
    paint = colour.cloth(rng) if rng.random() < 0.6 else np.full(3, rng.uniform(0.7, 1), np.float32)
    weave = noise.smooth(rng, height, width, rng.uniform(3, 14))
    thin_cover = np.clip(rng.uniform(0.25, 0.7) + rng.uniform(0.05, 0.25) * weave, 0.12, 0.9)
    layer = np.zeros((height, width), np.uint8)
    cv2.fillPoly(layer, [np.round(outline).astype(np.int32)], 255)
    cover = cv2.GaussianBlur(layer, (0, 0), max(0.6, unit * rng.choice((0.003, 0.03)))).astype(np.float32) / 255
    canvas.over(box, (cover * thin_cover)[box], paint * np.float32(rng.uniform(0.85, 1.1)))
    if rng.random() < 0.5:  # a rim, as glass has
        canvas.strands(np.concatenate((outline, outline[:1]))[None], paint[None], max(0.006 * unit, 0.5), 0.8)


def tulle(rng: np.random.Generator, canvas: Canvas) -> None:
    """A white tulle curtain in folds before most of what is painted already, about half see-through."""
    height, width = canvas.size
    left, right, top = width * rng.uniform(0.02, 0.2), width * rng.uniform(0.8, 0.98), height * rng.uniform(0, 0.12)
    outline = np.array(((left, top), (right, top), (right + 0.05 * width, height + 4), (left - 0.05 * width, height + 4)))
    layer = np.zeros((height, width), np.uint8)
    cv2.fillPoly(layer, [np.round(outline).astype(np.int32)], 255)
    x = np.linspace(0, 2 * np.pi * rng.uniform(4, 9), width, dtype=np.float32)
    fold = np.tile(np.sin(x + 1.5 * np.sin(0.37 * x + rng.uniform(0, 6))), (height, 1))
    cover = cv2.GaussianBlur(layer, (0, 0), 0.8).astype(np.float32) / 255 * (0.5 + 0.12 * fold)
    canvas.over((slice(0, height), slice(0, width)), cover, np.repeat((0.88 + 0.1 * fold)[..., None], 3, 2))
