"""Cropping square patches out of a batch of images with ``paddle.gather``, and putting them back with ``paddle.scatter``."""
import paddle
from paddle import Tensor
from paddle.nn import functional as F


def crop_patches(x: Tensor, index: Tensor, size: int, padding: int) -> Tensor:
    """Crop one patch per row of ``index``.

    Args:
        x: images (B, C, H, W).
        index: int64 (P, 3): image, row and column of each patch, counted in patches.
        size: side of a patch and distance between neighbours, in pixels.
        padding: how far a crop reaches beyond its patch on every side; zeros outside the image.

    Returns (P, C, size + 2 * padding, size + 2 * padding).
    """
    return crop_windows(F.pad(x, [padding] * 4) if padding else x, index, size, size + 2 * padding)


def crop_windows(x: Tensor, index: Tensor, step: int, side: int) -> Tensor:
    """Crop windows (P, C, side, side) of images (B, C, H, W), each beginning ``step`` pixels a row and column of ``index``.

    None of them may reach beyond its image.
    """
    _, channels, height, width = x.shape
    corner = (index[:, 0] * height + index[:, 1] * step) * width + index[:, 2] * step
    reach = paddle.arange(side, dtype="int64")
    inside = (reach.unsqueeze(1) * width + reach.unsqueeze(0)).reshape([1, -1])
    pixel = (corner.unsqueeze(1) + inside).reshape([-1])
    # One row per pixel, so that the gather moves all its channels at once.
    rows = x.transpose([0, 2, 3, 1]).reshape([-1, channels])
    patches = paddle.gather(rows, pixel)
    return patches.reshape([-1, side, side, channels]).transpose([0, 3, 1, 2])


def replace_patches(x: Tensor, patches: Tensor, index: Tensor) -> Tensor:
    """Return ``x`` with the patches put in; the rest stays.

    Args:
        x: images (B, C, H, W), H and W multiples of the patches' side.
        patches: (P, C, side, side).
        index: int64 (P, 3), image, row and column of each patch; no place twice.
    """
    batch, channels, height, width = x.shape
    side = patches.shape[2]
    down, across = height // side, width // side
    cells = x.reshape([batch, channels, down, side, across, side]).transpose([0, 2, 4, 1, 3, 5])
    cells = cells.reshape([-1, channels * side * side])
    place = (index[:, 0] * down + index[:, 1]) * across + index[:, 2]
    cells = paddle.scatter(cells, place, patches.reshape([-1, channels * side * side]))
    cells = cells.reshape([batch, down, across, channels, side, side]).transpose([0, 3, 1, 4, 2, 5])
    return cells.reshape([batch, channels, height, width])
