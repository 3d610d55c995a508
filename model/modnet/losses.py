"""MODNet's training losses (section 3 of the paper, as PaddleSeg computes them) as a dictionary of named terms."""
import paddle
from paddle import Tensor
from paddle.nn import Layer
from paddle.nn import functional as F

from bgmatting.model.backbones.paddleseg.layers import resize_like
from bgmatting.model.modnet.network import ModnetOutput

_EDGES = 4  # how much more a wrong pixel costs near an edge


def modnet_loss(pred: ModnetOutput, img: Tensor, true_pha: Tensor, unknown: Tensor, blur: Layer) -> dict[str, Tensor]:
    """Loss terms of MODNet; the caller weighs (``model.modnet.WEIGHTS``) and adds them.

    Args:
        pred: MODNet's output with ``every_branch``.
        img: (B, 3, H, W), its input.
        true_pha: (B, 1, H, W) in 0..1.
        unknown: (B, 1, H, W), 1 where the trimap is neither foreground nor background, else 0.
        blur: the network's ``blurer``.

    Returns:
        {"semantic", "detail", "fusion_l1", "fusion_comp", "fusion_con_sem"}, scalar tensors. The semantic branch against
        alpha made small and blurred (MSE); the detail branch where unknown, a mean over those pixels (L1); alpha everywhere
        and where unknown (L1), the same for photo times alpha; and alpha made small against the semantic branch (MSE).

    PaddleSeg's departures from the paper are kept; they stand in docs/reference/other_methods.md.
    """
    edges = unknown.astype(true_pha.dtype)
    true_semantic = blur(resize_like(true_pha, pred.semantic))
    at_edges = paddle.where(edges > 0, pred.pha, true_pha)
    detail = F.l1_loss(pred.detail * edges, true_pha * edges) / (edges.mean() + 1e-6)
    return {
        "semantic": F.mse_loss(pred.semantic, true_semantic),
        "detail": detail,
        "fusion_l1": F.l1_loss(pred.pha, true_pha) + _EDGES * F.l1_loss(at_edges, true_pha),
        "fusion_comp": F.l1_loss(pred.pha * img, true_pha * img) + _EDGES * F.l1_loss(at_edges * img, true_pha * img),
        "fusion_con_sem": _consistency(pred, edges, blur),
    }


def _consistency(pred, edges, blur):
    """MSE between alpha made small and the semantic branch, away from edges; 0 near them, where the two may differ."""
    near = resize_like(edges, pred.semantic, mode="nearest") > 0
    small = blur(resize_like(pred.pha, pred.semantic))
    return F.mse_loss(paddle.where(near, pred.semantic.detach(), small), pred.semantic)
