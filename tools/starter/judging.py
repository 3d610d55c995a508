"""Judgement of a state: the project's measures on samples of subjects and scenes that are held out from training."""
from __future__ import annotations

import numpy as np
import torch

from bgmatting.evaluation.metrics import mad, mse, sad
from bgmatting.model.export.torch_network import Base, Matting, load_state
from bgmatting.training.validation import validation_set

HOLE = 5   # difference from solid or empty alpha that counts, of 255


class Judge:
    """Measures a state on the same samples each time: those that train.py validates on with the same stage.

    Args:
        stage: a stage's configuration of "stream".
        whole: whether to judge base and refiner at full size and scale 0.5, instead of the base alone.
    """

    def __init__(self, stage: dict, whole: bool = False):
        self.model, self.items = (Matting(backbone_scale=0.5) if whole else Base()).eval(), validation_set(stage, None)

    def __call__(self, state: dict[str, torch.Tensor]) -> dict[str, float]:
        """Means: SAD and MSE x1000 of the unknown region, MAD x1000 of the whole image, holes and fills (``measures``)."""
        load_state(self.model, state)
        rows = []
        for item in self.items:
            src, bgr = (torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
                        for image in (item.src, item.bgr))
            with torch.no_grad():
                pha = self.model(src, bgr).pha[0, 0].mul(255).round().byte().numpy()
            rows.append(measures(pha, item.pha, item.trimap))
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def measures(pha: np.ndarray, true: np.ndarray, trimap: np.ndarray) -> dict[str, float]:
    """Measures of one matte, all uint8 (H, W).

    Holes: alpha lost inside solid subjects, x1000 of the image; fills: alpha found where there is none.
    """
    off = (pha.astype(np.float32) - true) / 255
    return {
        "sad": sad(pha, true, trimap) or 0.0, "mse": 1000 * (mse(pha, true, trimap) or 0.0), "mad": 1000 * mad(pha, true),
        "holes": 1000 * float((np.maximum(-off, 0) * (true > 255 - HOLE)).mean()),
        "fills": 1000 * float((np.maximum(off, 0) * (true < HOLE)).mean()),
    }
