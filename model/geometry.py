"""Sizes and channels that the network's graphs and the host's side of the refinement agree on. Needs no paddle."""
import numpy as np

PATCH = 4          # pixels a side, at full resolution
BLOCK = 4 * PATCH  # pixels a side, at full resolution
ALPHA, COLOUR, ERROR, HIDDEN = 0, slice(1, 4), 4, slice(5, 37)  # channels of CoarseGraph's output
CHANNELS = 37
LOWEST = np.array([0] + [-np.inf] * 3 + [0] + [0] * 32, np.float32)      # what the channels are clipped to
HIGHEST = np.array([1] + [np.inf] * 3 + [1] + [np.inf] * 32, np.float32)


def photo_side(reach):
    """Side of the photos' windows around a block, in pixels; ``reach`` of the refiner is 0 or 1."""
    return BLOCK + 12 * reach


def coarse_side(reach, quarter):
    """Side of the coarse windows around a block; from a quarter of the photo's size, or from half of it."""
    return BLOCK // 4 + 2 * (1 + reach) if quarter else photo_side(reach) // 2
