"""How large the coarse network sees a photo, where nobody has said."""
from __future__ import annotations

from collections.abc import Sequence

QUARTER_FROM = 2560  # pixels of a photo's longer side; smaller ones are shown to the coarse network at half their size
EIGHTH_FROM = 10_000  # likewise: at a quarter of it the coarse network would take gigabytes, and see little at a time


def coarse_size(size: Sequence[int], scale: float | str = "auto") -> tuple[int, int]:
    """(height, width) of the coarse network's input for a photo of ``size``, multiples of 4, as ``Matter`` chooses it."""
    return tuple(max(1, int(side * coarse_scale(size, scale))) for side in size)


def coarse_scale(size: Sequence[int], scale: float | str = "auto") -> float:
    """The backbone scale for a photo of ``size`` (height, width): ``scale``, unless that is "auto"."""
    if scale != "auto":
        return scale
    if max(size) >= EIGHTH_FROM:
        return 0.125
    return 0.25 if max(size) >= QUARTER_FROM else 0.5
