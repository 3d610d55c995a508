"""What the sides of photos are padded to."""
import numpy as np

from bgmatting.model.patch_layout import PATCH


def padded(photo: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) with the last row and column repeated up to multiples of ``PATCH``."""
    height, width = photo.shape[:2]
    if height % PATCH or width % PATCH:
        photo = np.pad(photo, ((0, -height % PATCH), (0, -width % PATCH), (0, 0)), mode="edge")
    return np.ascontiguousarray(photo)
