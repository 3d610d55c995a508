"""Draws model/inference/engines/pairs.jpg: ``python -m tools.draw_pairs``.

Eight generated pairs on which int8 is calibrated, src above bgr.
"""
import cv2
import numpy as np

from bgmatting.dataset.composite import blend
from bgmatting.dataset.generate.sample import make_sample
from bgmatting.model.inference.engines.int8 import PAIRS, SIDE

COUNT = 8
QUALITY = 90


def main() -> None:
    samples = [make_sample(seed, SIDE, SIDE) for seed in range(COUNT)]
    sheet = np.hstack([np.vstack([blend(sample.fgr, sample.pha, sample.bgr), sample.bgr]) for sample in samples])
    cv2.imwrite(str(PAIRS), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
