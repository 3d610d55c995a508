"""Dense fur grown on a subject: what is soft about an animal's outline is thousands of hairs that lie over one another."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import noise
from bgmatting.dataset.stream.subjects import Subject

OFTEN = {"animal": 0.5, "free": 0.5, "fur": 0.3}   # kinds, painted or rendered, and the share of them that is given a coat
SELDOM = 0.03            # likewise of all others
LENGTH = (0.012, 0.07)   # of the longest hairs, in shorter sides of the subject
SOLID = 0.5              # alpha from which fur has something to grow on
STEEPEST = 0.4           # pixels to a side that hairs lean at most, for each pixel that they reach out
ROOTS = 3                # pixels inside the outline that hairs take their colour from


def maybe_coated(rng: np.random.Generator, subject: Subject) -> Subject:
    """``coated``, as often as that becomes the subject's kind."""
    return coated(rng, subject) if rng.random() < OFTEN.get(subject.kind, SELDOM) else subject


def coated(rng: np.random.Generator, subject: Subject) -> Subject:
    """Grow fur outwards on ``subject``, which has little of its own, and return it as another Subject.

    Each point of the outline bears a hair of a length of its own, straight away from it and then bent a little. The hairs of
    neighbouring points are alike, as tufts are, and end one by one, so that alpha falls off over their length. Fur lies
    behind the subject, whose own soft parts stay.
    """
    length = max(2.0, min(subject.rgba.shape[:2]) * np.exp(rng.uniform(*np.log(LENGTH))))
    sides = [0 if cut else int(np.ceil(1.3 * length)) + 2 for cut in subject.cut]
    left, top, right, bottom = sides
    rgba = cv2.copyMakeBorder(subject.rgba, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
    solid = rgba[..., 3] > SOLID
    if not solid.any() or solid.all():
        return subject
    fur = grown(rng, rgba, solid, length)
    return subject._replace(rgba=rgba + fur * (1 - rgba[..., 3:]))


def grown(rng: np.random.Generator, rgba: np.ndarray, solid: np.ndarray, length: float) -> np.ndarray:
    """Fur on and around ``solid``: float32 (H, W, 4), colour multiplied by alpha."""
    height, width = solid.shape
    apart, label = cv2.distanceTransformWithLabels((~solid).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    places = np.flatnonzero(solid)                      # labels are given in this order, from 1
    root = places[label - 1]                            # the point of the outline next to each pixel
    tufts = sum(share * grain(rng, solid.shape, sigma) for share, sigma in ((0.5, 0.7), (rng.uniform(0.2, 0.8), length / 4)))
    reach = np.clip(0.62 + 0.24 * tufts + 0.2 * noise.smooth(rng, height, width, rng.uniform(1, 5)), 0.05, 1.3) * length
    bare = noise.smooth(rng, height, width, rng.uniform(1, 3)) < rng.uniform(-2.5, -0.6)
    reach[cv2.blur(bare.astype(np.float32), (9, 9)) > 0.5] *= 0.2
    thin = rng.uniform(0.2, 1.0) * length               # over which a tuft's hairs end
    alpha = np.clip((reach.reshape(-1)[root] - apart) / thin + 0.5, 0, 1) * (apart < 1.3 * length)
    alpha *= np.clip(1 - rng.uniform(0, 0.9) * apart / length, 0, 1)   # what lies farther out is less dense
    core = cv2.erode(solid.view(np.uint8), np.ones((2 * ROOTS + 1,) * 2, np.uint8)) > 0
    core = core if core.any() else solid
    inner = np.flatnonzero(core)[cv2.distanceTransformWithLabels((~core).view(np.uint8), cv2.DIST_L2, 5,
                                                                 labelType=cv2.DIST_LABEL_PIXEL)[1] - 1]
    straight = rgba[..., :3] / np.maximum(rgba[..., 3:], 0.05)
    shade = np.exp(rng.uniform(0.03, 0.2) * grain(rng, solid.shape, 0.8)).reshape(-1)[root]
    colour = np.clip(straight.reshape(-1, 3)[inner] * shade[..., None], 0, 1)
    alpha[solid] = 1
    return bent(rng, np.dstack([colour * alpha[..., None], alpha]).astype(np.float32), apart, length)


def bent(rng: np.random.Generator, fur: np.ndarray, apart: np.ndarray, length: float) -> np.ndarray:
    """Let hairs lean, the more the farther they are out, and soften them a little."""
    height, width = apart.shape
    lean = rng.normal(0, 0.25, 2)[:, None, None] + 0.2 * np.stack([noise.smooth(rng, height, width, 4) for _ in range(2)])
    lean = np.clip(lean, -STEEPEST, STEEPEST)
    along = np.minimum(apart, 2 * length)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(fur, (x + lean[0] * along).astype(np.float32), (y + lean[1] * along).astype(np.float32),
                      cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(moved, (0, 0), np.exp(rng.uniform(np.log(0.4), np.log(3))))


def grain(rng: np.random.Generator, size: tuple, sigma: float) -> np.ndarray:
    """Noise of spots about ``sigma`` pixels wide, mean 0 and deviation 1, float32 (H, W)."""
    spots = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), max(sigma, 0.3))
    return spots / (spots.std() + 1e-6)
