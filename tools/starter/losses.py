"""The losses of ``model.losses`` for PyTorch, and a weight of pixels where these weights were weak."""
from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from bgmatting.model.export.torch_network import Coarse, Refined

HIDDEN = 0.06   # difference of src and bgr, 0..1, below which nothing but the surroundings tells that a subject is there
GAP = 7         # times 4 pixels; a place is a gap if so wide a square around it holds ...
GAP_SHARE = 0.3  # ... this much alpha


class Batch(NamedTuple):
    """float32 in 0..1: src, bgr, fgr (B, 3, H, W) and pha (B, 1, H, W)."""
    src: torch.Tensor
    bgr: torch.Tensor
    fgr: torch.Tensor
    pha: torch.Tensor


def base_loss(out: Coarse, batch: Batch, hidden: float = 1.0, gaps: float = 1.0) -> dict[str, torch.Tensor]:
    """Loss terms of the base network, scalars named as in ``model.losses``; ``hidden``, ``gaps``: see ``weight``."""
    pha = out.pha.float()
    off = (pha - batch.pha).abs()
    seen = (batch.pha > 0).float()
    return {
        "pha_l1": (off * weight(batch, hidden, gaps)).mean(),
        "pha_sobel": F.l1_loss(sobel(pha), sobel(batch.pha)),
        "fgr_l1": (seen * (out.fgr - batch.fgr)).abs().mean(),
        "err_mse": F.mse_loss(out.err.float(), off.detach()),
    }


def refiner_loss(out: Refined, batch: Batch) -> dict[str, torch.Tensor]:
    """Loss terms of the refiner over the refined patches, as ``model.losses.patch_loss``."""
    where = F.interpolate(out.ref_sm, size=batch.pha.shape[2:], mode="nearest")
    seen = where * (batch.pha > 0)
    off = where * (out.pha - batch.pha)
    return {
        "pha_l1": off.abs().sum() / (where.sum() + 1),
        "pha_mse": off.square().sum() / (where.sum() + 1),
        "fgr_l1": (seen * (out.fgr - batch.fgr)).abs().sum() / (3 * seen.sum() + 1),
    }


def weight(batch: Batch, hidden: float, gaps: float) -> torch.Tensor:
    """Return how much each pixel's alpha counts, (B, 1, H, W), 1 and more.

    Holes appear where a solid subject has the scene's colour, and are dear to whoever sees them though they are few
    pixels: there ``hidden`` is added. Open work (nets, twigs) is filled in: ``gaps`` is added where the scene shows
    through a subject.
    """
    apart = (batch.src - batch.bgr).abs().amax(1, keepdim=True)
    solid = (batch.pha > 0.98).float() * torch.exp(-(apart / HIDDEN) ** 2)
    around = F.avg_pool2d(F.avg_pool2d(batch.pha, 4), GAP, 1, GAP // 2, count_include_pad=False)
    around = F.interpolate(around, size=batch.pha.shape[2:], mode="nearest")
    through = (batch.pha < 0.02).float() * (around > GAP_SHARE)
    return 1 + hidden * solid + gaps * through


def sobel(x: torch.Tensor) -> torch.Tensor:
    """Magnitude of the Sobel gradient of (B, 1, H, W), as ``model.losses.sobel``."""
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], dtype=x.dtype, device=x.device) / 8
    kernels = torch.stack([across, across.T])[:, None]
    gradient = F.conv2d(F.pad(x, [1, 1, 1, 1], mode="replicate"), kernels)
    return (gradient.square().sum(1, keepdim=True) + 1e-6).sqrt()
