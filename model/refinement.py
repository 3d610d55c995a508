"""Settings of the refiner, and the only place of their defaults. Needs no paddle."""
from __future__ import annotations

from typing import NamedTuple

from bgmatting.utils.errors import UserError, suggest

REFINE_MODES = ("sampling", "thresholding", "full")
BACKBONE_SCALE = 0.25  # size of the base network's input relative to the photo
KERNEL_SIZE = 3        # of the refiner's convolutions


class Refinement(NamedTuple):
    """Which patches are refined.

    Fields:
        mode: "sampling" refines the ``sample_pixels / 16`` patches with the largest predicted error, "thresholding"
            every patch with an error above ``threshold``, "full" everything.
        sample_pixels: how many pixels to refine in an image ("sampling").
        threshold: predicted error in 0..1 above which a patch is refined ("thresholding").
    """

    mode: str = REFINE_MODES[0]
    sample_pixels: int = 80_000
    threshold: float = 0.1


NOTHING = Refinement("sampling", 0)  # the base network's result, enlarged


def check_refinement(refinement: Refinement) -> Refinement:
    """The same Refinement. Raises UserError: a field is not known, or outside its range."""
    mode, sample_pixels, threshold = refinement
    if mode not in REFINE_MODES:
        raise UserError(f"unknown refine mode '{mode}'.{suggest(mode, REFINE_MODES)}")
    if sample_pixels < 0:
        raise UserError(f"the number of pixels to refine is at least 0, not {sample_pixels}.")
    if not 0 <= threshold <= 1:
        raise UserError(f"the refine threshold lies in 0..1, not {threshold}.")
    return refinement


def check_backbone_scale(scale: float) -> float:
    """The same scale. Raises UserError: it is not above 0 and at most 1."""
    if not 0 < scale <= 1:
        raise UserError(f"backbone scale lies above 0 and is at most 1, not {scale}.")
    return scale
