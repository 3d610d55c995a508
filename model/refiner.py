"""The refiner: redo only the patches that are likely wrong, at full resolution (section 4.2 of the paper)."""
from __future__ import annotations

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.cropping import crop_patches, replace_patches
from bgmatting.model.patch_layout import PATCH
from bgmatting.model.patches import choose_patches
from bgmatting.model.refinement import Refinement, check_refinement
from bgmatting.utils.errors import UserError


class Refiner(nn.Layer):
    """Two convolutions at half resolution, two at full resolution, on the chosen 4x4 patches and what surrounds them.

    ``forward`` is also what exported graphs are made of, where sizes are tensors: ``model.inference.engines.graphs``.

    Args:
        refinement: which patches are refined; "full" is for training. kernel_size: 3 or 1.

    Input:
        src, bgr: (B, 3, H, W) in 0..1, H and W multiples of 4.
        pha, fgr, err, hid: the base network's (B, 1 / 3 / 1 / 32, Hc, Wc); fgr is the residual to src.
        refinement: for this call; None: the refiner's own.
        most: how many patches to refine at once; None: all.

    Output:
        pha: (B, 1, H, W), fgr: (B, 3, H, W) as residual, both unbounded.
        ref: (B, 1, H/4, W/4), 1 where a patch was refined.
    """

    def __init__(self, refinement: Refinement, kernel_size: int):
        super().__init__()
        if kernel_size not in (1, 3):
            raise UserError(f"refine kernel size is 1 or 3, not {kernel_size}.")
        self.refinement = check_refinement(refinement)
        self.reach = kernel_size // 2  # how far one convolution looks to each side
        self.conv1 = nn.Conv2D(32 + 4 + 6, 24, kernel_size, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(24)
        self.conv2 = nn.Conv2D(24, 16, kernel_size, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(16)
        self.conv3 = nn.Conv2D(16 + 6, 12, kernel_size, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(12)
        self.conv4 = nn.Conv2D(12, 4, kernel_size)

    def forward(self, src: Tensor, bgr: Tensor, pha: Tensor, fgr: Tensor, err: Tensor, hid: Tensor,
                refinement: Refinement | None = None, most: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        refinement = refinement or self.refinement
        size = size_of(src)
        images, coarse = paddle.concat([src, bgr], axis=1), paddle.concat([pha, fgr], axis=1)
        half = paddle.concat([resize(paddle.concat([hid, coarse], axis=1), size // 2), resize(images, size // 2)], axis=1)
        chosen = choose_patches(resize(err, size // PATCH), refinement)
        ref = chosen.astype(src.dtype)
        if refinement.mode == "full" and most is None:
            out = self._everywhere(half, images)
        else:
            out = self._patches(half, images, resize(coarse, size), ref, most)
        return out[:, :1], out[:, 1:], ref

    def _patches(self, half, images, out, ref, most):
        """``out`` (B, 4, H, W) with the chosen patches refined."""
        index = paddle.nonzero(ref.squeeze(1))
        if not paddle.in_dynamic_mode():
            # Runtimes trip over a batch of none: the first patch always goes through, and is used where it was chosen.
            index = paddle.concat([paddle.zeros([1, 3], "int64"), index])
            refined = replace_patches(out, self._refined(half, images, index), index)
            where = F.interpolate(ref, size=paddle.shape(out)[2:], mode="nearest")
            return out + where * (refined - out)
        if index.shape[0] == 0:
            return out
        parts = paddle.split(index, portions(index.shape[0], most or index.shape[0]))
        return replace_patches(out, paddle.concat([self._refined(half, images, part) for part in parts]), index)

    def _refined(self, half, images, index):
        """(P, 4, 4, 4): 8x8 crops at half resolution end as 4x4, are doubled to full resolution, and end as the patch."""
        x = self.half_resolution(crop_patches(half, index, PATCH // 2, 3 * self.reach))
        x = F.interpolate(x, size=[PATCH + 4 * self.reach] * 2, mode="nearest")
        return self.full_resolution(paddle.concat([x, crop_patches(images, index, PATCH, 2 * self.reach)], axis=1))

    def _everywhere(self, half, images):
        x = self.half_resolution(F.pad(half, [3 * self.reach] * 4))
        x = resize(x, size_of(x) * 2, "nearest")
        return self.full_resolution(paddle.concat([x, F.pad(images, [2 * self.reach] * 4)], axis=1))

    def half_resolution(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)))

    def full_resolution(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn3(self.conv3(x)))
        return self.conv4(x)


def portions(count: int, most: int) -> list[int]:
    """``count`` as a list of as few parts as there may be, none above ``most``."""
    return [min(most, count - start) for start in range(0, count, most)]


def size_of(x: Tensor) -> np.ndarray | Tensor:
    """Height and width of (B, C, H, W), integers (2,): of layers an array, since asking a GPU for them would wait; of a
    graph for any size a tensor."""
    return np.array(x.shape[2:]) if paddle.in_dynamic_mode() else paddle.shape(x)[2:]


def resize(x: Tensor, size: np.ndarray | Tensor | list[int], mode: str = "bilinear") -> Tensor:
    """(B, C, h, w) -> (B, C, *size), without antialiasing, as the network was trained."""
    if isinstance(size, np.ndarray):
        size = size.tolist()
    return F.interpolate(x, size=size, mode=mode, align_corners=False)
