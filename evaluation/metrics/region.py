"""Where an error is counted, and the checks of what every metric is given."""
from __future__ import annotations

import numpy as np

from bgmatting.evaluation.testset.trimap import UNKNOWN


def unknown_region(trimap: np.ndarray | None, *mattes: tuple[str, np.ndarray]) -> np.ndarray:
    """Check alpha mattes and a trimap; return where errors count.

    Args:
        trimap: uint8 (H, W), or None for the whole image.
        mattes: (name, array) of each matte, uint8 (H, W).
    Returns bool (H, W).
    Raises ValueError: an array is not uint8 (H, W), or they differ in shape.
    """
    arrays = list(mattes) if trimap is None else [*mattes, ("trimap", trimap)]
    for name, array in arrays:
        check_array(name, array, 2)
    if len({array.shape for _, array in arrays}) > 1:
        raise ValueError("shapes differ: " + ", ".join(f"{name} {array.shape}" for name, array in arrays))
    return np.ones(arrays[0][1].shape, bool) if trimap is None else trimap == UNKNOWN


def check_array(name: str, array: object, axes: int) -> None:
    """Raise ValueError unless ``array`` is a uint8 array with so many axes."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        raise ValueError(f"{name} must be a uint8 array, got {getattr(array, 'dtype', type(array).__name__)}")
    if array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, got shape {array.shape}")


def mean_square(difference: np.ndarray) -> float | None:
    """Mean square of differences of uint8 values, any shape, with values in 0..1; None where there are none."""
    return square_sum(difference) / difference.size / 255 ** 2 if difference.size else None


def square_sum(difference: np.ndarray) -> float:
    """Sum of the squares of whole numbers below 2^15 in size, as an exact float."""
    return float(np.square(difference, dtype=np.int32).sum(dtype=np.int64))
