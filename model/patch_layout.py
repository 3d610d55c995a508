"""Sizes and channels that the network's graphs and the host's side of the refinement agree on. Needs no paddle."""
import numpy as np

PATCH = 4          # pixels a side, at full resolution
BLOCK = 4 * PATCH  # pixels a side, at full resolution
ALPHA, COLOUR, ERROR, HIDDEN = 0, slice(1, 4), 4, slice(5, 37)  # channels of CoarseGraph's output
CHANNELS = 37
LOWEST = np.array([0] + [-np.inf] * 3 + [0] + [0] * 32, np.float32)      # what the channels are clipped to
HIGHEST = np.array([1] + [np.inf] * 3 + [1] + [np.inf] * 32, np.float32)
ENDLESS = 1 << 30  # pixels; a side whose end is far away


def photo_side(reach: int) -> int:
    """Side of the photos' windows around a block, in pixels; ``reach`` of the refiner is 0 or 1."""
    return BLOCK + 12 * reach


def coarse_side(reach: int, quarter: bool) -> int:
    """Side of the coarse windows around a block; from a quarter of the photo's size, or from half of it."""
    return BLOCK // 4 + 2 * (1 + reach) if quarter else photo_side(reach) // 2


def spread_matrix(block: int, reach: int, count: int = ENDLESS) -> np.ndarray:
    """The matrix that doubles a coarse window along one side, bilinear with the image's border repeated: float32 (p / 2, c).

    Rows for half-resolution pixels outside the photo are 0, which is the refiner's padding.

    Args:
        block: number of the block along this side.
        count: length of this side of the coarse image.
    """
    side, c_side = photo_side(reach) // 2, coarse_side(reach, True)
    matrix = np.zeros((side, c_side), np.float32)
    first, c_first = block * BLOCK // 2 - 3 * reach, block * BLOCK // 4 - 1 - reach
    for row, half in enumerate(range(first, first + side)):
        if 0 <= half < 2 * count:
            low = (half - 1) // 2
            share = 0.25 if half % 2 else 0.75  # of the second
            matrix[row, max(low, 0) - c_first] += 1 - share
            matrix[row, min(low + 1, count - 1) - c_first] += share
    return matrix
