"""DIM's training losses (section 4.2 and 4.3 of the paper, as PaddleSeg computes them) as a dictionary of named terms."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddle import Tensor

    from bgmatting.model.dim.network import DimOutput

# What PaddleSeg multiplies the terms with; it trains both stages at once.
WEIGHTS = {"alpha_raw": 0.5, "comp": 0.5, "alpha_pred": 1}
_SMALL = 1e-6


def dim_loss(pred: DimOutput, img: Tensor, true_pha: Tensor, unknown: Tensor, true_fgr: Tensor,
             true_bgr: Tensor) -> dict[str, Tensor]:
    """Loss terms of DIM, means over the unknown pixels; the caller weighs (``WEIGHTS``) and adds them.

    Args:
        pred: DIM's output with ``both_stages``.
        img: (B, 3, H, W), its input; true_fgr, true_bgr: (B, 3, H, W), what it was composed of, in the same range.
        true_pha: (B, 1, H, W) in 0..1.
        unknown: (B, 1, H, W), 1 where the trimap is neither foreground nor background, else 0.

    Returns:
        {"alpha_raw": alpha of the decoder, "comp": the photo composed with it, "alpha_pred": alpha of the whole network},
        scalar tensors. PaddleSeg's departures from the paper are kept; they stand in docs/reference/other_methods.md.
    """
    mask = unknown.astype(true_pha.dtype)
    composed = pred.pha_raw * true_fgr + (1 - pred.pha_raw) * true_bgr
    return {
        "alpha_raw": _soft_l1(pred.pha_raw, true_pha, mask),
        "comp": _soft_l1(composed, img, mask),
        "alpha_pred": _soft_l1(pred.pha, true_pha, mask),
    }


def _soft_l1(x, true, mask):
    """Sum of sqrt(difference^2 + 1e-6) where ``mask`` is 1, divided by the number of its pixels."""
    return (((x - true).square() + _SMALL).sqrt() * mask).sum() / (mask.sum() + _SMALL)
