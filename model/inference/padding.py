"""What the sides of photos, and of what the coarse network sees of them, are padded to."""
import numpy as np

from bgmatting.model.patch_layout import PATCH


def stride_of(backbone: str) -> int:
    """Pixels of its input that one of the encoder's deepest map stands for.

    Where a side is no multiple of it, the decoder's maps come to lie beside the encoder's, and edges with them.
    """
    return 32 if backbone.endswith("os32") else 16


def padded(photo: np.ndarray, multiple: int = PATCH) -> np.ndarray:
    """``photo`` (H, W, C), contiguous, with the last row and column repeated up to multiples of ``multiple``."""
    height, width = photo.shape[:2]
    if height % multiple or width % multiple:
        photo = np.pad(photo, ((0, -height % multiple), (0, -width % multiple), (0, 0)), mode="edge")
    return np.ascontiguousarray(photo)
