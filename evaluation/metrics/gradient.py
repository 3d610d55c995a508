"""The gradient error: whether the edges of the matte are as steep, and where, as they should be."""
from __future__ import annotations

import math

import cv2
import numpy as np

from bgmatting.evaluation.metrics.region import unknown_region

SIGMA = 1.4
EPSILON = 1e-2      # the kernel ends where the Gaussian falls below this


def grad(pred_u8: np.ndarray, target_u8: np.ndarray, trimap_u8: np.ndarray | None = None) -> float | None:
    """Gradient error ``sum (|g * pred| - |g * target|)^2``: g is the first derivative of a Gaussian, sigma 1.4.

    Both mattes are stretched to 0..1 by their own minimum and maximum before; the kernel has unit energy
    (``sum g^2 = 1``); beyond the border the outermost pixel repeats.
    Arguments, return value and errors as ``evaluation.metrics.sad``. Tables show it as it is.
    """
    unknown = unknown_region(trimap_u8, ("pred", pred_u8), ("target", target_u8))
    smooth, slope = _gradient_kernels()
    box, inner = _box_with_margin(unknown, len(smooth) // 2)
    if box is None:
        return None
    difference = cv2.absdiff(_gradient_magnitude(pred_u8, box, smooth, slope),
                             _gradient_magnitude(target_u8, box, smooth, slope))
    return float(np.square(difference[inner][unknown[box][inner]]).sum(dtype=np.float64))


def _gradient_kernels():
    """The Gaussian and its derivative as two 1-D kernels, whose product has unit energy."""
    reach = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * EPSILON)))
    x = np.arange(-reach, reach + 1, dtype=np.float64)
    smooth = np.exp(-x ** 2 / (2 * SIGMA ** 2))
    slope = x * smooth
    return smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)


def _box_with_margin(mask, margin):
    """The box around ``mask`` with ``margin`` more on each side inside the image, and the box of the mask in it.

    A filter of that reach, run on the larger box alone, is exact in the inner one: a side without its full margin
    is a side of the image, where the border rule holds.
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return None, None
    start_y, start_x = max(top - margin, 0), max(left - margin, 0)
    box = np.s_[start_y:top + height + margin, start_x:left + width + margin]
    inner = np.s_[top - start_y:top - start_y + height, left - start_x:left - start_x + width]
    return box, inner


def _gradient_magnitude(pha, box, smooth, slope):
    low, high = int(pha.min()), int(pha.max())
    # The scale is applied to the kernel; the offset needs no care, since the derivative of a constant is zero.
    slope = slope / max(high - low, 1)
    image = pha[box].astype(np.float32) - low
    along_x = cv2.sepFilter2D(image, cv2.CV_32F, slope, smooth, borderType=cv2.BORDER_REPLICATE)
    along_y = cv2.sepFilter2D(image, cv2.CV_32F, smooth, slope, borderType=cv2.BORDER_REPLICATE)
    return np.sqrt(along_x * along_x + along_y * along_y)  # cv2.magnitude differs in the last bit from call to call
