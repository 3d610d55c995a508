"""A photo without fine detail, so that every codec keeps it, and whether another is it."""
import numpy as np


def smooth(height=48, width=64):
    """uint8 RGB (height, width, 3)."""
    row, column = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(row / 15), 128 + 100 * np.cos(column / 20), 0 * row + 90], -1).astype(np.uint8)


def near(found, expected, most=6):
    """Assert that a picture is another but for what a codec loses."""
    assert found.shape == expected.shape and found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).mean() < most
