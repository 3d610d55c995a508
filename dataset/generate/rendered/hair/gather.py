"""Tied hair: strands that lie on the skull to a tie, then hang as a tail, wind into a bun or cross into a braid."""
import numpy as np

from bgmatting.dataset.generate.rendered.body.geometry import smooth_noise, unit
from bgmatting.dataset.generate.rendered.hair.strands import DOWN, shortened

SMOOTH = 12  # points of a strand between root and tie


def to_tie(rng, roots, tie, head, surface, volume):
    """Paths (S, SMOOTH, 3) over the skull from ``roots`` (S, 3) to ``tie`` (3,), ``volume`` metres above it at most."""
    centre = head.to_world(head.centre)
    start, end = roots - centre, tie - centre
    start_length, end_length = np.linalg.norm(start, axis=1, keepdims=True), np.linalg.norm(end)
    start, end = unit(start), unit(end)
    angle = np.arccos(np.clip(start @ end, -0.999, 0.9999))[:, None]
    layer = rng.uniform(0.001, 1, len(roots)) * volume
    path = []
    for share in np.linspace(0, 1, SMOOTH):
        way = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
        place = centre + unit(way) * (start_length * (1 - share) + end_length * share)
        if share < 0.97:
            place = surface.push(place, 0.0012 + layer * min(1.0, 4 * share))
        path.append(place)
    path = np.stack(path, 1)
    return path + smooth_noise(rng, len(roots), SMOOTH, 4) * 0.0012 * np.sin(np.linspace(0, np.pi, SMOOTH))[:, None]


def hanging_line(rng, tie, out, length, steps, surface, stiff=0.25, gap=0.03):
    """The middle (steps, 3) of a tail that leaves ``tie`` along ``out`` and falls, sliding over the body."""
    heading, place, line = unit(out), tie, [tie]
    sway = rng.normal(0, 0.05, 3) * np.array([1, 1, 0])
    for number in range(1, steps):
        pull = (1 - stiff) * min(1.0, 3 * number / steps) * 0.45
        heading = unit(heading * (1 - pull) + (DOWN + sway) * pull)
        place = surface.push((line[-1] + heading * length / (steps - 1))[None], gap * min(1, number / 3))[0]
        heading = unit(place - line[-1])
        line.append(place)
    return np.stack(line)


def frames(line):
    """Two directions across ``line`` (K, 3) at each point, turning as little as can be: (K, 3) and (K, 3)."""
    along = unit(np.gradient(line, axis=0))
    first = unit(np.cross(along[0], [0.3, 0.5, 0.1]))
    across = []
    for way in along:
        first = unit(first - way * (first @ way))
        across.append(first)
    across = np.stack(across)
    return across, np.cross(along, across)


def disc(rng, count):
    """Even random points (count, 2) of the unit disc."""
    radius, angle = np.sqrt(rng.random(count)), rng.uniform(0, 2 * np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def tail(rng, count, line, width):
    """Strands (count, K, 3) of a tail around ``line`` (K, 3): narrow at the tie, ``width`` metres thick, pointed below."""
    steps = len(line)
    across, over = frames(line)
    share = np.linspace(0, 1, steps)
    locks = 70  # strands hang together in locks, and the locks part towards the tip
    lock = rng.integers(0, locks, count)
    centre, place = disc(rng, locks)[lock], disc(rng, count)
    full, tip = rng.uniform(0.6, 1.0), rng.uniform(0.25, 0.9)
    radius = width / 2 * np.interp(share, (0, 0.12, 0.45, 0.8, 1), (0.35, 0.8 * full, 1.0, 0.5 + 0.4 * tip, tip))
    gathered = np.interp(share, (0, 0.3, 1), (0.0, 0.55, 0.8))[None, :, None]
    spot = centre[:, None] * gathered + place[:, None] * (1.05 - gathered)
    strands = line + (spot[..., :1] * across + spot[..., 1:] * over) * radius[None, :, None]
    sway = smooth_noise(rng, locks, steps, 5)[lock] * 0.22 + smooth_noise(rng, count, steps, 5) * 0.12
    strands = strands + sway * width * share[None, :, None] ** 1.3
    # few strands are as long as the longest: the tail thins out downwards
    return shortened(strands, 1 - rng.uniform(0, 0.55, count) ** 1.5 - 0.12 * rng.random(locks)[lock])


def braid(rng, count, line, width, crossings):
    """Strands (count, K, 3) of a three-part braid along ``line`` (K, 3), loose in its last eighth."""
    steps = len(line)
    across, over = frames(line)
    share = np.linspace(0, 1, steps)
    part = rng.integers(0, 3, count)
    phase = 2 * np.pi * (share[None] * crossings + part[:, None] / 3)
    bound = np.interp(share, (0, 0.05, 0.85, 0.9, 1), (0.3, 1, 0.75, 0.15, 0.1))
    middle_x, middle_y = np.cos(phase) * width * 0.34 * bound, np.sin(2 * phase) * width * 0.2 * bound
    place = disc(rng, count) * width * 0.22
    thick = np.interp(share, (0, 0.05, 0.85, 0.9, 1), (0.5, 1, 0.8, 0.35, 1.3))
    first = middle_x + place[:, :1] * thick
    second = middle_y + place[:, 1:] * thick
    return line + first[..., None] * across + second[..., None] * over


def bun(rng, count, tie, out, radius, steps=30):
    """Strands (count, steps, 3) wound around the direction ``out`` into a knot of ``radius`` metres on ``tie``."""
    first = unit(np.cross(out, [0.2, 0.4, 0.9]))
    second = np.cross(out, first)
    place = disc(rng, count)
    start = rng.uniform(0, 2 * np.pi, count)[:, None]
    turns = rng.uniform(0.7, 1.6, count)[:, None]
    share = np.linspace(0, 1, steps)[None]
    angle = start + 2 * np.pi * turns * share
    roll = 2.2 * angle  # the tube of hair is twisted as it is wound
    wide, high = place[:, :1] * np.cos(roll) - place[:, 1:] * np.sin(roll), place[:, :1] * np.sin(roll) + place[:, 1:]
    ring = radius * (0.55 + 0.42 * wide) * np.minimum(1, 0.35 + 3 * share)
    above = radius * (0.6 + 0.5 * np.clip(high, -1, 1)) * np.minimum(1, 4 * share)
    around = first * np.cos(angle)[..., None] + second * np.sin(angle)[..., None]
    strands = tie + out * above[..., None] + around * ring[..., None]
    return strands + smooth_noise(rng, count, steps, 6) * 0.0025


def joined(*parts):
    """Parts of the same strands, (S, K, 3) each, one after the other, eased where they meet."""
    strands = np.concatenate(parts, 1)
    eased = strands.copy()
    eased[:, 1:-1] = 0.25 * strands[:, :-2] + 0.5 * strands[:, 1:-1] + 0.25 * strands[:, 2:]
    return eased
