"""The bodies of people: joints, limbs, clothes. Lengths are in heads, the origin is the base of the neck, y down."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bgmatting.dataset.generate.paint import colour, shapes, texture
from bgmatting.dataset.generate.paint.canvas import Canvas

UPPER_ARM, FOREARM, HAND = 1.3, 1.15, 0.42
THIGH, SHIN = 1.75, 1.7
HIP_DOWN = 2.75
FINGERS_FROM = 22  # pixels per head from which fingers can be seen
# Angles in degrees from straight down, outwards positive: (upper arm, forearm), each a range.
ARM_POSES = {
    "hang": ((4, 16), (-12, 10)),
    "akimbo": ((32, 58), (-70, -35)),
    "raised": ((105, 165), (130, 195)),
    "to_head": ((95, 135), (200, 235)),
    "before": ((5, 25), (-125, -70)),
    "crossed": ((10, 22), (-112, -95)),
    "phone": ((15, 45), (-175, -140)),
    "spread": ((50, 105), (45, 120)),
    "wave": ((35, 70), (140, 185)),
}
ARM_SHARE = (0.34, 0.15, 0.08, 0.07, 0.1, 0.06, 0.07, 0.08, 0.05)
LEG_POSES = ("stand", "walk", "wide", "sit", "skirt")


class Frame:
    """Places body coordinates in the image: turn, mirror, scale, a slight bend, then ``origin`` in pixels."""

    def __init__(self, rng: np.random.Generator, unit: float, origin: Sequence[float], lean: float = 0.08):
        turn = rng.normal(0, lean)
        side = -1.0 if rng.random() < 0.5 else 1.0
        cos, sin = np.cos(turn), np.sin(turn)
        self.unit, self.origin = unit, np.asarray(origin, float)
        self.matrix = np.array(((cos * side, -sin), (sin * side, cos))) * unit
        self.bend = shapes.bend(rng, 0.06, 5.0)
        self.light = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 0.2)))

    def put(self, points: Sequence) -> np.ndarray:
        """Heads (N, 2) to pixels (N, 2)."""
        return self.bend(np.asarray(points, float)) @ self.matrix.T + self.origin


class Build:
    """The random proportions and clothes of one person."""

    def __init__(self, rng: np.random.Generator, height: int, width: int, tone: np.ndarray | None = None):
        self.broad = rng.uniform(0.78, 1.18)
        self.shoulder = rng.uniform(0.72, 1.0) * (0.8 + 0.2 * self.broad)
        self.waist = rng.uniform(0.5, 0.72) * self.broad
        self.slope = rng.uniform(0.16, 0.36)
        self.hip = rng.uniform(0.58, 0.78) * (0.6 + 0.4 * self.broad)
        self.turn = rng.uniform(0.6, 1.0) if rng.random() < 0.5 else 1.0  # foreshortening of a turned body
        self.limb = rng.uniform(0.85, 1.15) * (0.7 + 0.3 * self.broad)
        self.loose = rng.uniform(0.02, 0.16)
        self.skin = colour.skin(rng)
        self.top = texture.surface(rng, height, width, tone)
        self.bottom = texture.surface(rng, height, width)
        self.sleeve = rng.choice((0.0, 0.55, 1.0, 2.0), p=(0.14, 0.26, 0.1, 0.5))  # 1 ends at the elbow, 2 at the wrist
        self.legs = rng.choice(LEG_POSES, p=(0.4, 0.2, 0.12, 0.12, 0.16))
        self.coat = rng.uniform(0.3, 1.6) if rng.random() < 0.2 else 0.0


def body(rng: np.random.Generator, canvas: Canvas, frame: Frame, build: Build) -> list[tuple]:
    """Paint legs, torso and the arms behind it; returns the arms that belong before it as calls to paint them."""
    lower(rng, canvas, frame, build)
    arms = [arm_joints(rng, build, side) for side in (-1, 1)]
    before = []
    for joints, pose in arms:
        if pose in ("hang", "spread", "raised", "akimbo") and rng.random() < 0.4:
            arm(rng, canvas, frame, build, joints)
        else:
            before.append(joints)
    torso(rng, canvas, frame, build)
    return before


def torso(rng: np.random.Generator, canvas: Canvas, frame: Frame, build: Build) -> None:
    """Neck and trunk with collar; a coat reaches further down and flares."""
    shoulder, waist, hip = build.shoulder * build.turn, build.waist * build.turn, build.hip * build.turn
    neck = rng.uniform(0.2, 0.29)
    slope = build.slope
    down = HIP_DOWN + build.coat
    flare = hip + 0.25 * build.coat + build.loose
    half = [(neck, -0.12), (neck + 0.12, 0.03), (shoulder * 0.72, slope * 0.55), (shoulder, slope + 0.12),
            (shoulder + 0.02, slope + 0.4), (0.55 * shoulder + 0.45 * waist + 0.05, 1.05), (waist + build.loose, 1.85),
            (hip + build.loose, 2.4), (flare, down), (flare * 0.7, down + 0.14)]
    outline = half + [(-x, y) for x, y in reversed(half)]
    outline = shapes.wavy(rng, shapes.rounded(outline, 2), 0.012 + 0.1 * build.loose, 22)
    neck_line = [(-neck, -0.5), (neck, -0.5), (neck + 0.03, 0.1), (0, rng.uniform(0.15, 0.5)), (-neck - 0.03, 0.1)]
    canvas.fill(frame.put(outline), build.top, relief=0.35, light=frame.light)
    canvas.fill(frame.put(shapes.rounded(neck_line, 2)), build.skin * np.float32(0.86), relief=0.2, light=frame.light)
    collar(rng, canvas, frame, build, neck)
    if rng.random() < 0.25:  # an open jacket shows what is below
        wide = rng.uniform(0.08, 0.3)
        strip = [(-wide, 0.2), (wide, 0.2), (wide * rng.uniform(0.6, 1.6), down), (-wide * rng.uniform(0.6, 1.6), down)]
        canvas.fill(frame.put(shapes.rounded(strip, 1)), colour.cloth(rng), relief=0.2, light=frame.light)


def collar(rng: np.random.Generator, canvas: Canvas, frame: Frame, build: Build, neck: np.ndarray) -> None:
    """A collar, scarf or tie in half of the cases."""
    pick = rng.random()
    paint = colour.near(rng, build.top[::9, ::9].reshape(-1, 3).mean(0), 0.3)
    if pick < 0.3:
        for side in (-1, 1):
            flap = [(side * neck, -0.16), (side * (neck + 0.16), 0.08), (side * 0.16, 0.42), (side * 0.02, 0.2)]
            canvas.fill(frame.put(flap), paint, relief=0.2, light=frame.light)
    elif pick < 0.42:
        scarf = shapes.wavy(rng, shapes.ellipse((0, 0.02), (neck + 0.16, 0.25)), 0.02, 9)
        canvas.fill(frame.put(scarf), colour.cloth(rng), relief=0.5, light=frame.light)
    elif pick < 0.5:
        tie = [(-0.06, 0.1), (0.06, 0.1), (0.05, 0.3), (0.11, 1.5), (0, 1.7), (-0.11, 1.5), (-0.05, 0.3)]
        canvas.fill(frame.put(tie), colour.cloth(rng))


def arm_joints(rng: np.random.Generator, build: Build, side: int) -> tuple[tuple, str]:
    """Random pose of one arm: ((shoulder, elbow, wrist, hand angle), name of the pose)."""
    pose = list(ARM_POSES)[rng.choice(len(ARM_POSES), p=ARM_SHARE)]
    upper, fore = (np.radians(rng.uniform(*span)) for span in ARM_POSES[pose])
    start = np.array((side * (build.shoulder * build.turn - 0.19), build.slope + 0.3))
    short = rng.uniform(0.75, 1.0, 2)
    elbow = start + UPPER_ARM * short[0] * np.array((side * np.sin(upper), np.cos(upper)))
    wrist = elbow + FOREARM * short[1] * np.array((side * np.sin(fore), np.cos(fore)))
    hand = fore + np.radians(rng.normal(0, 18))
    return (start, elbow, wrist, np.array((side * np.sin(hand), np.cos(hand)))), pose


def arm(rng: np.random.Generator, canvas: Canvas, frame: Frame, build: Build, joints: tuple) -> None:
    """One arm with hand and sleeve, sometimes with something held."""
    start, elbow, wrist, ahead = joints
    fat, light = build.limb, frame.light
    if rng.random() < 0.12:
        held(rng, canvas, frame, wrist + ahead * 0.25)
    skin_widths = np.array((0.2, 0.2, 0.17, 0.14, 0.15, 0.13, 0.095)) * fat
    canvas.fill(frame.put(shapes.sweep((start, elbow, wrist), skin_widths)), build.skin, relief=0.35, light=light)
    hand(rng, canvas, frame, build, wrist, ahead)
    if not build.sleeve:
        return
    full = build.sleeve >= 2
    end = wrist - 0.08 * ahead if full else start + (elbow - start) * min(build.sleeve, 1.0)
    line = (start, elbow, end) if full else (start, end)
    widths = (np.array((0.2, 0.22, 0.19, 0.17, 0.17, 0.14, 0.11)) if full else np.array((0.2, 0.23, 0.21))) * fat
    outline = shapes.sweep(line, widths + build.loose * np.linspace(0.0, 1.0, len(widths)), round_end=False)
    outline = shapes.wavy(rng, outline, 0.015 + 0.06 * build.loose, 16)
    canvas.fill(frame.put(outline), build.top, relief=0.4, light=light)


def hand(rng: np.random.Generator, canvas: Canvas, frame: Frame, build: Build, wrist: np.ndarray, ahead: np.ndarray) -> None:
    """A hand from ``wrist`` along the unit vector ``ahead``: mitten when small, fingers when they can be seen."""
    across = np.array((-ahead[1], ahead[0]))
    light, paint = frame.light, build.skin
    palm = shapes.sweep((wrist - ahead * 0.04, wrist + ahead * 0.24), np.array((0.09, 0.13, 0.14)) * build.limb)
    canvas.fill(frame.put(palm), paint, relief=0.2, light=light)
    fan = rng.choice((0.03, 0.1, 0.3))
    curled = rng.uniform(0.45, 1.0)
    if frame.unit < FINGERS_FROM:
        tip = shapes.sweep((wrist + ahead * 0.2, wrist + ahead * HAND * curled), np.array((0.12, 0.11, 0.06)))
        canvas.fill(frame.put(tip), paint)
        return
    for finger, length in enumerate((0.2, 0.25, 0.24, 0.18)):
        place = (finger - 1.5) / 1.5
        root = wrist + ahead * 0.22 + across * place * 0.095
        heading = ahead + across * place * fan
        tip = root + heading * length * curled
        middle = (root + tip) / 2 + across * rng.normal(0, 0.01)
        line = shapes.sweep((root, middle, tip), np.array((0.038, 0.034, 0.027)))
        canvas.fill(frame.put(line), paint * np.float32(rng.uniform(0.88, 1.04)), relief=0.15, light=light)
    side = rng.choice((-1, 1))
    base = wrist + ahead * 0.06 + across * side * 0.09
    thumb = shapes.sweep((base, base + ahead * 0.1 + across * side * 0.08, base + ahead * 0.22 + across * side * 0.09),
                         np.array((0.05, 0.042, 0.03)))
    canvas.fill(frame.put(thumb), paint, relief=0.15, light=light)


def held(rng: np.random.Generator, canvas: Canvas, frame: Frame, place: np.ndarray) -> None:
    """Something in the hand: a box, ball, stick or bag."""
    kind, paint = rng.integers(4), colour.cloth(rng)
    size, turn = rng.uniform(0.15, 0.55), rng.uniform(0, np.pi)
    if kind == 0:
        corners = np.array(((-1, -0.7), (1, -0.7), (1, 0.7), (-1, 0.7))) * size
        outline = corners @ np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn)))) + place
    elif kind == 1:
        outline = shapes.ellipse(place, (size, size))
    elif kind == 2:
        reach = np.array((np.cos(turn), np.sin(turn))) * rng.uniform(0.6, 2.5)
        thick = np.array((0.025, 0.03, 0.02)) * rng.uniform(0.6, 2)
        outline = shapes.sweep((place - reach * 0.4, place + reach), thick)
    else:
        strap = shapes.sweep((place + (-size, 0.9), place, place + (size, 0.9)), np.array((0.02, 0.02)))
        canvas.fill(frame.put(strap), paint)
        sack = np.array(((-1.1, 0), (1.1, 0), (1.25, 1.5), (-1.25, 1.5)))
        outline = shapes.rounded(sack * size + place + (0, 0.85), 1)
    canvas.fill(frame.put(outline), paint, relief=0.3, light=frame.light)


def lower(rng: np.random.Generator, canvas: Canvas, frame: Frame, build: Build) -> None:
    """Legs with trousers, skirt or bare, and shoes."""
    bare = build.legs == "skirt" or rng.random() < 0.1
    paint = build.skin if bare else build.bottom
    fat = build.limb * (1.0 if bare else 1.0 + 1.2 * build.loose)
    shoe = colour.cloth(rng)
    spread = {"stand": (2, 7), "walk": (8, 24), "wide": (12, 26), "sit": (35, 75), "skirt": (1, 8)}[build.legs]
    for side in rng.permutation((-1, 1)):
        hip = np.array((side * build.hip * build.turn * 0.52, HIP_DOWN - 0.15))
        thigh = np.radians(rng.uniform(*spread))
        shin = thigh - np.radians(rng.uniform(20, 80)) if build.legs == "sit" else thigh * rng.uniform(-0.6, 0.9)
        short = rng.uniform(0.55, 0.9) if build.legs == "sit" else 1.0
        knee = hip + THIGH * short * np.array((side * np.sin(thigh), np.cos(thigh)))
        ankle = knee + SHIN * np.array((side * np.sin(shin), np.cos(shin)))
        toes = ankle + (side * rng.uniform(0.1, 0.5), 0.27)
        foot = shapes.sweep((ankle + (0, 0.02), ankle + (side * 0.05, 0.2), toes), np.array((0.12, 0.13, 0.13, 0.09)))
        canvas.fill(frame.put(foot), shoe, relief=0.3, light=frame.light)
        leg = shapes.sweep((hip, knee, ankle), np.array((0.36, 0.31, 0.24, 0.2, 0.21, 0.17, 0.13)) * fat)
        leg = shapes.wavy(rng, leg, 0.012, 14)
        canvas.fill(frame.put(leg), paint, relief=0.4, light=frame.light)
    if build.legs == "skirt":
        wide, down = build.hip * build.turn + rng.uniform(0.1, 0.7), HIP_DOWN + rng.uniform(0.4, 2.6)
        skirt = [(-build.waist * build.turn, 1.9), (build.waist * build.turn, 1.9), (wide, down), (-wide, down)]
        canvas.fill(frame.put(shapes.wavy(rng, skirt, 0.04, 14)), build.bottom, relief=0.45, light=frame.light)
