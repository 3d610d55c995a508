"""Refining on a device: ``model.inference.blocks`` and ``BlockGraph`` in Paddle's operations, whole blocks in batches."""
import numpy as np
import paddle
from paddle.nn import functional as F

from bgmatting.model.geometry import BLOCK, PATCH, coarse_side, photo_side, spread_matrix
from bgmatting.model.patches import crop_windows

PER_BLOCK = BLOCK // PATCH


class Refined:
    """What was refined of one photo.

    Attributes:
        patches: (P, 4, 4, 4): alpha and colour residual of each chosen patch, before they are clipped.
        index: int64 (P, 3): image (0), row and column of each, counted in patches.
    """

    def __init__(self, patches, index):
        self.patches, self.index = patches, index


def refine_blocks(refiner, chosen, features, images, most):
    """Refine the patches that ``chosen`` names, at most ``most`` blocks at once.

    Args:
        refiner: a ``Refiner``.
        chosen: (1, 1, H / 4, W / 4), 1 where to refine.
        features: (1, 36, h, w): hidden, alpha, colour residual, at a quarter or half of the photos' size.
        images: (1, 6, H, W): src and bgr, float32, whole numbers in 0..255.

    Returns:
        Refined, or None where nothing is chosen.
    """
    down, across = (-(-side // PER_BLOCK) for side in chosen.shape[2:])
    extra = [down * PER_BLOCK - chosen.shape[2], across * PER_BLOCK - chosen.shape[3]]
    cells = F.pad(chosen, [0, extra[1], 0, extra[0]])
    index = paddle.nonzero(F.max_pool2d(cells, PER_BLOCK, PER_BLOCK).squeeze(1))
    if index.shape[0] == 0:
        return None
    cut = _Windows(refiner.reach, features, images, extra)
    found = [_chosen_patches(_refine(refiner, cut, index[at:at + most]), index[at:at + most], cells)
             for at in range(0, index.shape[0], most)]
    return Refined(*(paddle.concat(parts) for parts in zip(*found)))


class _Windows:
    """Cuts the refiner's inputs for given blocks; ``extra`` rows and columns of patches fill the last blocks."""

    def __init__(self, reach, features, images, extra):
        self.reach, self.size = reach, images.shape[2:]
        self.quarter = features.shape[2] * 4 == self.size[0] and features.shape[3] * 4 == self.size[1]
        edge = 6 * reach
        self._images = F.pad(images, [edge, edge + PATCH * extra[1], edge, edge + PATCH * extra[0]])
        if self.quarter:  # enlarged beyond its border it repeats it, and is then set to 0 there
            edge = 1 + reach
            self._features = F.pad(features, [edge, edge + extra[1], edge, edge + extra[0]], mode="replicate")
            self._spread = paddle.to_tensor(np.ascontiguousarray(spread_matrix(1, reach)), place=features.place)
        else:
            edge = 3 * reach
            self._features = F.pad(features, [edge, edge + 2 * extra[1], edge, edge + 2 * extra[0]])

    def photos(self, index):
        """(N, 6, p, p) in 0..1, p = ``photo_side``."""
        return crop_windows(self._images, index, BLOCK, photo_side(self.reach)) / 255

    def features(self, index):
        """(N, 36, p / 2, p / 2): the features at half of the photo's size, 0 outside the photo."""
        if not self.quarter:
            return crop_windows(self._features, index, BLOCK // 2, photo_side(self.reach) // 2)
        coarse = crop_windows(self._features, index, BLOCK // 4, coarse_side(self.reach, True))
        half = paddle.matmul(paddle.matmul(self._spread, coarse), self._spread, transpose_y=True)
        rows, columns = (self._inside(index[:, axis], side // 2) for axis, side in ((1, self.size[0]), (2, self.size[1])))
        return half * (rows.unsqueeze(2) * columns.unsqueeze(1)).unsqueeze(1)

    def _inside(self, block, length):
        """(N, p / 2): 1 where a half-resolution row of the window lies in the photo."""
        side = photo_side(self.reach) // 2
        place = (block * (BLOCK // 2) - 3 * self.reach).unsqueeze(1) + paddle.arange(side, dtype="int64").unsqueeze(0)
        return paddle.logical_and(place >= 0, place < length).astype("float32")


def _refine(refiner, cut, index):
    """(N, 4, 16, 16)"""
    photos, edge = cut.photos(index), 4 * refiner.reach
    x = paddle.concat([cut.features(index), F.avg_pool2d(photos, 2, 2)], axis=1)
    x = F.interpolate(refiner.half_resolution(x), size=[BLOCK + edge] * 2, mode="nearest")
    middle = photos[:, :, edge:edge + BLOCK + edge, edge:edge + BLOCK + edge]
    return refiner.full_resolution(paddle.concat([x.astype(photos.dtype), middle], axis=1)).astype("float32")


def _chosen_patches(blocks, index, cells):
    """Of refined blocks (N, 4, 16, 16) the patches that ``cells`` chooses, and their places."""
    patches = blocks.reshape([-1, 4, PER_BLOCK, PATCH, PER_BLOCK, PATCH]).transpose([0, 2, 4, 1, 3, 5])
    inside = paddle.arange(PER_BLOCK, dtype="int64")
    rows = (index[:, 1:2] * PER_BLOCK + inside).unsqueeze(2).expand([-1, PER_BLOCK, PER_BLOCK]).reshape([-1])
    columns = (index[:, 2:3] * PER_BLOCK + inside).unsqueeze(1).expand([-1, PER_BLOCK, PER_BLOCK]).reshape([-1])
    wanted = paddle.gather(cells.reshape([-1]), rows * cells.shape[3] + columns)
    keep = paddle.nonzero(wanted).reshape([-1])
    place = paddle.stack([paddle.zeros_like(rows), rows, columns], axis=1)
    return paddle.gather(patches.reshape([-1, 4 * PATCH * PATCH]), keep).reshape([-1, 4, PATCH, PATCH]), \
        paddle.gather(place, keep)
