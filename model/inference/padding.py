"""What the sides of photos are padded to, and the padding."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bgmatting.model.inference import scale
from bgmatting.model.patch_layout import PATCH


def padding_and_scale(size: Sequence[int], wanted: float | str = "auto") -> tuple[int, float]:
    """(what the sides of photos of ``size`` are padded to multiples of, the backbone scale for them so padded)."""
    is_eighth = wanted == "auto" and max(size) > scale.EIGHTH_FROM - PATCH  # it may be padded up to that
    unit = 2 * PATCH if is_eighth else PATCH
    return unit, scale.coarse_scale([side + -side % unit for side in size], wanted)


def padded(photo: np.ndarray, unit: int = PATCH) -> np.ndarray:
    """uint8 (H, W, 3) with the last row and column repeated up to multiples of ``unit``."""
    height, width = photo.shape[:2]
    if height % unit or width % unit:
        photo = np.pad(photo, ((0, -height % unit), (0, -width % unit), (0, 0)), mode="edge")
    return np.ascontiguousarray(photo)
