"""The errors of one prediction under a protocol. Imports neither a network nor a data set: worker processes run it."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bgmatting.evaluation.metrics import (
    conn,
    dtssd,
    fg_mse,
    fg_mse_inside,
    grad,
    mad,
    messddt,
    mse,
    mse_paddle2021,
    sad,
    sad_paddle2021,
)
from bgmatting.evaluation.protocols import Protocol
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.utils.errors import UserError

ALPHA = {
    "unknown": {"sad": sad, "mse": mse, "grad": grad, "conn": conn},
    "paddle2021": {"sad": sad_paddle2021, "mse": mse_paddle2021},
    "paddleseg": {"sad": sad, "mse": mse},
    "whole": {"mad": mad, "mse": mse, "grad": grad, "conn": conn},
}


def score(protocol: Protocol, item: EvalItem, pha: np.ndarray, fgr: np.ndarray | None = None,
          before: tuple[np.ndarray, np.ndarray] | None = None) -> dict:
    """The errors of one prediction, in plain units (``protocol.columns`` says how tables show them).

    Args:
        item: ``evaluation.testset.composed.EvalItem``; its src and bgr are not looked at.
        pha: predicted alpha, uint8 (H, W); where ``protocol.rounded`` is not set, float (H, W) in 0..1 as well.
        fgr: predicted foreground, uint8 RGB (H, W, 3), or None.
        before: None, or (predicted alpha, true alpha) of the frame before this one in the same clip, uint8 (H, W).
    Returns {"name": str, metric: float or None ...}, metrics in the order of ``protocol.columns``; None where the
    foreground is not known, where nothing counts (no pixel of the trimap is unknown, or the image is smaller than
    what the protocol cuts to a multiple of), or, for MESSDdt, where there is no
    frame before.
    Raises ValueError: the prediction is not uint8 or of another size than the item.
    """
    def cut(image):
        return None if image is None else _cut(image, protocol.cell)

    pred, true, trimap = cut(pha), cut(item.pha), cut(item.trimap)
    if not true.size:
        return {"name": item.name, **dict.fromkeys(protocol.columns)}
    row = {"name": item.name, **{word: error(pred, true, trimap) for word, error in ALPHA[protocol.family].items()}}
    if "fg_mse" in protocol.columns:
        row["fg_mse"] = _colour_error(protocol.family, cut(fgr), cut(item.fgr), true, trimap)
    if "dtssd" in protocol.columns:
        row.update(_errors_over_time(pred, true, *(cut(image) for image in before or (None, None))))
    return row


def _colour_error(family, fgr, true_fgr, true_pha, trimap):
    if fgr is None or true_fgr is None:
        return None
    return fg_mse_inside(fgr, true_fgr, true_pha) if family == "whole" else fg_mse(fgr, true_fgr, true_pha, trimap)


def _errors_over_time(pred, true, pred_before, true_before):
    if pred_before is None or true_before.shape != true.shape:
        return {"dtssd": 0.0, "messddt": None}  # Robust Video Matting's evaluation counts a clip's first frame as 0
    frames = pred, pred_before, true, true_before
    return {"dtssd": dtssd(*frames), "messddt": messddt(*frames)}


def _cut(image, cell):
    height, width = (side // cell * cell for side in image.shape[:2])
    return np.ascontiguousarray(image[:height, :width])


class Result(NamedTuple):
    """Scores of one method: a row per image, their mean, and what the method was run with."""
    rows: list
    mean: dict
    settings: Any = None


def mean_of(rows: list[dict]) -> dict[str, float | None]:
    """{metric: mean over ``rows``}; None where no row has a value.

    Raises UserError: there are no rows.
    """
    if not rows:
        raise UserError("nothing was evaluated: the benchmark is empty.")
    mean = {}
    for metric in rows[0]:
        if metric == "name":
            continue
        values = [row[metric] for row in rows if row[metric] is not None]
        mean[metric] = sum(values) / len(values) if values else None
    return mean
