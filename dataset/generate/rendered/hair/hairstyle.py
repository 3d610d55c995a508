"""Haircuts: which there are, how likely for whom, and how each is grown on a head."""
import dataclasses

import numpy as np

from bgmatting.dataset.generate.rendered.body.geometry import unit
from bgmatting.dataset.generate.rendered.hair import gather
from bgmatting.dataset.generate.rendered.hair.strands import Growth, finish, grow

# Chance for women, chance for men.
STYLES = {
    "buzz": (0.02, 0.14), "crop": (0.03, 0.2), "short": (0.05, 0.22), "quiff": (0.01, 0.12), "bald": (0.005, 0.06),
    "bob": (0.1, 0.02), "long": (0.14, 0.04), "wavy": (0.14, 0.04), "curly": (0.1, 0.06), "afro": (0.07, 0.05),
    "wet": (0.02, 0.01), "ponytail": (0.11, 0.015), "pigtails": (0.03, 0.0), "bun": (0.09, 0.015),
    "braid": (0.05, 0.005), "braids": (0.03, 0.005), "half_up": (0.045, 0.0), "messy": (0.03, 0.03),
}
TIED = ("ponytail", "pigtails", "bun", "braid", "braids", "half_up")
FRINGED = ("bob", "long", "wavy", "ponytail", "bun", "half_up", "braid", "pigtails")


@dataclasses.dataclass(frozen=True)
class Haircut:
    """A style with the draws that belong to it: parting at x metres, temples receded, a fringe, hair in the face."""

    style: str
    part: float
    recede: float
    fringe: bool
    in_face: bool
    count: int
    radius: float
    covered: bool = False  # by a hat, which presses it down


def draw_haircut(rng, male, age, style=None):
    """A random haircut for a person; ``style`` fixes its name."""
    chances = np.array([pair[int(male)] for pair in STYLES.values()])
    style = style or str(rng.choice(list(STYLES), p=chances / chances.sum()))
    recede = max(0.0, rng.normal(0.005, 0.01)) * (1 + max(0, age - 0.6) * 4) if male else max(0, rng.normal(0, 0.003))
    return Haircut(style, float(rng.choice([-0.035, -0.02, 0.0, 0.02, 0.035])), float(recede),
                   bool(style in FRINGED and rng.random() < 0.35), bool(rng.random() < 0.12),
                   int(rng.integers(26000, 36000)), float(rng.uniform(0.000045, 0.000085)))


def combed(head, roots, facing, way):
    """Directions (N, 3) along the scalp for local directions ``way`` (N, 3) or (3,)."""
    world = np.broadcast_to(way, roots.shape) @ head.axes.T
    along = world - facing * np.einsum("nd,nd->n", world, facing)[:, None]
    return unit(along)


def parted(head, roots, facing, part, sideways=0.8, back=0.35):
    """Combing away from a parting at x = ``part`` metres, to the sides and the back."""
    local = head.to_local(roots)
    side = np.where(local[:, 0] > part, 1.0, -1.0)
    behind = np.clip((local[:, 1] - head.centre[1]) / 0.08, 0, 1)  # no parting at the back of the head
    way = np.stack([side * sideways * (1 - 0.6 * behind), np.full(len(side), back), np.full(len(side), -0.25)], 1)
    return combed(head, roots, facing, way)


def free_growth(rng, style):
    """How the strands of an untied style grow."""
    settings = {
        "buzz": dict(length=rng.uniform(0.003, 0.008), steps=4, lift=0.6, comb=0.6, gravity=0, gap=0.001, stray=0),
        "crop": dict(length=rng.uniform(0.01, 0.028), steps=6, lift=0.35, comb=0.8, gravity=0.05, gap=0.002),
        "short": dict(length=rng.uniform(0.03, 0.07), steps=12, lift=rng.uniform(0.2, 0.5), gravity=0.12, gap=0.004,
                      clump=rng.uniform(0.2, 0.6)),
        "quiff": dict(length=rng.uniform(0.03, 0.07), steps=14, lift=0.5, gravity=0.06, gap=0.005, clump=0.45),
        "messy": dict(length=rng.uniform(0.05, 0.12), steps=18, lift=0.5, gravity=0.25, wander=0.14, clump=0.6, noise=0.01),
        "bob": dict(length=rng.uniform(0.17, 0.26), steps=24, lift=0.35, spread=0.07, gap=0.01, clump=0.25),
        "long": dict(length=rng.uniform(0.3, 0.52), steps=32, lift=0.3, gap=0.012, clump=rng.uniform(0.25, 0.6)),
        "wavy": dict(length=rng.uniform(0.26, 0.48), steps=44, lift=0.35, gap=0.014, clump=0.5, noise=0.01,
                     curl=rng.uniform(0.006, 0.013), turns=rng.uniform(7, 14)),
        "curly": dict(length=rng.uniform(0.09, 0.27), steps=52, lift=0.7, gravity=0.22, gap=0.012, clump=0.55,
                      noise=0.01, curl=rng.uniform(0.004, 0.009), turns=rng.uniform(16, 32), stray=0.06),
        "afro": dict(length=rng.uniform(0.03, 0.12), steps=30, lift=1.4, comb=0.1, gravity=0.0, wander=0.1, gap=0.004,
                     clump=0.25, noise=0.008, curl=0.003, turns=55, stray=0.03),
        "wet": dict(length=rng.uniform(0.12, 0.35), steps=28, lift=0.1, gravity=0.4, gap=0.004, clump=0.85, noise=0.002),
    }[style]
    return Growth(**settings)


def _ways(rng, head, roots, facing, cut):
    """The combing of an untied style."""
    if cut.covered:
        return combed(head, roots, facing, (0.0, 0.4, -1.0))
    if cut.style in ("buzz", "crop"):
        return combed(head, roots, facing, (0.1, -0.8, -0.5))
    if cut.style == "short":
        sweep = rng.choice([-1, 1]) * rng.uniform(0.2, 0.9)
        return combed(head, roots, facing, (sweep, rng.choice([-0.6, 0.2, 0.8]), -0.3))
    if cut.style == "quiff":
        local = head.to_local(roots)
        front = np.clip((head.centre[1] - local[:, 1]) / 0.08, 0, 1)[:, None]
        return unit(combed(head, roots, facing, (0.2, 0.8, -0.2)) + head.axes[:, 2] * 0.8 * front)
    if cut.style in ("messy", "afro"):
        return unit(combed(head, roots, facing, rng.normal(0, 1, 3)) + rng.normal(0, 0.5, roots.shape))
    return parted(head, roots, facing, cut.part)


def fringe(rng, head, roots, facing, surface, count=3000):
    """Strands over the forehead down to the brows, swept a little to one side, with the places they grow from."""
    local = head.to_local(roots)
    front = np.flatnonzero((local[:, 1] < head.centre[1] - 0.02) & (np.abs(local[:, 0]) < 0.05 * head.scale)
                           & (local[:, 2] < head.top * 0.9))
    if len(front) < 50:
        return []
    chosen = rng.choice(front, min(count, len(front)), replace=False)
    sweep = rng.normal(0, 0.35)
    way = combed(head, roots[chosen], facing[chosen], (sweep, -1.0, -0.5))
    growth = Growth(length=rng.uniform(0.055, 0.085), steps=14, lift=0.35, gravity=0.25, gap=0.004, guard=False, spread=0.12,
                    clump=rng.uniform(0.1, 0.6), noise=0.003, stray=0.05, guides=160)
    return [grow(rng, roots[chosen], facing[chosen], way, growth, head, surface)]


def wisps(rng, head, cut, surface, count=700):
    """Short fine hair along the hairline, and some that stands off the mass: the hardest part of a matte."""
    roots, facing = head.roots(rng, count * 6, cut.recede)
    local = head.to_local(roots)
    edge = local[:, 2] - head.hairline(local, cut.recede) < 0.02
    keep = np.flatnonzero(edge | (rng.random(len(roots)) < 0.06))[:count]
    growth = Growth(length=rng.uniform(0.015, 0.05), steps=14, lift=0.45, comb=0.7, gravity=0.1, wander=0.06, spread=0.6,
                    noise=0.004, stray=0.12, gap=0.002, clump=0.25)
    way = combed(head, roots[keep], facing[keep], (0.0, 0.6, 0.3))
    return grow(rng, roots[keep], facing[keep], way, growth, head, surface)


def locks(rng, head, roots, facing, surface, cut):
    """A few loose locks that frame the face, or fall into it."""
    local = head.to_local(roots)
    temple = np.flatnonzero((local[:, 1] < head.centre[1] - 0.02) & (np.abs(local[:, 0]) > 0.03)
                            & (local[:, 2] < 0.09 * head.scale))
    if len(temple) < 40:
        return []
    seeds = roots[rng.choice(temple, rng.integers(2, 7))]
    near = np.concatenate([temple[np.argsort(np.linalg.norm(roots[temple] - seed, axis=1))[:rng.integers(20, 160)]]
                           for seed in seeds])
    growth = Growth(length=rng.uniform(0.1, 0.28), steps=26, lift=0.5, gravity=0.3, gap=0.006, clump=0.6, noise=0.006,
                    curl=rng.choice([0, 0.006]), turns=10, stray=0.05, guard=not cut.in_face)
    sideways, back = (0.15, -0.3) if cut.in_face else (0.7, 0.15)
    return [grow(rng, roots[near], facing[near], parted(head, roots[near], facing[near], 0.0, sideways, back), growth,
                 head, surface)]


def tie_places(rng, head, style):
    """Where hair is tied, as [(place, direction outwards)] in the scene."""
    if style in ("pigtails", "braids"):
        height, back = rng.uniform(-0.04, 0.06), rng.uniform(0.02, 0.07)
        spots = [np.array([side, back / 0.09, height / 0.09]) for side in (-1, 1)]
    else:
        tilt = rng.uniform(-0.55, 1.0) if style != "half_up" else rng.uniform(0.1, 0.6)
        tilt = rng.uniform(-0.6, 0.1) if style == "braid" else tilt
        spots = [np.array([rng.normal(0, 0.03), np.cos(tilt), np.sin(tilt)])]
    found = []
    for spot in spots:
        out = unit(spot)
        shell = np.array([head.half_width, 0.098 * head.scale, 0.1 * head.scale])
        found.append((head.to_world(head.centre + out * (shell + 0.014)), head.axes @ out))
    return found


def _tied_part(rng, style, base, tie, out, surface, thick):
    """The gathered part of strands whose paths to the tie are ``base`` (S, SMOOTH, 3)."""
    count = len(base)
    if style == "bun":
        return gather.joined(base, gather.bun(rng, count, tie, out, rng.uniform(0.026, 0.042) * thick))
    length = rng.uniform(0.18, 0.45)
    if style in ("braid", "braids"):
        line = gather.hanging_line(rng, tie, out, length, 60, surface, 0.15, 0.022)
        return gather.joined(base, gather.braid(rng, count, line, 0.05 * thick, length / 0.075))
    line = gather.hanging_line(rng, tie, out, length, 30, surface, rng.uniform(0.1, 0.5))
    grown = gather.tail(rng, count, line, rng.uniform(0.05, 0.085) * thick)
    if rng.random() < 0.5:
        curls = Growth(length=length, curl=rng.uniform(0.003, 0.009), turns=rng.uniform(5, 14), noise=0.012)
        grown = finish(rng, grown, curls)
    return gather.joined(base, grown)


def tied(rng, head, roots, facing, surface, cut):
    """Strands of a tied style, as a list, and the places of the ties [(place, direction)]."""
    ties = tie_places(rng, head, cut.style)
    local = head.to_local(roots)
    chosen = local[:, 2] > 0.03 * head.scale if cut.style == "half_up" else np.ones(len(roots), bool)
    side = (local[:, 0] > 0).astype(int) if len(ties) == 2 else np.zeros(len(roots), int)
    found = []
    for number, (tie, out) in enumerate(ties):
        mine = np.flatnonzero(chosen & (side == number))
        base = gather.to_tie(rng, roots[mine], tie, head, surface, rng.uniform(0.004, 0.014))
        style = "ponytail" if cut.style in ("pigtails", "half_up") else cut.style
        grown = _tied_part(rng, style, base, tie, out, surface, 0.75 if len(ties) == 2 or cut.style == "half_up" else 1.0)
        found.append(finish(rng, grown, Growth(length=0.15, noise=0.0015, stray=0.025)))
    if not chosen.all():
        rest = np.flatnonzero(~chosen)
        growth = free_growth(rng, str(rng.choice(["long", "wavy"])))
        way = parted(head, roots[rest], facing[rest], 0.0)
        found.append(grow(rng, roots[rest], facing[rest], way, growth, head, surface))
    return found, ties


def make_hair(rng, head, surface, cut):
    """All strands of a haircut, a list of arrays (S, K, 3), and the places of ties [(place, direction)]."""
    if cut.style == "bald":
        return [], []
    dense = 1.8 if cut.style in ("buzz", "crop", "short") else 1.0  # one looks along short hair, down to the skin
    soft = 0.02 if cut.style in ("buzz", "crop") else 0.012
    roots, facing = head.roots(rng, int(cut.count * dense), cut.recede, soft)
    if cut.style in TIED:
        found, ties = tied(rng, head, roots, facing, surface, cut)
    else:
        growth = dataclasses.replace(free_growth(rng, cut.style), guard=not cut.in_face)
        if cut.covered:
            growth = dataclasses.replace(growth, lift=0.15, gravity=max(0.25, growth.gravity))
        found, ties = [grow(rng, roots, facing, _ways(rng, head, roots, facing, cut), growth, head, surface)], []
    if cut.fringe:
        found += fringe(rng, head, roots, facing, surface)
    if cut.style not in ("buzz", "crop"):
        found.append(wisps(rng, head, cut, surface))
    if cut.style in TIED or cut.style in ("bob", "long", "wavy"):
        found += locks(rng, head, roots, facing, surface, cut)
    return found, ties
