"""The whole network as one static graph for any size, without ``Refiner``'s branches, which no graph can take."""
import paddle
from paddle import nn
from paddle.nn import functional as F

from model.geometry import PATCH
from model.patches import crop_patches, replace_patches


class WholeGraph(nn.Layer):
    """What ``MattingRefine.forward`` computes.

    Input: src, bgr (B, 3, H, W) in 0..1, H and W multiples of 4.
    Output: pha (B, 1, H, W), fgr (B, 3, H, W), and as they are made err (B, 1, h, w) and ref (B, 1, H/4, W/4).
    """

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.refiner = network.refiner

    def forward(self, src, bgr):
        size = paddle.shape(src)[2:]
        size_sm = (size.astype("float64") * self.network.backbone_scale).astype("int32")
        src_sm, bgr_sm = _resize(src, size_sm), _resize(bgr, size_sm)
        pha_sm, fgr_sm, err, hid = self.network.coarse(src_sm, bgr_sm)
        images, coarse = paddle.concat([src, bgr], axis=1), paddle.concat([pha_sm, fgr_sm], axis=1)
        half = paddle.concat([_resize(paddle.concat([hid, coarse], axis=1), size // 2), _resize(images, size // 2)], axis=1)
        if self.refiner.mode == "full":
            out = self._everywhere(half, images)
            ref = paddle.ones_like(F.avg_pool2d(src[:, :1], PATCH, PATCH))
        else:
            ref = self._select(_resize(err, size // PATCH))
            out = self._patches(half, images, _resize(coarse, size), ref)
        return out[:, :1].clip(0, 1), (out[:, 1:] + src).clip(0, 1), err, ref

    def _select(self, err):
        """As ``Refiner.select``."""
        if self.refiner.mode == "thresholding":
            return (err > self.refiner.threshold).astype("float32")
        if self.refiner.sample_pixels < PATCH ** 2:
            return paddle.zeros_like(err)
        flat = err.flatten(1)
        wanted = paddle.full([1], self.refiner.sample_pixels // PATCH ** 2, "int32")
        count = paddle.minimum(wanted, paddle.shape(flat)[1:].astype("int32"))
        _, place = paddle.topk(flat, count, axis=1)
        chosen = paddle.put_along_axis(paddle.zeros_like(flat), place, paddle.ones_like(place).astype("float32"), axis=1)
        return (chosen * (flat > 0).astype("float32")).reshape(paddle.shape(err))

    def _patches(self, half, images, out, ref):
        """``out`` (B, 4, H, W) with the chosen patches refined."""
        reach = self.refiner.reach
        # Runtimes trip over a batch of none: the first patch always goes through, and is used where it was chosen.
        index = paddle.concat([paddle.zeros([1, 3], "int64"), paddle.nonzero(ref.squeeze(1))])
        x = self.refiner.half_resolution(crop_patches(half, index, PATCH // 2, 3 * reach))
        x = F.interpolate(x, size=[PATCH + 4 * reach] * 2, mode="nearest")
        x = paddle.concat([x, crop_patches(images, index, PATCH, 2 * reach)], axis=1)
        refined = replace_patches(out, self.refiner.full_resolution(x), index)
        where = F.interpolate(ref, size=paddle.shape(out)[2:], mode="nearest")
        return out + where * (refined - out)

    def _everywhere(self, half, images):
        """As ``Refiner`` in mode "full"."""
        reach = self.refiner.reach
        x = self.refiner.half_resolution(F.pad(half, [3 * reach] * 4))
        x = F.interpolate(x, size=paddle.shape(x)[2:] * 2, mode="nearest")
        return self.refiner.full_resolution(paddle.concat([x, F.pad(images, [2 * reach] * 4)], axis=1))


def _resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
