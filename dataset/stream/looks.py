"""How a subject looks: its colours, light and focus, and whether parts of it look like the scene behind.

Images are float32 in 0..1: fgr and scene (H, W, 3), pha and parts (H, W).
"""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import noise
from bgmatting.dataset.generate.subjects.subject import blend_in

AROUND = 8       # pixels that colour goes on for beyond the outline
THIN = 1e-3      # alpha below which a pixel's own colour is not known
ALL_OVER = 0.12  # share of the subjects that hide which are near the scene's colours everywhere


def recoloured(rng: np.random.Generator, fgr: np.ndarray) -> np.ndarray:
    """Give a subject another tint, saturation, exposure and direction of light."""
    if rng.random() < 0.25:
        fgr = fgr @ (np.eye(3) + rng.normal(0, 0.12, (3, 3))).astype(np.float32)
    grey = fgr.mean(2, keepdims=True)
    fgr = grey + np.float32(np.exp(rng.normal(-0.05, 0.3))) * (fgr - grey)
    gain = np.exp(rng.normal(0, 0.22)) * np.exp(rng.normal(0, 0.06, 3))
    fgr = np.clip(fgr * gain.astype(np.float32), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.5:
        light = 1 + np.float32(rng.uniform(0.1, 0.5)) * noise.smooth(rng, *fgr.shape[:2], rng.uniform(0.5, 3))
        fgr = np.clip(fgr * np.clip(light, 0.3, 1.7)[..., None], 0, 1)
    return fgr


def hidden(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, scene: np.ndarray) -> tuple:
    """Give a part of the subject the scene's colour, or the scene that of the subject, while the rest tells that somebody
    is there.

    Returns (fgr, scene), either of them changed.
    """
    pick = rng.random()
    if pick < ALL_OVER:  # as white fur before sand: only texture and shade are left
        part = np.full_like(pha, rng.uniform(0.5, 0.85))
    else:
        part = same_stuff(rng, fgr, pha) if pick < 0.65 else patches(rng, *pha.shape)
        part = part * np.float32(rng.uniform(0.7, 1))
    if rng.random() < 0.3:
        return fgr, tinted(rng, fgr, pha, scene, part)
    return blend_in(rng, fgr, scene, part, rng.uniform(0.05, 0.6)), scene


def same_stuff(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray) -> np.ndarray:
    """Find where the subject has about the colour of one of its points, as a shirt, hair or the spots of a coat: (H, W)."""
    rows, columns = np.nonzero(pha > 0.9)
    if not len(rows):
        return np.zeros_like(pha)
    pick = rng.integers(len(rows))
    soft = cv2.GaussianBlur(fgr, (0, 0), rng.uniform(0.6, 2.5))
    apart = np.abs(soft - soft[rows[pick], columns[pick]]).max(2)
    return 1 / (1 + np.exp((apart - np.float32(rng.uniform(0.06, 0.2))) * np.float32(rng.uniform(30, 90))))


def patches(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw spots and clouds of any size, (H, W)."""
    field = noise.smooth(rng, height, width, np.exp(rng.uniform(np.log(1.5), np.log(30))))
    return np.clip((field - np.float32(rng.uniform(-0.3, 0.8))) * np.float32(rng.uniform(1.5, 10)), 0, 1)


def tinted(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, scene: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Light the scene so that it looks like that part of the subject, as a dark lake behind a dark shirt."""
    share = (part * pha)[..., None]
    if share.sum() < 20:
        return scene
    wanted, there = ((share * image).sum((0, 1)) / share.sum() for image in (fgr, scene))
    gain = np.clip((wanted + 0.01) / (there + 0.01), 0.15, 5).astype(np.float32)
    if rng.random() < 0.5:
        return np.clip(scene * gain, 0, 1)
    return np.clip(scene + (wanted - there).astype(np.float32), 0, 1)


def bled(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """Let another scene, a mirrored and tinted copy of this one, shine through soft edges, as in subjects cut out of
    photographs whose colour was not freed of what was behind. Returns the changed colour."""
    other = recoloured(rng, cv2.GaussianBlur(scene[::-1, ::-1], (0, 0), np.exp(rng.uniform(0, 2))))
    return fgr + (np.float32(rng.uniform(0.3, 1)) * (1 - pha))[..., None] * (other - fgr)


def defocused(fgr: np.ndarray, pha: np.ndarray, sigma: float) -> tuple:
    """Put colour and alpha out of focus by ``sigma`` pixels; what lies beyond the outline does not mix in."""
    return straight(cv2.GaussianBlur(np.dstack([fgr * pha[..., None], pha]), (0, 0), sigma))


def straight(rgba: np.ndarray) -> tuple:
    """Split (H, W, 4), colour multiplied by alpha, into colour as it is and alpha.

    Colour goes on for some pixels beyond the outline, so that a later resampling of both does not darken it.
    """
    rgba = np.clip(rgba, 0, 1)
    known = np.where(rgba[..., 3:] > THIN, rgba, cv2.blur(rgba, (2 * AROUND + 1, 2 * AROUND + 1)))
    return np.clip(known[..., :3] / np.maximum(known[..., 3:], THIN), 0, 1), rgba[..., 3]
