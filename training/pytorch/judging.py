"""A small validation set of held-out subjects before held-out photographs, and what is measured on it."""
import cv2
import numpy as np
import torch

from bgmatting.training.pytorch import store
from bgmatting.training.pytorch.network import Base
from bgmatting.training.pytorch.refiner import Matting
from bgmatting.training.pytorch.samples import Stream, as_batch

SEED = 777
SIZES = ((384, 384), (576, 448), (544, 960))   # of the coarse network's input, or half of what the refiner sees
EACH = 6                                       # samples of each size and kind
HOLE = 0.02   # difference from solid alpha that counts as a hole


class Judge:
    """Measures a state on the same samples each time.

    Args:
        settings: ``rendered`` and ``photos``: folders, which should not grow; the samples hang on what is in them.
        whole: judge base and refiner at full size and scale 0.5, instead of the base alone.
    """

    def __init__(self, settings, whole=False):
        stream = Stream(SEED, settings["rendered"], settings["photos"], valid=True)
        factor = 2 if whole else 1
        self.model = (Matting if whole else Base)().eval()
        self.items = [(kind, [stream[1000 * number + at, height * factor, width * factor, kind == "rendered"]])
                      for kind in ("rendered", "painted") for at, (height, width) in enumerate(SIZES)
                      for number in range(EACH)]

    def __call__(self, state):
        """{kind_measure: mean}: SAD and MSE x1000 of the unknown region, MAD x1000 of the whole picture, holes and fills.

        Holes: alpha lost inside solid subjects, x1000 of the picture; fills: alpha found where there is none.
        """
        store.load(self.model, state)
        found = {}
        for kind, tensors in self.items:
            batch = as_batch([torch.stack(parts) for parts in zip(*tensors)])
            with torch.no_grad():
                pha = self.model(batch.src, batch.bgr).pha[0, 0].numpy()
            for name, value in measures(pha, batch.pha[0, 0].numpy()).items():
                found.setdefault(f"{kind}_{name}", []).append(value)
        return {name: float(np.mean(values)) for name, values in found.items()}


def measures(pha, true):
    """Measures of one matte; both float32 (H, W) in 0..1."""
    off, unknown = pha - true, unknown_region(true)
    return {
        "sad": np.abs(off[unknown]).sum() / 1000,
        "mse": 1000 * np.square(off[unknown]).mean() if unknown.any() else 0.0,
        "mad": 1000 * np.abs(off).mean(),
        "holes": 1000 * (np.maximum(-off, 0) * (true > 1 - HOLE)).mean(),
        "fills": 1000 * (np.maximum(off, 0) * (true < HOLE)).mean(),
    }


def unknown_region(true):
    """Where alpha is soft, and ten pixels around, as the paper's trimap: bool (H, W)."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    seen = cv2.dilate((true >= 0.06).astype(np.uint8), disc, iterations=10)
    solid = cv2.erode((true > 0.96).astype(np.uint8), disc, iterations=10)
    return (seen > 0) & (solid == 0)
