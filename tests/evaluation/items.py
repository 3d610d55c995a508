"""Benchmark pictures: a soft disc of one colour in front of noise."""
import numpy as np

from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.evaluation.testset.trimap import make_trimap


def item(number, name=None, size=(61, 83)):
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:size[0], :size[1]]
    pha = (np.clip((18 - np.hypot(y - 30, x - 40 - number)) / 5 + 0.5, 0, 1) * 255).astype(np.uint8)
    bgr = rng.integers(0, 90, (*size, 3), dtype=np.uint8)
    fgr = np.full((*size, 3), 220, np.uint8)
    weight = pha[..., None] / 255
    src = (fgr * weight + bgr * (1 - weight)).astype(np.uint8)
    return EvalItem(name or f"item{number}", src, bgr, pha, fgr, make_trimap(pha))
