"""The four alpha errors and the foreground error of matting papers, in the units of their tables.

All of them look only at the unknown region, ``trimap == 128``; where it is empty each gives 0.0. SAD, MSE, Grad and
Conn were proposed by Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (CVPR 2009); the
variants here are those of Xu et al., "Deep Image Matting" (CVPR 2017), which Lin et al. (CVPR 2021) report.
"""
import math

import cv2
import numpy as np

UNKNOWN = 128
GRAD_SIGMA = 1.4
GRAD_EPSILON = 1e-2      # the kernel ends where the Gaussian falls below this
CONN_LEVELS = 10         # thresholds 0.1, 0.2 ... 1.0
CONN_THETA = 0.15        # disconnections smaller than this are not seen


def sad(pred_u8, target_u8, trimap_u8):
    """Sum of absolute differences, in thousands: ``sum |pred - target| / 1000`` with alpha in 0..1.

    Args:
        pred_u8, target_u8: predicted and true alpha, uint8 (H, W), 255 is opaque.
        trimap_u8: uint8 (H, W); only pixels of value 128 count.

    Returns:
        float >= 0.

    Raises:
        ValueError: the arrays differ in shape, are not uint8, or are not (H, W).
    """
    unknown = _checked(pred_u8, target_u8, trimap_u8)
    return float(cv2.absdiff(pred_u8, target_u8)[unknown].sum(dtype=np.int64)) / 255 / 1000


def mse(pred_u8, target_u8, trimap_u8):
    """Mean squared difference ``mean (pred - target)^2`` with alpha in 0..1. Tables show it times 1000; this is plain.

    Arguments, return value and errors as ``sad``. An empty unknown region, whose mean is undefined, gives 0.0.
    """
    unknown = _checked(pred_u8, target_u8, trimap_u8)
    return _mean_square(cv2.absdiff(pred_u8, target_u8)[unknown]) / 255 ** 2


def grad(pred_u8, target_u8, trimap_u8):
    """Gradient error ``sum (|g * pred| - |g * target|)^2``: g is the first derivative of a Gaussian, sigma 1.4.

    Both mattes are stretched to 0..1 by their own minimum and maximum before; the kernel has unit energy
    (``sum g^2 = 1``); beyond the border the outermost pixel repeats.
    Arguments, return value and errors as ``sad``. Tables show it as it is.
    """
    unknown = _checked(pred_u8, target_u8, trimap_u8)
    smooth, slope = _gradient_kernels()
    box, inner = _box_with_margin(unknown, len(smooth) // 2)
    if box is None:
        return 0.0
    difference = cv2.absdiff(_gradient_magnitude(pred_u8, box, smooth, slope),
                             _gradient_magnitude(target_u8, box, smooth, slope))
    return float(np.square(difference[inner][unknown[box][inner]]).sum(dtype=np.float64))


def conn(pred_u8, target_u8, trimap_u8):
    """Connectivity error ``sum |phi(pred) - phi(target)|``: what hangs loose from the body of the subject.

    The body at a threshold t (0.1, 0.2 ... 1) is the largest 4-connected region where both mattes reach t. A pixel's
    level l is the last threshold before it first leaves the body, and
    ``phi(a) = 1 - d * (d >= 0.15)`` with ``d = a - l``. Where no pixel reaches t in both mattes the body is empty.
    Arguments, return value and errors as ``sad``. Tables show it as it is.
    """
    unknown = _checked(pred_u8, target_u8, trimap_u8)
    # Transposed, regions are numbered down the columns, so that of two equally large the leftmost wins, as in Octave.
    pred, target, unknown = (cv2.transpose(array) for array in (pred_u8, target_u8, unknown.view(np.uint8)))
    pixels = np.flatnonzero((pred != target) & (unknown > 0))  # equal alpha has equal phi
    level = _levels(np.minimum(pred, target), pixels) / CONN_LEVELS
    difference = _loose_part(pred.ravel()[pixels], level) - _loose_part(target.ravel()[pixels], level)
    return float(np.abs(difference).sum())


def fg_mse(pred_fgr, true_fgr, true_pha, trimap):
    """Mean squared difference of the foreground colours, both set to black where the true alpha is 0.

    The mean runs over all unknown pixels and the three channels (Lin et al., CVPR 2021). Tables show it times 1000;
    this is plain.

    Args:
        pred_fgr, true_fgr: uint8 RGB (H, W, 3).
        true_pha, trimap: uint8 (H, W).

    Returns:
        float >= 0; 0.0 for an empty unknown region.

    Raises:
        ValueError: the arrays differ in height or width, are not uint8, or have another number of axes.
    """
    _check("pred_fgr", pred_fgr, 3)
    _check("true_fgr", true_fgr, 3)
    unknown = _checked(true_pha, true_pha, trimap)
    if pred_fgr.shape != true_fgr.shape or true_fgr.shape[:2] != true_pha.shape:
        raise ValueError(f"shapes differ: pred_fgr {pred_fgr.shape}, true_fgr {true_fgr.shape}, "
                         f"true_pha {true_pha.shape}")
    difference = cv2.absdiff(pred_fgr, true_fgr)[unknown]
    difference[true_pha[unknown] == 0] = 0
    return _mean_square(difference) / 255 ** 2


def _checked(pred, target, trimap):
    """Check the three arrays; return the unknown region, bool (H, W)."""
    for name, array in (("pred", pred), ("target", target), ("trimap", trimap)):
        _check(name, array, 2)
    if not pred.shape == target.shape == trimap.shape:
        raise ValueError(f"shapes differ: pred {pred.shape}, target {target.shape}, trimap {trimap.shape}")
    return trimap == UNKNOWN


def _check(name, array, axes):
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        raise ValueError(f"{name} must be a uint8 array, got {getattr(array, 'dtype', type(array).__name__)}")
    if array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, got shape {array.shape}")


def _mean_square(difference):
    if difference.size == 0:
        return 0.0
    return float(np.square(difference, dtype=np.uint32).sum(dtype=np.int64)) / difference.size


def _gradient_kernels():
    """The Gaussian and its derivative as two 1-D kernels, whose product has unit energy."""
    reach = math.ceil(GRAD_SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * GRAD_SIGMA * GRAD_EPSILON)))
    x = np.arange(-reach, reach + 1, dtype=np.float64)
    smooth = np.exp(-x ** 2 / (2 * GRAD_SIGMA ** 2))
    slope = x * smooth
    return smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)


def _box_with_margin(mask, margin):
    """The box around ``mask`` with ``margin`` more on each side inside the picture, and the box of the mask in it.

    A filter of that reach, run on the larger box alone, is exact in the inner one: a side without its full margin
    is a side of the picture, where the border rule holds.
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


def _levels(common, pixels):
    """For flat indices ``pixels`` (N,), through how many thresholds in a row each stays in the body, int (N,)."""
    level = np.zeros(len(pixels), np.int64)
    inside = np.arange(len(pixels))
    for step in range(1, CONN_LEVELS + 1):
        # Whole numbers: value / 255 >= step / 10 without the rounding of either fraction.
        reached = (common >= -(-255 * step // CONN_LEVELS)).view(np.uint8)
        inside = inside[_largest_region(reached).ravel()[pixels[inside]]]
        if len(inside) == 0:
            break
        level[inside] = step
    return level


def _largest_region(mask):
    """The largest 4-connected region of ``mask``, bool of the same shape; all False where the mask is empty."""
    count, labels = cv2.connectedComponents(mask, connectivity=4, ltype=cv2.CV_32S)
    if count <= 2:
        return mask > 0
    sizes = np.bincount(labels.ravel(), minlength=count)
    return labels == 1 + int(np.argmax(sizes[1:]))


def _loose_part(pha, level):
    distance = pha / 255.0 - level
    return np.where(distance >= CONN_THETA, distance, 0.0)
