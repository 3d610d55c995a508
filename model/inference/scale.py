"""How large the coarse network sees a photo or a frame, where nobody has said, and how two looks at one become one."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

SEEN = 2 ** 21         # pixels of the coarse network's input that a photo is shown with, about 1920x1088, or the photo's own
STEPS = 16             # the scale of a photo is a whole number of so many parts
SMALL = 1280 * 720     # pixels; frames of less are fast at half their size, and lose more at a quarter
QUARTER_FROM = 2560    # pixels of the longer side of frames that are seen at a quarter of their size at most
EIGHTH_FROM = 10_000   # likewise at an eighth: at a quarter the coarse network would take gigabytes, and see little
DOUBT = 0.02           # error that is expected anywhere
COARSER = 0.5          # how much the second look counts beside the first, where both expect the same error

Array = TypeVar("Array")  # numpy.ndarray or paddle.Tensor


def coarse_size(size: Sequence[int], scale: float) -> tuple[int, int]:
    """(height, width) of the coarse network's input at a backbone scale."""
    return tuple(max(1, int(side * scale)) for side in size)


def looks(size: Sequence[int], scale: float | str = "auto") -> tuple[float, ...]:
    """The backbone scales at which a photo of ``size`` (height, width) is seen, the finest first.

    One, if ``scale`` says it. For "auto" two, of which one is half of the other: the finer sees edges better, and the other,
    which sees more of the scene at a time, has fewer holes in what is solid. The second is shown the photos mirrored, and
    so errs in other places.
    """
    if scale != "auto":
        return (scale,)
    finest = min(1, max(1, int(STEPS * (SEEN / (size[0] * size[1])) ** 0.5)) / STEPS)
    return finest, finest / 2


def frame_scale(size: Sequence[int], finest: bool = False) -> float:
    """The backbone scale for a frame of ``size`` (height, width) of a video, which should not take long; or, where frames
    may take longer, the ``finest`` that suits it."""
    if max(size) >= EIGHTH_FROM:
        return 0.125
    return 0.25 if max(size) >= QUARTER_FROM or not finest and size[0] * size[1] >= SMALL else 0.5


def weighed(fine: Array, other: Array, err: Array, other_err: Array) -> Array:
    """What two looks found, each weighed by how little error it expects; all of one size, errors in 0..1."""
    ours, theirs = 1 / (err + DOUBT), COARSER / (other_err + DOUBT)
    return (fine * ours + other * theirs) / (ours + theirs)
