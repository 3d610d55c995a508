"""Heads of people: face, ears, hair of many cuts, beard, hat, glasses. Lengths in heads, the chin near (0, -0.22)."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import colour, photos, shapes
from bgmatting.dataset.generate.paint.canvas import Canvas
from bgmatting.dataset.generate.subjects import hair
from bgmatting.dataset.generate.subjects.figure import Frame

RADII = np.array((0.37, 0.5))
STYLES = ("bald", "buzz", "short", "afro", "medium", "long", "ponytail", "bun", "blown")
STYLE_SHARE = (0.06, 0.08, 0.25, 0.13, 0.12, 0.18, 0.06, 0.05, 0.07)


class Head:
    """The random features of one head."""

    def __init__(self, rng: np.random.Generator, skin: np.ndarray, tone: np.ndarray | None = None):
        self.centre = np.array((rng.normal(0, 0.06), -0.72 + rng.normal(0, 0.03)))
        self.radii = RADII * rng.uniform(0.93, 1.07, 2)
        self.style = STYLES[rng.choice(len(STYLES), p=STYLE_SHARE)]
        self.profile = rng.choice((0.0, 0.5, 1.0), p=(0.6, 0.25, 0.15))
        self.away = rng.random() < 0.1
        self.skin = skin
        self.hair = colour.hair(rng) if tone is None else tone
        self.jaw = rng.uniform(0.1, 0.3)
        self.line = rng.uniform(0.1, 0.45)  # how far the hairline lies below the crown, in head heights
        self.wind = (rng.normal(0, 0.3), rng.uniform(2.0, 4.5))
        self.sway, self.ripple = rng.uniform(0.0, 0.1), rng.uniform(0.4, 1.5)
        if self.style == "blown":
            self.sway = rng.uniform(0.1, 0.25)
            self.wind = (rng.choice((-1, 1)) * rng.uniform(1.0, 3.0), rng.uniform(-0.6, 1.5))

    def outline(self, grow: float = 1.0) -> np.ndarray:
        """Outline of the skull (48, 2) in heads, ``grow`` times as large."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        x, y = np.sin(angle), -np.cos(angle)
        x = x * (1 - self.jaw * np.clip(y, 0, 1) ** 1.5)
        if self.profile:
            nose = np.exp(-((angle - 1.95) / 0.13) ** 2) * 0.22 + np.exp(-((angle - 2.5) / 0.3) ** 2) * 0.1
            lip = 0.03 * np.exp(-((angle - 2.2) / 0.1) ** 2)
            x = x + self.profile * (nose - lip + 0.12 * np.minimum(x, 0))
        return np.stack((x, y), 1) * self.radii * grow + self.centre

    def at(self, angle: np.ndarray, share: float | np.ndarray = 1.0) -> np.ndarray:
        """Points (N, 2) in heads at ``angle`` (N,) radians from the crown, ``share`` of the way out."""
        ring = np.stack((np.sin(angle), -np.cos(angle)), 1) * self.radii
        return self.centre + ring * np.reshape(share, (-1, 1))


def paint_back(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """The hair that hangs behind neck and shoulders; painted before the body."""
    if head.style in ("long", "medium", "blown"):
        reach = rng.uniform(*{"long": (1.0, 2.4), "medium": (0.6, 0.95), "blown": (0.9, 1.8)}[head.style])
        locks = 70
        angle = rng.uniform(-1.9, 1.9, locks)
        roots = head.at(angle, rng.uniform(0.5, 1.0, locks))
        heading = (roots - head.centre) / head.radii * (0.7, 0.4) + np.array(head.wind) * 0.2
        curves = hair.grow(rng, roots, heading, reach * rng.uniform(0.75, 1.1, locks), head.wind, 0.5, 14)
        curves = hair.wave(rng, drape(head, curves), head.sway, head.ripple)
        lay_locks(rng, canvas, frame, head, curves, body=0.13, strands=10, spread=0.06)
    elif head.style == "ponytail":
        root = head.at(np.array((rng.uniform(-2.0, -1.0),)), 0.9)
        roots = root + rng.normal(0, 0.05, (22, 2))
        curves = hair.grow(rng, roots, rng.normal((-1, -0.3), 0.25, (22, 2)), rng.uniform(0.6, 1.5) * np.ones(22),
                           head.wind, 0.5, 14)
        lay_locks(rng, canvas, frame, head, curves, body=0.07, strands=10, spread=0.05)


def paint(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """Neck upwards: face, ears, hair, beard, hat and glasses."""
    light = frame.light
    for side in (-1, 1):
        if head.profile < 0.9:
            ear = shapes.ellipse(head.centre + (side * head.radii[0] * 0.99, 0.06), (0.055, 0.11))
            canvas.fill(frame.put(ear), head.skin * np.float32(0.85))
    canvas.fill(frame.put(head.outline()), head.skin, relief=0.3, light=light)
    if not head.away:
        face(rng, canvas, frame, head)
    if head.style == "bun":
        bun = shapes.ellipse(head.at(np.array((rng.uniform(-0.9, 0.9),)), 1.15)[0], rng.uniform(0.13, 0.24, 2))
        canvas.fill(frame.put(shapes.wavy(rng, bun, 0.012, 12)), head.hair * np.float32(0.9), relief=0.4, light=light)
    if not head.away and rng.random() < 0.16:
        beard(rng, canvas, frame, head)
    scalp(rng, canvas, frame, head)
    if rng.random() < 0.14:
        hat(rng, canvas, frame, head)


def face(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """Features: the light and dark of a small real face, or painted eyes, brows, nose and mouth."""
    small = photos.faces()
    if small is not None and head.profile < 0.9 and rng.random() < 0.55:
        tone_from_photo(canvas, frame, head, small[rng.integers(len(small))])
    else:
        painted_face(rng, canvas, frame, head)
    if rng.random() < 0.14:
        glasses(rng, canvas, frame, head)


def tone_from_photo(canvas: Canvas, frame: Frame, head: Head, grey: np.ndarray) -> None:
    """Multiply the face by the brightness of ``grey`` (25, 25)."""
    outline = frame.put(head.outline(0.96))
    box = canvas.box(outline)
    if box is None:
        return
    corner = (box[1].start, box[0].start)
    corners = frame.put(head.centre + np.array(((-0.34, -0.3), (0.34, -0.3), (-0.34, 0.46)))) - corner
    matrix = cv2.getAffineTransform(np.array(((0, 0), (24, 0), (0, 24)), np.float32), corners.astype(np.float32))
    size = (box[1].stop - box[1].start, box[0].stop - box[0].start)
    tone = cv2.warpAffine(grey, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    factor = np.clip(0.35 + 0.75 * tone / max(float(np.percentile(grey, 70)), 0.2), 0.25, 1.35)
    inside = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(inside, [np.round(outline - corner).astype(np.int32)], 255)
    inside = cv2.GaussianBlur(inside, (0, 0), max(frame.unit * 0.04, 0.5)).astype(np.float32)[..., None] / 255
    canvas.rgba[box][..., :3] *= 1 + inside * (factor[..., None] - 1)


def painted_face(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """Eyes, brows, nose and mouth as soft dark shapes."""
    dark, soft = head.skin * np.float32(0.35), max(0.012 * frame.unit, 0.0)
    shift = 0.16 * head.profile
    for side in (-1, 1):
        if head.profile > 0.9 and side < 0:
            continue
        eye = head.centre + (side * 0.15 + shift, 0.0)
        canvas.fill(frame.put(shapes.ellipse(eye, (0.065, 0.03))), np.array((0.85, 0.83, 0.8), np.float32), 0.8, soft)
        canvas.fill(frame.put(shapes.ellipse(eye, (0.03, 0.032))), dark * np.float32(0.5), 0.95, soft)
        brow = (eye + (-0.09, -0.075), eye + (0, -0.1), eye + (0.09, -0.07))
        brow = shapes.sweep(brow, np.array((0.012, 0.02, 0.01)))
        canvas.fill(frame.put(brow), head.hair * np.float32(0.8), 0.85, soft)
    nose = shapes.ellipse(head.centre + (shift + 0.015, 0.17), (0.055, 0.035))
    canvas.fill(frame.put(nose), head.skin * np.float32(0.72), 0.6, soft * 2)
    lips = np.clip(head.skin * np.array((0.9, 0.55, 0.55), np.float32), 0, 1)
    mouth = shapes.ellipse(head.centre + (shift, 0.3), (0.11, rng.uniform(0.02, 0.05)))
    canvas.fill(frame.put(mouth), lips, 0.85, soft)


def glasses(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """Rims around the eyes, or dark lenses."""
    paint, sun = colour.cloth(rng) * np.float32(0.5), rng.random() < 0.4
    for side in (-1, 1):
        middle = head.centre + (side * 0.17 + 0.1 * head.profile, 0.01)
        ring = shapes.ellipse(middle, (0.13, rng.uniform(0.08, 0.11)), count=24)
        if sun:
            canvas.fill(frame.put(ring), paint * np.float32(0.5))
        canvas.strands(frame.put(np.concatenate((ring, ring[:1])))[None], paint[None], max(0.022 * frame.unit, 0.5))


def beard(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """Short hair on jaw and chin."""
    count = 160
    angle = rng.uniform(1.75, 2 * np.pi - 1.75, count)
    roots = head.at(angle, rng.uniform(0.72, 0.98, count))
    length = rng.uniform(0.05, 0.3)
    curves = hair.grow(rng, roots, (roots - head.centre) + (0, 0.25), length * np.ones(count), (0, 0.8), 0.8, 7)
    lay_locks(rng, canvas, frame, head, curves, body=0.04, strands=3, spread=0.02)


def scalp(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """The hair on the head itself, by its style."""
    if head.style == "bald":
        return
    thick = {"buzz": 0.02, "short": 0.07, "afro": 0.12, "medium": 0.08, "long": 0.06, "ponytail": 0.03, "bun": 0.03,
             "blown": 0.07}[head.style]
    low = 1.15 + rng.uniform(0, 0.5)
    edge = np.linspace(-low, low, 30)
    top = head.at(edge, 1.0 + thick * rng.uniform(0.5, 1.0))
    if head.away:
        cap = np.concatenate((top, head.at(np.linspace(2.6, -2.6 + 2 * np.pi, 8)[1:-1], 0.97)))
    else:
        inner = head.at(edge[::-1], 1.0 - head.line * (0.3 + 0.7 * np.cos(edge[::-1] * 1.3).clip(0)))
        cap = np.concatenate((top, inner))
    canvas.fill(frame.put(shapes.wavy(rng, cap, 0.02, 14)), head.hair * np.float32(0.85), soft=0.01 * frame.unit,
                relief=0.35, light=frame.light)
    strands_on_scalp(rng, canvas, frame, head, thick)


def strands_on_scalp(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head, thick: float) -> None:
    """Locks and flyaways that start on the scalp."""
    locks = {"buzz": 150, "short": 130, "afro": 230, "medium": 110, "long": 90, "ponytail": 70, "bun": 70,
             "blown": 90}[head.style]
    points = 26 if frame.unit < 60 else 52  # close up, curls of few points would show corners
    angle = rng.normal(0, 0.85, locks).clip(-1.9, 1.9)
    share = rng.uniform(1.0 - 0.9 * head.line, 1.0 + thick * 0.4, locks)
    roots = head.at(angle, share)
    out = (roots - head.centre) / head.radii
    combed = np.array((rng.choice((-1, 1)) * rng.uniform(0, 1.2), rng.uniform(-0.4, 0.3)))
    if head.style in ("buzz", "short"):
        length = 0.05 if head.style == "buzz" else rng.uniform(0.1, 0.3)
        curves = hair.grow(rng, roots, out + combed * rng.uniform(0.2, 1.0), length * rng.uniform(0.5, 1.2, locks),
                           (combed[0] * 0.6, 0.6), 0.8, 9)
        if head.style == "short" and rng.random() < 0.3:
            curves = hair.curl(rng, hair.smoothed(curves, 16), 0.035, 1.2)
        body = 0.05 if head.style == "short" else 0.02
        lay_locks(rng, canvas, frame, head, curves, body=body, strands=8, spread=0.03)
    elif head.style == "afro":
        length = rng.uniform(0.15, 0.5)
        curves = hair.grow(rng, roots, out + rng.normal(0, 0.35, out.shape), length * rng.uniform(0.6, 1.1, locks),
                           (0, rng.uniform(-0.1, 0.5)), 1.0, 9)
        curves = hair.curl(rng, hair.smoothed(curves, points), rng.uniform(0.025, 0.065), rng.uniform(1.2, 3.0))
        lay_locks(rng, canvas, frame, head, curves, body=0.06, strands=5, spread=0.03)
    else:
        flat = head.style in ("ponytail", "bun")
        reach = 0.3 if flat else rng.uniform(0.5, 1.0) if head.style == "medium" else rng.uniform(0.8, 1.9)
        curves = hair.grow(rng, roots, (out + 0.25 * np.sign(out)) * (0.8, 0.25), reach * rng.uniform(0.6, 1.1, locks),
                           head.wind, 0.5, 14)
        curves = hair.wave(rng, drape(head, curves), head.sway, head.ripple)
        if rng.random() < 0.35 and not flat:
            curves = hair.curl(rng, hair.smoothed(curves, points), rng.uniform(0.02, 0.07), rng.uniform(1, 4))
        lay_locks(rng, canvas, frame, head, curves, body=0.02 if flat else 0.05, strands=9, spread=0.04)
    stray(rng, canvas, frame, head, thick)


def stray(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head, thick: float) -> None:
    """Single hairs that stand off the outline."""
    angle = rng.uniform(-1.8, 1.8, 60)
    roots = head.at(angle, 1.0 + 0.5 * thick)
    out = frame.put(roots + (roots - head.centre)) - frame.put(roots)
    out /= np.maximum(np.hypot(out[:, :1], out[:, 1:]), 1e-6)
    count = int(rng.choice((0, 20, 60, 120), p=(0.2, 0.4, 0.28, 0.12)))
    length = 0.12 if head.style in ("buzz", "short") else 0.35
    hair.flyaways(rng, canvas, frame.put(roots), out, head.hair, frame.unit, count, length)


def drape(head: Head, curves: np.ndarray) -> np.ndarray:
    """Push curves that cross the face out to the sides of the head, so that hair falls around it."""
    away = (curves - head.centre) / head.radii
    far = np.hypot(away[..., :1], away[..., 1:])
    crossing = (far < 1.0) & (away[..., 1:] > -0.45)
    return np.where(crossing, head.centre + away / np.maximum(far, 0.3) * head.radii, curves)


def lay_locks(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head, curves: np.ndarray, body: float,
              strands: int, spread: float) -> None:
    """Draw curves given in heads."""
    flat = frame.put(curves.reshape(-1, 2)).reshape(curves.shape)
    hair.draw(rng, canvas, flat, head.hair, frame.unit, body=body, strands=strands, spread=spread,
              width=rng.uniform(0.0025, 0.007), opacity=rng.uniform(0.55, 1.0))


def hat(rng: np.random.Generator, canvas: Canvas, frame: Frame, head: Head) -> None:
    """A cap, hat or hood over the hair."""
    paint, kind, low = colour.cloth(rng), rng.integers(3), rng.uniform(-0.5, -0.2)
    half, light = head.radii[0] * rng.uniform(1.05, 1.2), frame.light
    crown = [(-half, low), (half, low), (half * 0.95, low - 0.3), (half * 0.5, low - 0.52), (-half * 0.5, low - 0.52),
             (-half * 0.95, low - 0.3)]
    crown = shapes.rounded(crown, 2) + head.centre + (0, 0.28)
    canvas.fill(frame.put(crown), paint, relief=0.4, light=light)
    if kind == 0:
        wide = half * rng.uniform(1.4, 2.3)
        canvas.fill(frame.put(shapes.ellipse(head.centre + (0, low + 0.26), (wide, 0.1))), paint * np.float32(0.85),
                    relief=0.2, light=light)
    elif kind == 1:
        visor = [(-0.2, low), (half, low), (half + 0.35, low + 0.1), (half + 0.3, low + 0.14), (0.1, low + 0.1)]
        canvas.fill(frame.put(shapes.rounded(visor, 2) + head.centre + (0, 0.26)), paint * np.float32(0.7))
    else:
        canvas.fill(frame.put(shapes.ellipse(head.centre + (0, low - 0.28), (0.1, 0.1))), paint, soft=0.02 * frame.unit)
