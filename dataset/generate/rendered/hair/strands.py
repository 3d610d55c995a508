"""Growing hair: a few hundred guides that feel gravity and the body, then thousands of strands between them."""
import dataclasses

import numpy as np
from scipy.spatial import cKDTree

from bgmatting.dataset.generate.rendered.body.geometry import smooth_noise, unit

DOWN = np.array([0, 0, -1.0])
SHORT = 0.12  # metres; shorter hair lies on the skin all along
HELD = 0.07  # metres along a strand over which the comb holds it; beyond, it is the weight that shapes it


@dataclasses.dataclass
class Growth:
    """How strands grow. Lengths are metres, the rest shares 0..1 unless said otherwise."""

    length: float = 0.3
    spread: float = 0.15     # deviation of the logarithm of length
    steps: int = 24          # points of a strand
    lift: float = 0.5        # how far strands leave the skin before they bend over
    comb: float = 0.8        # how firmly they follow the comb at first
    gravity: float = 0.35    # pull at the tips
    gap: float = 0.01        # they keep above the body
    clump: float = 0.3       # how far tips gather at their guide
    noise: float = 0.004     # waviness of each strand at the tip
    curl: float = 0.0        # radius of curls
    turns: float = 0.0       # curls per metre
    stray: float = 0.04      # share of strands that leave the mass
    wander: float = 0.03     # turning of guides at random, per step
    guides: int = 420
    guard: bool = True       # keep out of the face


def grow_guides(rng, roots, facing, comb, growth, head, surface):
    """Guides (G, steps, 3) from ``roots`` (G, 3); ``comb`` (G, 3) is the direction each is combed to."""
    length = growth.length * np.exp(rng.normal(0, growth.spread, len(roots)))
    step = (length / (growth.steps - 1))[:, None]
    heading = unit(facing * growth.lift + comb * growth.comb + rng.normal(0, 0.06, roots.shape))
    side = np.sign(head.to_local(roots)[:, 0])
    line = [roots]
    for number in range(1, growth.steps):
        grown = number * step
        pull = growth.gravity * np.minimum(1, grown / 0.08) ** 0.7 * np.minimum(1, step / 0.01)
        held = growth.comb * 0.3 * np.clip(1 - grown / HELD, 0, 1)
        heading = unit(heading * (1 - pull) + DOWN * pull + comb * held + rng.normal(0, growth.wander, roots.shape))
        place = surface.push(line[-1] + heading * step, growth.gap * min(1.0, number / 4))
        if growth.guard:
            place = keep_off_face(place, head, side)
        heading = unit(place - line[-1])
        line.append(line[-1] + heading * step)
    return np.stack(line, 1)


def keep_off_face(places, head, side):
    """Push ``places`` (N, 3) sideways out of the space before eyes, nose and mouth; ``side`` (N,) is -1 or 1."""
    local = head.to_local(places)
    scale = head.scale
    before = local[:, 1] < head.centre[1] - 0.035 * scale
    tall = (local[:, 2] < 0.05 * scale) & (local[:, 2] > -0.16 * scale)
    half = head.half_width * (0.93 - 0.18 * np.clip(-local[:, 2] / 0.12, 0, 1))
    inside = before & tall & (np.abs(local[:, 0]) < half)
    side = np.where(side == 0, 1, side)
    local[:, 0] = np.where(inside, side * (0.5 * half + 0.5 * np.maximum(half, np.abs(local[:, 0]))), local[:, 0])
    return head.to_world(local)


def fill(rng, roots, guides, growth):
    """Strands (S, steps, 3) from ``roots`` (S, 3), each between its three nearest guides (G, steps, 3).

    Guides whose tips fly apart, as at a parting, are not mixed.
    """
    offsets = guides - guides[:, :1]
    distance, near = cKDTree(guides[:, 0]).query(roots, k=min(3, len(guides)))
    distance, near = distance.reshape(len(roots), -1), near.reshape(len(roots), -1)
    tips = offsets[near][:, :, -1]
    together = np.linalg.norm(tips - tips[:, :1], axis=2) < 0.5 * growth.length + 0.008
    weight = together / (distance + 2e-4) ** 2
    weight /= weight.sum(1, keepdims=True)
    strands = roots[:, None] + np.einsum("sk,sktd->std", weight, offsets[near])
    share = np.linspace(0, 1, growth.steps)[None, :, None]
    pull = growth.clump * share ** 1.2 * rng.uniform(0.2, 1, (len(roots), 1, 1))
    strands = strands * (1 - pull) + guides[near[:, 0]] * pull
    return strands, near[:, 0]


def finish(rng, strands, growth, groups=None):
    """Waviness, curls, ragged ends and strays for ``strands`` (S, K, 3); ``groups`` (S,) curl together."""
    count, steps, _ = strands.shape
    share = np.linspace(0, 1, steps)[None, :, None]
    strands = strands + smooth_noise(rng, count, steps, 6) * growth.noise * share
    if growth.curl:
        groups = rng.integers(0, 200, count) if groups is None else groups
        strands = curled(rng, strands, growth, groups)
    strands = shortened(strands, np.clip(1 - np.abs(rng.normal(0, 0.09, count)), 0.5, 1))
    stray = np.flatnonzero(rng.random(count) < growth.stray)
    far = min(0.006, 0.3 * growth.length) + 0.1 * growth.length * rng.random((len(stray), 1, 1)) ** 2
    strands[stray] += smooth_noise(rng, len(stray), steps, 4) * far * share
    return strands


def curled(rng, strands, growth, groups):
    """Strands wound around themselves; those of one group in step."""
    steps = strands.shape[1]
    share = np.linspace(0, 1, steps)[None, :]
    length = np.linalg.norm(np.diff(strands, axis=1), axis=2).sum(1, keepdims=True)
    phase = (groups * 2.399)[:, None] + rng.normal(0, 0.35, (len(strands), 1))
    angle = phase + 2 * np.pi * growth.turns * length * share * (1 + 0.12 * np.sin(groups * 1.7))[:, None]
    along = unit(np.gradient(strands, axis=1))
    first = unit(np.cross(along, [0.31, 0.17, 0.93]))
    second = np.cross(along, first)
    radius = growth.curl * np.minimum(1, share * 3) * np.exp(rng.normal(0, 0.2, (len(strands), 1)))
    return strands + (first * np.cos(angle)[..., None] + second * np.sin(angle)[..., None]) * radius[..., None]


def shortened(strands, shares):
    """Each strand cut to ``shares`` (S,) of its length, still with as many points."""
    steps = strands.shape[1]
    place = np.linspace(0, steps - 1, steps)[None] * shares[:, None]
    low = np.minimum(place.astype(int), steps - 2)
    part = (place - low)[..., None]
    row = np.arange(len(strands))[:, None]
    return strands[row, low] * (1 - part) + strands[row, low + 1] * part


def grow(rng, roots, facing, comb, growth, head, surface):
    """Free hair: strands (S, steps, 3) from ``roots`` (S, 3) with normals ``facing`` and combing ``comb``, all (S, 3)."""
    chosen = rng.choice(len(roots), min(growth.guides, len(roots)), replace=False)
    guides = grow_guides(rng, roots[chosen], facing[chosen], comb[chosen], growth, head, surface)
    strands, groups = fill(rng, roots, guides, growth)
    strands = finish(rng, strands, growth, groups)
    if growth.length < SHORT:  # between guides that lie close, strands would run under the skin and leave bald patches
        rise = 0.0012 * np.minimum(1, np.arange(1, growth.steps) / 3)
        rise = np.broadcast_to(rise, (len(strands), growth.steps - 1)).ravel()
        strands[:, 1:] = surface.push(strands[:, 1:].reshape(-1, 3), rise).reshape(len(strands), -1, 3)
    return strands
