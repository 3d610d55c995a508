"""Training losses of the paper (section 4.3) as dictionaries of named terms; the caller weighs and adds them."""
import paddle
from paddle import Tensor
from paddle.nn import functional as F

from bgmatting.model.matting import BaseOutput, RefineOutput


def base_loss(pred: BaseOutput, true_pha: Tensor, true_fgr: Tensor, detach_error: bool = True) -> dict[str, Tensor]:
    """Loss terms of the base network.

    Args:
        pred: MattingBase's output.
        true_pha: (B, 1, H, W), true_fgr: (B, 3, H, W), both in 0..1.
        detach_error: whether the error target |pha - true| is kept from teaching alpha (see ``_error_term``).

    Returns:
        {"pha_l1", "pha_sobel", "fgr_l1", "err_mse"}, scalar tensors.
    """
    return {
        "pha_l1": F.l1_loss(pred.pha, true_pha),
        "pha_sobel": F.l1_loss(sobel(pred.pha), sobel(true_pha)),
        "fgr_l1": _foreground_term(pred.fgr, true_fgr, true_pha),
        "err_mse": _error_term(pred.err, pred.pha, true_pha, detach_error),
    }


def refine_loss(pred: RefineOutput, true_pha: Tensor, true_fgr: Tensor, detach_error: bool = True) -> dict[str, Tensor]:
    """Loss terms of the whole network: alpha and foreground at full and at coarse size, the error at full size.

    Args:
        pred: MattingRefine's output; the rest as for ``base_loss``.

    Returns:
        {"pha_l1", "pha_sm_l1", "pha_sobel", "pha_sm_sobel", "fgr_l1", "fgr_sm_l1", "err_mse"}, scalar tensors.
    """
    size_sm, size = pred.pha_sm.shape[2:], true_pha.shape[2:]
    true_pha_sm, true_fgr_sm = _resize(true_pha, size_sm), _resize(true_fgr, size_sm)
    return {
        "pha_l1": F.l1_loss(pred.pha, true_pha),
        "pha_sm_l1": F.l1_loss(pred.pha_sm, true_pha_sm),
        "pha_sobel": F.l1_loss(sobel(pred.pha), sobel(true_pha)),
        "pha_sm_sobel": F.l1_loss(sobel(pred.pha_sm), sobel(true_pha_sm)),
        "fgr_l1": _foreground_term(pred.fgr, true_fgr, true_pha),
        "fgr_sm_l1": _foreground_term(pred.fgr_sm, true_fgr_sm, true_pha_sm),
        "err_mse": _error_term(_resize(pred.err_sm, size), _resize(pred.pha_sm, size), true_pha, detach_error),
    }


def patch_loss(pred: RefineOutput, true_pha: Tensor, true_fgr: Tensor) -> dict[str, Tensor]:
    """Loss terms of the refiner where it has refined, and nowhere else: L1 alone lets soft edges become hard ones.

    Args:
        pred: MattingRefine's output in a mode that refines patches; the rest as for ``base_loss``.

    Returns {"pha_l1", "pha_mse", "fgr_l1"}, scalar tensors, means over the refined pixels.
    """
    where = F.interpolate(pred.ref_sm, size=true_pha.shape[2:], mode="nearest")
    seen = where * (true_pha != 0).astype(where.dtype)
    off = where * (pred.pha - true_pha)
    return {
        "pha_l1": off.abs().sum() / (where.sum() + 1),
        "pha_mse": off.square().sum() / (where.sum() + 1),
        "fgr_l1": (seen * (pred.fgr - true_fgr)).abs().sum() / (3 * seen.sum() + 1),
    }


def sobel(x: Tensor) -> Tensor:
    """Magnitude of the Sobel gradient of (B, 1, H, W): kernels divided by 8, borders repeated, sqrt(gx^2 + gy^2 + 1e-6)."""
    across = paddle.to_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], dtype=x.dtype) / 8
    kernels = paddle.stack([across, across.t()]).unsqueeze(1)
    gradient = F.conv2d(F.pad(x, [1, 1, 1, 1], mode="replicate"), kernels)
    return (gradient.square().sum(axis=1, keepdim=True) + 1e-6).sqrt()


def _foreground_term(fgr, true_fgr, true_pha):
    """L1 where there is a foreground at all; elsewhere its colour has no meaning."""
    mask = (true_pha != 0).astype(fgr.dtype)
    return F.l1_loss(fgr * mask, true_fgr * mask)


def _error_term(err, pha, true_pha, detach):
    """MSE between the predicted and the actual error of alpha.

    The authors' base trainer cuts the gradient at the target, their joint trainer lets it through, which teaches
    alpha to be as wrong as predicted. Both are offered; cutting is the default.
    """
    target = ((pha.detach() if detach else pha) - true_pha).abs()
    return F.mse_loss(err, target)


def _resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
