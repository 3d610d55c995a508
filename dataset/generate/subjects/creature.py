"""Animals and furry free forms. A body is a union of outlines; its rim and its inside carry fur."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import colour, photos, shapes, texture
from bgmatting.dataset.generate.paint.canvas import Canvas
from bgmatting.dataset.generate.subjects import hair


def paint(rng: np.random.Generator, canvas: Canvas, unit: float, centre: Sequence[float]) -> None:
    """Paint one animal of about ``unit`` pixels around ``centre`` (x, y)."""
    height, width = canvas.size
    make = (bust, quadruped, sitter, lump, horse)[rng.choice(5, p=(0.36, 0.22, 0.18, 0.16, 0.08))]
    turn, side = rng.normal(0, 0.12), -1.0 if rng.random() < 0.5 else 1.0
    matrix = np.array(((np.cos(turn) * side, -np.sin(turn)), (np.sin(turn) * side, np.cos(turn)))) * unit
    move = shapes.bend(rng, 0.035, 0.8)
    parts, extras = make(rng)
    light = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 0.2)))

    def put(points):
        return move(np.asarray(points, float)) @ matrix.T + centre

    coat = texture.coat(rng, height, width)
    long_hair = rng.random() < 0.5
    length = unit * (rng.uniform(0.03, 0.1) if long_hair else rng.uniform(0.006, 0.03))
    outlines = silhouettes((height, width), [put(part) for part in parts])
    for part in parts:
        canvas.fill(put(part), coat, relief=rng.uniform(0.15, 0.4), light=light, soft=0.15 * min(length, 4))
    lean = (rng.normal(0, 0.3), rng.uniform(0.1, 0.9))
    inner_fur(rng, canvas, [put(part) for part in parts], length, unit, lean)
    furred = rng.random() < 0.9
    for outline in outlines if furred else ():
        hair.fringe(rng, canvas, outline, length, density=rng.uniform(1.2, 2.2),
                    width=max(unit * rng.uniform(0.0012, 0.004), 0.25), lean=lean, clump=rng.uniform(0.1, 0.9),
                    opacity=rng.uniform(0.6, 1.0))
    details(rng, canvas, put, extras, unit, light)


def silhouettes(size: tuple[int, int], outlines: list[np.ndarray]) -> list[np.ndarray]:
    """Outer contours (N, 2) of the union of ``outlines`` in an image of ``size`` (height, width)."""
    pad = 12  # contours that leave the image must not run along its border
    mask = np.zeros((size[0] + 2 * pad, size[1] + 2 * pad), np.uint8)
    for outline in outlines:
        cv2.fillPoly(mask, [np.round(outline + pad).astype(np.int32)], 255)
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return [smooth_contour(line[:, 0].astype(float) - pad + 0.5) for line in found if len(line) > 20]


def smooth_contour(points: np.ndarray) -> np.ndarray:
    """A pixel contour without its steps, (N, 2)."""
    kernel = np.ones(7) / 7
    return np.stack([np.convolve(np.pad(points[:, axis], 3, "wrap"), kernel, "valid") for axis in (0, 1)], 1)


def inner_fur(rng: np.random.Generator, canvas: Canvas, outlines: list[np.ndarray], length: float, unit: float,
              lean: Sequence[float]) -> None:
    """Strands all over the body that give it the grain of fur."""
    points = np.concatenate(outlines)
    low, high = np.maximum(points.min(0), 0), np.minimum(points.max(0), canvas.size[::-1])
    roots = rng.uniform(low, np.maximum(high, low + 1), (700, 2))
    height, width = canvas.size
    x, y = np.clip(roots[:, 0].astype(int), 0, width - 1), np.clip(roots[:, 1].astype(int), 0, height - 1)
    roots = roots[canvas.rgba[y, x, 3] > 0.99]
    if len(roots) < 8:
        return
    heading = np.asarray(lean) + rng.normal(0, 0.25, roots.shape)
    curves = hair.grow(rng, roots, heading, np.full(len(roots), max(length, 2.0)), lean, 0.8, steps=5)
    for part in np.array_split(curves, 2):
        tones = hair.sampled(rng, canvas, part) * np.float32(rng.uniform(0.85, 1.12))
        canvas.strands(part, tones, max(unit * 0.0025, 0.4), 0.6)


def details(rng: np.random.Generator, canvas: Canvas, put: Callable[[Sequence], np.ndarray], extras: dict, unit: float,
            light: Sequence[float]) -> None:
    """Eyes, nose and whiskers at the places ``extras`` names (in units)."""
    dark = np.array((0.04, 0.03, 0.03), np.float32)
    size = rng.uniform(0.012, 0.03)
    for eye in extras.get("eyes", ()):
        canvas.fill(put(shapes.ellipse(eye, (size * 1.3, size))), dark, 0.95, soft=0.003 * unit)
    if "nose" in extras:
        nose = shapes.ellipse(extras["nose"], rng.uniform(0.02, 0.045, 2))
        canvas.fill(put(nose), dark + np.float32(rng.uniform(0, 0.25)), 0.9, soft=0.004 * unit, relief=0.3, light=light)
        if rng.random() < 0.4:
            count = int(rng.integers(8, 26))
            roots = np.repeat(np.array(extras["nose"])[None], count, 0) + rng.normal(0, 0.02, (count, 2))
            angle = rng.normal(0, 0.5, count) + np.where(rng.random(count) < 0.5, 0, np.pi)
            curves = hair.grow(rng, roots, np.stack((np.cos(angle), np.sin(angle)), 1), rng.uniform(0.15, 0.4) *
                               rng.uniform(0.5, 1.2, count), (0, 0.25), 0.5)
            tone = np.full(3, rng.choice((0.05, 0.85, 0.95)), np.float32)
            canvas.strands(put(curves.reshape(-1, 2)).reshape(curves.shape), colour.shades(rng, tone, 24, 0.1),
                           max(0.0022 * unit, 0.25), rng.uniform(0.5, 1.0))


def ear(rng: np.random.Generator, base: np.ndarray, reach: float, heading: np.ndarray) -> np.ndarray:
    """Outline of an ear that stands at ``base`` towards ``heading``, ``reach`` long."""
    wide, round_top = rng.uniform(0.2, 0.42) * reach, rng.random() < 0.5
    across = np.array((-heading[1], heading[0]))
    tip = base + heading * reach
    points = [base - across * wide, base - across * wide + heading * reach * 0.5, tip - across * wide * 0.4 * round_top,
              tip + across * wide * 0.4 * round_top, base + across * wide + heading * reach * 0.5, base + across * wide]
    return shapes.rounded(points, 2)


def animal_head(rng: np.random.Generator, centre: Sequence[float], size: float) -> tuple[list[np.ndarray], dict]:
    """Outlines and details of a head around ``centre`` (x, y), ``size`` its radius; it looks to the front or to +x."""
    centre = np.asarray(centre, float)
    aside, long_face = rng.random() < 0.55, rng.uniform(0.3, 1.5)
    parts = [shapes.wavy(rng, shapes.ellipse(centre, (size, size * rng.uniform(0.85, 1.15))), 0.03 * size, 8)]
    ahead = np.array((np.cos(0.5), np.sin(0.5))) if aside else np.array((0.0, 1.0))
    snout = centre + ahead * size * (0.5 + long_face if aside else 0.35 + 0.25 * long_face)
    parts.append(shapes.sweep((centre, (centre + snout) / 2, snout), np.array((0.85, 0.62, 0.42)) * size))
    reach = size * rng.choice((0.6, 1.0, 1.9))
    tilt = rng.uniform(0.1, 0.9)
    for side in (-1, 1):
        heading = np.array((side * np.sin(tilt), -np.cos(tilt)))
        base = centre + np.array((side * size * (0.35 if aside else 0.6), -size * 0.65))
        parts.append(ear(rng, base, reach, heading))
    eyes = [centre + (0.45 * size, -0.15 * size)] if aside else [centre + (side * 0.42 * size, 0) for side in (-1, 1)]
    return parts, {"eyes": eyes, "nose": tuple(snout + ahead * size * 0.2)}


def bust(rng: np.random.Generator) -> tuple[list[np.ndarray], dict]:
    """Head and neck, the neck running out of the image below."""
    size = rng.uniform(0.16, 0.26)
    parts, extras = animal_head(rng, (0.12, -0.35), size)
    sway, thick = rng.normal(0, 0.15), size * rng.uniform(0.75, 1.3)
    neck = shapes.sweep((np.array((0.08, -0.35)), np.array((sway - 0.1, 0.2)), np.array((sway - 0.1, 1.4))),
                        np.array((0.8, 1.0, 1.3, 1.9, 2.4)) * thick)
    return [neck] + parts, extras


def quadruped(rng: np.random.Generator) -> tuple[list[np.ndarray], dict]:
    """A standing or walking animal seen from the side."""
    long, fat, leg = rng.uniform(0.28, 0.42), rng.uniform(0.13, 0.22), rng.uniform(0.18, 0.42)
    parts = []
    for root in (-long * 0.75, -long * 0.6, long * 0.6, long * 0.75):
        stride = rng.normal(0, 0.07)
        parts.append(shapes.sweep(((root, 0.05), (root + stride * 0.2, leg * 0.55), (root + stride, fat * 0.6 + leg)),
                                  np.array((0.085, 0.06, 0.04, 0.045)) * rng.uniform(0.7, 1.2)))
    trunk = shapes.ellipse((0, 0), (long, fat))
    parts.append(shapes.wavy(rng, trunk, 0.02, 8))
    lift = rng.uniform(-0.05, 0.4)
    top = np.array((long + rng.uniform(0.08, 0.25), -lift))
    parts.append(shapes.sweep((np.array((long * 0.7, 0)), top), np.array((fat * 0.8, fat * 0.5, 0.09))))
    tail_up = rng.uniform(-0.4, 0.4)
    tail = ((-long * 0.9, -0.05), (-long - 0.15, tail_up * 0.5), (-long - rng.uniform(0.1, 0.35), tail_up))
    parts.append(shapes.sweep(tail, np.array((0.04, 0.035, 0.05, 0.01)) * rng.uniform(0.5, 2.2)))
    more, extras = animal_head(rng, top, rng.uniform(0.08, 0.13))
    return parts + more, extras


def sitter(rng: np.random.Generator) -> tuple[list[np.ndarray], dict]:
    """An animal that sits upright: cat, dog, rabbit, bird."""
    wide = rng.uniform(0.2, 0.34)
    body = shapes.rounded([(-wide * 0.5, -0.25), (wide * 0.5, -0.25), (wide, 0.25), (wide * 0.95, 0.52),
                           (-wide * 0.95, 0.52), (-wide * rng.uniform(0.9, 1.2), 0.2)], 3)
    parts = [shapes.wavy(rng, body, 0.015, 9)]
    more, extras = animal_head(rng, (rng.normal(0, 0.05), -0.33), rng.uniform(0.13, 0.21))
    for side in (-1, 1):
        leg = ((side * 0.08, 0.0), (side * 0.1, 0.3), (side * 0.12, 0.54))
        parts.append(shapes.sweep(leg, np.array((0.07, 0.06, 0.06))))
    if rng.random() < 0.6:
        curve = rng.uniform(-0.3, 0.3)
        parts.append(shapes.sweep(((wide * 0.8, 0.45), (wide + 0.2, 0.45 + curve * 0.3), (wide + 0.25, 0.2 + curve)),
                                  np.array((0.05, 0.045, 0.05, 0.02)) * rng.uniform(0.6, 1.8)))
    return parts + more, extras


def lump(rng: np.random.Generator) -> tuple[list[np.ndarray], dict]:
    """A furry form of no species: plush, cushion, wig, hedgehog."""
    outline = shapes.wavy(rng, shapes.ellipse((0, 0), rng.uniform(0.3, 0.5, 2)), 0.08, int(rng.integers(5, 14)))
    return [outline], {}


def horse(rng: np.random.Generator) -> tuple[list[np.ndarray], dict]:
    """The silhouette of a horse that scikit-image ships, squeezed at random."""
    outline = horse_outline()
    if outline is None:
        return quadruped(rng)
    return [outline * rng.uniform(0.8, 1.25, 2)], {}


def horse_outline() -> np.ndarray | None:
    """Outline (N, 2) of the shipped horse in units, or None where it is missing."""
    path = photos.folder() / "horse.png"
    if not path.is_file():
        return None
    mask = (photos.photo("horse.png")[..., 0] < 128).astype(np.uint8)
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    line = smooth_contour(max(found, key=len)[:, 0].astype(float))
    return (line - line.mean(0)) / np.ptp(line, 0).max()
