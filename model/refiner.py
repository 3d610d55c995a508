"""The refiner: redo only the patches that are likely wrong, at full resolution (section 4.2 of the paper)."""
import paddle
from paddle import nn
from paddle.nn import functional as F

from bgmatting.model.geometry import PATCH
from bgmatting.model.patches import crop_patches, replace_patches
from bgmatting.model.refinement import Refinement, check_refinement
from bgmatting.utils.errors import UserError


class Refiner(nn.Layer):
    """Two convolutions at half resolution, two at full resolution, on the selected 4x4 patches and what surrounds them.

    Args:
        mode, sample_pixels, threshold: which patches are refined, as ``model.refinement.Refinement`` has it; "full" is for
            training.
        kernel_size: 3 or 1.

    Input:
        src, bgr: (B, 3, H, W) in 0..1, H and W multiples of 4.
        pha, fgr, err, hid: the base network's (B, 1 / 3 / 1 / 32, Hc, Wc); fgr is the residual to src.
        refinement: for this call; None: the refiner's own.

    Output:
        pha: (B, 1, H, W), fgr: (B, 3, H, W) as residual, both unbounded.
        ref: (B, 1, H/4, W/4), 1 where a patch was refined.
    """

    def __init__(self, mode, sample_pixels, threshold, kernel_size):
        super().__init__()
        if kernel_size not in (1, 3):
            raise UserError(f"refine kernel size is 1 or 3, not {kernel_size}.")
        self.refinement = check_refinement(Refinement(mode, sample_pixels, threshold))
        self.reach = kernel_size // 2  # how far one convolution looks to each side
        self.conv1 = nn.Conv2D(32 + 4 + 6, 24, kernel_size, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(24)
        self.conv2 = nn.Conv2D(24, 16, kernel_size, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(16)
        self.conv3 = nn.Conv2D(16 + 6, 12, kernel_size, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(12)
        self.conv4 = nn.Conv2D(12, 4, kernel_size)

    mode = property(lambda self: self.refinement.mode)
    sample_pixels = property(lambda self: self.refinement.sample_pixels)
    threshold = property(lambda self: self.refinement.threshold)

    def forward(self, src, bgr, pha, fgr, err, hid, refinement=None):
        refinement = refinement or self.refinement
        if refinement.mode == "full":
            return self._refine_everywhere(src, bgr, pha, fgr, hid)
        ref = self.select(_resize(err, src.shape[2] // PATCH, src.shape[3] // PATCH), refinement)
        return self._refine_patches(src, bgr, pha, fgr, hid, ref)

    def select(self, err, refinement=None):
        """(B, 1, h, w) predicted error -> the same shape, 1 where to refine. Never where the error is 0."""
        refinement = refinement or self.refinement
        if refinement.mode == "thresholding":
            return (err > refinement.threshold).astype(err.dtype)
        return self.largest(err, refinement.sample_pixels)

    @staticmethod
    def largest(err, sample_pixels):
        """``select`` of the mode "sampling"."""
        batch, _, height, width = err.shape
        flat = err.reshape([batch, -1])
        count = min(sample_pixels // PATCH ** 2, height * width)
        if count == 0:
            return paddle.zeros_like(err)
        _, place = paddle.topk(flat, count, axis=1, sorted=False)
        chosen = paddle.put_along_axis(paddle.zeros_like(flat), place, 1.0, axis=1)
        chosen = chosen * (flat > 0).astype(err.dtype)
        return chosen.reshape([batch, 1, height, width])

    def _refine_patches(self, src, bgr, pha, fgr, hid, ref):
        height, width = src.shape[2:]
        coarse = paddle.concat([pha, fgr], axis=1)
        out = _resize(coarse, height, width)
        index = paddle.nonzero(ref.squeeze(1))
        if index.shape[0] > 0:
            images = paddle.concat([src, bgr], axis=1)
            half = paddle.concat([
                _resize(paddle.concat([hid, coarse], axis=1), height // 2, width // 2),
                _resize(images, height // 2, width // 2)], axis=1)
            # 8x8 half-resolution crops end as 4x4, are doubled to 8x8 full-resolution ones, and end as the 4x4 patch.
            x = self.half_resolution(crop_patches(half, index, PATCH // 2, 3 * self.reach))
            x = _double(x)
            y = crop_patches(images, index, PATCH, 2 * self.reach)
            x = self.full_resolution(paddle.concat([x, y], axis=1))
            out = replace_patches(out, x, index)
        return out[:, :1], out[:, 1:], ref

    def _refine_everywhere(self, src, bgr, pha, fgr, hid):
        batch, _, height, width = src.shape
        images = paddle.concat([src, bgr], axis=1)
        half = paddle.concat([
            _resize(paddle.concat([hid, pha, fgr], axis=1), height // 2, width // 2),
            _resize(images, height // 2, width // 2)], axis=1)
        x = _double(self.half_resolution(_pad(half, 3 * self.reach)))
        x = self.full_resolution(paddle.concat([x, _pad(images, 2 * self.reach)], axis=1))
        ref = paddle.ones([batch, 1, height // PATCH, width // PATCH], dtype=src.dtype)
        return x[:, :1], x[:, 1:], ref

    def half_resolution(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)))

    def full_resolution(self, x):
        x = F.relu(self.bn3(self.conv3(x)))
        return self.conv4(x)


def _resize(x, height, width):
    if x.shape[2] == height and x.shape[3] == width:
        return x
    return F.interpolate(x, size=[height, width], mode="bilinear", align_corners=False)


def _double(x):
    return F.interpolate(x, size=[x.shape[2] * 2, x.shape[3] * 2], mode="nearest")


def _pad(x, padding):
    return F.pad(x, [padding] * 4) if padding else x
