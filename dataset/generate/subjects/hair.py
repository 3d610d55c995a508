"""Hair and fur as curves: arrays (N, P, 2) of pixels, grown from roots and drawn clump by clump."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bgmatting.dataset.generate.paint import colour, noise, shapes
from bgmatting.dataset.generate.paint.canvas import Canvas

MOST_STRANDS = 3000  # along one outline
ALL_FROM = 45        # pixels per head from which all strands are drawn; on small heads they merge
LOOSE = 0.3          # how far apart strands are at the root, as a share of that at the tip
VARIETY = 0.35       # of the colours of strands


def grow(rng: np.random.Generator, roots: np.ndarray, directions: np.ndarray, lengths: np.ndarray,
         weight: Sequence[float] = (0.0, 0.5), turn: float = 0.3, steps: int = 12) -> np.ndarray:
    """Curves (N, steps, 2) that leave ``roots`` (N, 2) along ``directions`` (N, 2), ``lengths`` (N,) pixels long.

    ``weight`` is the pull (x, y) that bends them over their length (gravity, wind), ``turn`` how much each bends
    at random, in radians over its length.
    """
    lengths = np.broadcast_to(lengths, len(roots))[:, None]
    bend = rng.normal(0, turn / steps, (len(roots), 1))
    heading = np.arctan2(directions[:, 1:], directions[:, :1])
    curves = [roots]
    for _ in range(steps - 1):
        x = np.cos(heading) + weight[0] / steps * 3
        y = np.sin(heading) + weight[1] / steps * 3
        heading = np.arctan2(y, x) + bend + rng.normal(0, turn / steps, bend.shape)
        curves.append(curves[-1] + lengths / (steps - 1) * np.concatenate((np.cos(heading), np.sin(heading)), 1))
    return np.stack(curves, 1)


def curl(rng: np.random.Generator, curves: np.ndarray, size: float, turns: float) -> np.ndarray:
    """Wind curves around themselves: ``size`` pixels is the radius at the tip, ``turns`` how often."""
    share = np.linspace(0, 1, curves.shape[1])[None]
    phase = rng.uniform(0, 2 * np.pi, (len(curves), 1))
    angle = phase + 2 * np.pi * turns * np.exp(rng.normal(0, 0.25, phase.shape)) * share
    radius = size * np.exp(rng.normal(0, 0.3, phase.shape)) * np.minimum(share * 3, 1)
    return curves + np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1)


def wave(rng: np.random.Generator, curves: np.ndarray, size: float, wavelength: float) -> np.ndarray:
    """Let neighbouring curves swing together, more towards their tips: ``size`` and ``wavelength`` in their unit."""
    share = np.linspace(0, 1, curves.shape[1])[None, :, None]
    moved = shapes.bend(rng, size, wavelength)(curves.reshape(-1, 2)).reshape(curves.shape)
    return curves + np.minimum(2 * share, 1) * (moved - curves)


def around(rng: np.random.Generator, guides: np.ndarray, count: int, spread: float) -> np.ndarray:
    """``count`` strands around each guide, (N * count, P, 2).

    They are ``spread`` pixels apart at the tip, ``LOOSE`` of that at the root.
    """
    share = np.linspace(0, 1, guides.shape[1])[None, None, :, None]
    shape = (len(guides), count, 1, 2)
    offset = rng.normal(0, spread, shape) * (LOOSE + (1 - LOOSE) * share)
    offset = offset + rng.normal(0, spread * 0.8, shape) * share ** 3
    cut = np.exp(rng.normal(-0.05, 0.18, (len(guides), count, 1, 1)))
    root = guides[:, None, :1]
    strands = root + (guides[:, None] - root) * np.minimum(cut, 1.25) + offset
    return strands.reshape(-1, *guides.shape[1:])


def smoothed(curves: np.ndarray, points: int) -> np.ndarray:
    """Curves resampled to ``points`` points each by straight steps; finer curls need more of them."""
    count = curves.shape[1]
    place = np.linspace(0, count - 1, points)
    low = np.minimum(place.astype(int), count - 2)
    part = (place - low)[None, :, None]
    return curves[:, low] * (1 - part) + curves[:, low + 1] * part


def draw(rng: np.random.Generator, canvas: Canvas, guides: np.ndarray, base: np.ndarray, unit: float, body: float = 0.06,
         strands: int = 8, spread: float = 0.04, width: float = 0.006, opacity: float = 0.8) -> None:
    """Draw hair: a thick tapering lock along each guide, then fine strands around it.

    Lengths ``body`` (width of a lock), ``spread`` and ``width`` (of a strand) are shares of ``unit`` pixels. ``base``
    is the colour (3,). ``body`` 0 leaves the locks out, which makes thin see-through hair.
    """
    order = rng.permutation(len(guides))
    guides = guides[order]
    thick = body * unit
    if thick > 0.5:
        canvas.strands(guides, colour.shades(rng, base, 24, 0.4 * VARIETY) * np.float32(0.85), thick, taper=True)
    few = max(2, int(round(strands * np.clip(unit / ALL_FROM, 0.35, 1))))
    wisps = around(rng, guides, few, spread * unit)
    wisps = wisps[rng.permutation(len(wisps))]
    thirds = np.array_split(wisps, 3)
    for part, share in zip(thirds, (1.0, 0.8, 0.55)):
        if len(part):
            canvas.strands(part, colour.shades(rng, base, 24, VARIETY), max(width * unit, 0.22),
                           min(1.0, opacity * share + 0.05))


def flyaways(rng: np.random.Generator, canvas: Canvas, roots: np.ndarray, directions: np.ndarray, base: np.ndarray,
             unit: float, count: int, length: float = 0.35) -> None:
    """A few single hairs that stand off, from random ``roots`` (N, 2)."""
    if count < 1 or len(roots) == 0:
        return
    pick = rng.integers(0, len(roots), count)
    heading = directions[pick] + rng.normal(0, 0.5, (count, 2))
    weight = rng.normal(0, 0.5, 2)
    curves = grow(rng, roots[pick], heading, length * unit * np.exp(rng.normal(0, 0.5, count)), weight, 1.2)
    canvas.strands(curves, colour.shades(rng, base, 24, 0.4), max(0.0045 * unit, 0.22), rng.uniform(0.35, 0.9))


def fringe(rng: np.random.Generator, canvas: Canvas, outline: np.ndarray, length: float, density: float, width: float,
           lean: Sequence[float] = (0.0, 0.4), clump: float = 0.5, opacity: float = 0.85) -> None:
    """Fur along a closed ``outline`` (N, 2) of what is painted: strands of about ``length`` pixels that stand off it.

    ``density`` strands per pixel of outline, ``width`` of one in pixels, ``lean`` the direction (x, y) that all lean
    to, ``clump`` (0..1) how much neighbours lean and end together. Colours are those at the roots.
    """
    around_px = np.hypot(*np.diff(np.concatenate((outline, outline[:1])), axis=0).T).sum()
    count = int(np.clip(around_px * density, 24, MOST_STRANDS))
    points = shapes.dense(outline, count)
    out = outwards(canvas, points)
    tuft = max(6, count / 14)
    sway = (0.9 * clump * noise.line(rng, count, tuft, True))[:, None]
    heading = out + sway * out[:, ::-1] * (1, -1) + np.asarray(lean) + rng.normal(0, 0.15, (count, 2))
    size = length * (1 + 0.35 * noise.line(rng, count, max(4, count / 90), True)) * (
        1 + 0.5 * clump * noise.line(rng, count, tuft, True)) * np.exp(rng.normal(0, 0.25, count))
    curves = grow(rng, points - out * (0.35 * length), heading, np.maximum(size, 0.5), lean, 0.5, steps=7)
    curves = curves[rng.permutation(count)]
    # Short dense undercoat first, then longer single hairs.
    layers = zip(np.array_split(curves, 3), (1.0, 0.85, 0.6), (0.5, 0.85, 1.2), (2.0, 1.0, 0.7))
    for part, share, reach, thick in layers:
        part = part[:, :1] + (part - part[:, :1]) * reach
        canvas.strands(part, sampled(rng, canvas, part), width * thick, opacity * share, taper=True)


def outwards(canvas: Canvas, points: np.ndarray) -> np.ndarray:
    """Unit normals (N, 2) of a closed line that point away from what is painted; into a hole where it bounds one."""
    out = shapes.normals(points, closed=True)
    reach = max(2.0, 0.01 * max(canvas.size))
    return out if alpha_at(canvas, points - reach * out) >= alpha_at(canvas, points + reach * out) else -out


def alpha_at(canvas: Canvas, points: np.ndarray) -> float:
    """Mean alpha (0..1) under those of ``points`` (N, 2) that lie in the image."""
    place = np.floor(points).astype(int)
    place = place[np.all((place >= 0) & (place < canvas.size[::-1]), axis=1)]
    return float(canvas.rgba[place[:, 1], place[:, 0], 3].mean()) if len(place) else 0.0


def sampled(rng: np.random.Generator, canvas: Canvas, curves: np.ndarray) -> np.ndarray:
    """Colours (N, 3) for strands: those painted at their roots, varied a little."""
    height, width = canvas.size
    x = np.clip(curves[:, 0, 0].astype(int), 0, width - 1)
    y = np.clip(curves[:, 0, 1].astype(int), 0, height - 1)
    root = canvas.rgba[y, x]
    tones = root[:, :3] / np.maximum(root[:, 3:], 0.05)
    return np.clip(tones * np.exp(rng.normal(0, 0.12, (len(x), 1))), 0, 1)
