"""One training sample from a seed."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bgmatting.dataset.generate.scenes import make_background
from bgmatting.dataset.generate.subjects.subject import make_subject


class Sample(NamedTuple):
    """A matting sample; ``pha / 255 * fgr + (1 - pha / 255) * bgr`` is the image a camera would see."""
    pha: np.ndarray  # uint8 (H, W)
    fgr: np.ndarray  # uint8 RGB (H, W, 3), the subject's colour, continued beyond its outline
    bgr: np.ndarray  # uint8 RGB (H, W, 3), the same view without the subject


def make_sample(seed: int | Sequence[int], height: int, width: int, kind: str | None = None,
                camouflage: float | None = None) -> Sample:
    """The sample of ``height`` x ``width`` pixels that ``seed`` (int, or a sequence of ints) names; always the same.

    ``kind`` is a member of ``subject.KINDS``, drawn at random if None; ``camouflage`` (0..1) how likely the subject takes
    colours of its background, ``subject.CAMOUFLAGE`` if None.
    """
    rng = np.random.default_rng(seed)
    bgr = make_background(rng, height, width)
    pha, fgr = make_subject(rng, height, width, kind, bgr, camouflage)
    return Sample(pha, fgr, bgr)
