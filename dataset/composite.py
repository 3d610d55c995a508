"""From foreground, alpha and background to two photos of a camera: src, and a bgr that differs a little."""
from __future__ import annotations

import numpy as np

from bgmatting.dataset.augment import (
    add_noise,
    added_jitter,
    cast_shadow,
    change_exposure,
    disturb_photo,
    draw_affine,
    move,
    shift,
    through_jpeg,
)
from bgmatting.media.operations import blend


def compose_pair(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, bgr: np.ndarray,
                 augment: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Compose ``src`` and disturb ``bgr`` as two real exposures of one scene are.

    Args:
        fgr, bgr: uint8 (H, W, 3); pha: uint8 (H, W).
        augment: the ``augment`` section of a stage's configuration: the probability of each disturbance.
    Returns (src, bgr), uint8 (H, W, 3).
    """
    scene = bgr
    if rng.random() < augment["shadow"]:
        scene = cast_shadow(rng, scene, pha)
    src = blend(fgr, pha, scene)
    if rng.random() < augment["noise"]:
        src = add_noise(rng, src, augment["noise_sigma"])
        bgr = add_noise(rng, bgr, augment["noise_sigma"])
    if rng.random() < augment["bgr_jitter"]:
        bgr = added_jitter(rng, bgr, 0.18, 0.18, 0.18, 0.1)
    if rng.random() < augment["exposure"]:
        bgr = change_exposure(rng, bgr)
    if rng.random() < augment["bgr_affine"]:
        bgr = move(bgr, draw_affine(rng, (1.0, 1.0), degrees=1.0, translate=0.01, shear=0.0))
    if rng.random() < augment["subpixel"]:
        across, down = rng.uniform(-0.7, 0.7, 2)
        bgr = shift(bgr, across, down)
    if rng.random() < augment["jpeg"]:
        quality = int(rng.integers(40, 96))
        src, bgr = through_jpeg(src, quality), through_jpeg(bgr, quality)
    return src, bgr


def compose_alone(rng: np.random.Generator, fgr: np.ndarray, pha: np.ndarray, bgr: np.ndarray,
                  augment: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Compose ``src`` for a method that sees no second photo; ``bgr`` comes back just as it is inside ``src``.

    Args and return value as ``compose_pair``, of whose disturbances only shadow, noise and JPEG artefacts concern src.
    """
    if rng.random() < augment["shadow"]:
        bgr = cast_shadow(rng, bgr, pha)
    return disturb_photo(rng, blend(fgr, pha, bgr), augment), bgr
