"""A contact sheet of streamed samples: composite, background, alpha and foreground side by side."""
import cv2
import numpy as np

from dataset.composite import blend
from utils.media import write_image

from .sample import make_sample


def row_of(sample):
    """src | bgr | pha | fgr of one sample, uint8 RGB (H, 4 W, 3)."""
    src = blend(sample.fgr, sample.pha, sample.bgr)
    return np.hstack((src, sample.bgr, cv2.cvtColor(sample.pha, cv2.COLOR_GRAY2RGB), sample.fgr))


def write_sheet(path, seed=0, rows=8, columns=2, size=192, kind=None):
    """Write ``rows`` x ``columns`` samples of ``size`` x ``size`` pixels to ``path``, seeds from ``seed`` on."""
    lines = []
    for row in range(rows):
        seeds = range(seed + row * columns, seed + (row + 1) * columns)
        lines.append(np.hstack([row_of(make_sample(number, size, size, kind)) for number in seeds]))
    write_image(path, np.vstack(lines))
