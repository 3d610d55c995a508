"""The paper's losses, and what is added to them where these weights were weak."""
import torch
from torch.nn import functional as F

HIDDEN = 0.06   # difference of src and bgr, 0..1, below which nothing but the surroundings tells that a subject is there
GAP = 7         # times 4 pixels; a place is a gap if so wide a square around it holds ...
GAP_SHARE = 0.3  # ... this much alpha


def base_loss(out, sample, hidden=1.0, gaps=1.0):
    """Loss terms of the base network.

    Args:
        out: ``network.Coarse``.
        sample: src, bgr, fgr (B, 3, H, W), pha (B, 1, H, W), all in 0..1.
        hidden, gaps: see ``weight``.

    Returns:
        {"pha", "sobel", "fgr", "err"}, scalars.
    """
    pha, fgr = out.pha.float(), out.residual.float() + sample.src
    off = (pha - sample.pha).abs()
    seen = (sample.pha > 0).float()
    return {
        "pha": (off * weight(sample, hidden, gaps)).mean(),
        "sobel": F.l1_loss(sobel(pha), sobel(sample.pha)),
        "fgr": (seen * (fgr.clamp(0, 1) - sample.fgr)).abs().mean(),
        "err": F.mse_loss(out.err.float(), off.detach()),
    }


def refiner_loss(out, sample):
    """Loss terms of the refiner over the refined patches; squared error too, as L1 alone hardens soft edges.

    Args:
        out: ``refiner.Refined``.
        sample: as for ``base_loss``.
    """
    where = F.interpolate(out.ref, size=sample.pha.shape[2:], mode="nearest")
    seen = where * (sample.pha > 0)
    off = where * (out.pha - sample.pha)
    return {
        "pha": off.abs().sum() / (where.sum() + 1),
        "mse": off.square().sum() / (where.sum() + 1),
        "fgr": (seen * (out.fgr - sample.fgr)).abs().sum() / (3 * seen.sum() + 1),
    }


def weight(sample, hidden, gaps):
    """How much each pixel's alpha counts, (B, 1, H, W), 1 and more.

    Holes appear where a solid subject has the scene's colour, and are dear to whoever sees them though they are few
    pixels: there ``hidden`` is added. Open work (nets, twigs) is filled in: ``gaps`` is added where the scene shows
    through a subject.
    """
    apart = (sample.src - sample.bgr).abs().amax(1, keepdim=True)
    solid = (sample.pha > 0.98).float() * torch.exp(-(apart / HIDDEN) ** 2)
    around = F.avg_pool2d(F.avg_pool2d(sample.pha, 4), GAP, 1, GAP // 2, count_include_pad=False)
    around = F.interpolate(around, size=sample.pha.shape[2:], mode="nearest")
    through = (sample.pha < 0.02).float() * (around > GAP_SHARE)
    return 1 + hidden * solid + gaps * through


def sobel(x):
    """Magnitude of the Sobel gradient of (B, 1, H, W): kernels divided by 8, borders repeated."""
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], dtype=x.dtype, device=x.device) / 8
    kernels = torch.stack([across, across.T])[:, None]
    gradient = F.conv2d(F.pad(x, [1, 1, 1, 1], mode="replicate"), kernels)
    return (gradient.square().sum(1, keepdim=True) + 1e-6).sqrt()
