"""The two networks of "Real-Time High-Resolution Background Matting" (Lin et al., CVPR 2021, arXiv 2012.07810)."""
from __future__ import annotations

from collections import namedtuple

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bgmatting.model.aspp import ASPP
from bgmatting.model.backbones import build_backbone
from bgmatting.model.decoder import Decoder
from bgmatting.model.refinement import BACKBONE_SCALE, KERNEL_SIZE, Refinement, check_backbone_scale
from bgmatting.model.refiner import Refiner, resize, size_of

_REFINED = Refinement()

BaseOutput = namedtuple("BaseOutput", "pha fgr err hid")
RefineOutput = namedtuple("RefineOutput", "pha fgr pha_sm fgr_sm err_sm ref_sm")


class MattingBase(nn.Layer):
    """The coarse network: encoder, ASPP, decoder; everything at the size of its input.

    Args:
        backbone: "mobilenetv2", "mobilenetv3", "mobilenetv3_small", "mobilenetv3_small_os32", "resnet50" or "resnet101".

    Input:
        src, bgr: (B, 3, H, W) float, RGB in 0..1: the photo with the subject and the photo of the empty scene.

    Output, a named tuple:
        pha: (B, 1, H, W) alpha in 0..1.
        fgr: (B, 3, H, W) foreground colour in 0..1.
        err: (B, 1, H, W) how wrong pha is expected to be, 0..1.
        hid: (B, 32, H, W) hidden features for the refiner, >= 0.

    Example:
        base = MattingBase("mobilenetv2")
        pha, fgr, err, hid = base(src, bgr)
    """

    def __init__(self, backbone: str):
        super().__init__()
        self.backbone_name = backbone
        self.backbone = build_backbone(backbone, in_channels=6)
        deepest, *shortcuts = self.backbone.channels
        self.aspp = ASPP(deepest)
        self.decoder = Decoder([256, 128, 64, 48, 1 + 3 + 1 + 32], shortcuts)

    def forward(self, src: Tensor, bgr: Tensor) -> BaseOutput:
        pha, residual, err, hid = self.coarse(src, bgr)
        return BaseOutput(pha, (residual + src).clip(0, 1), err, hid)

    def coarse(self, src: Tensor, bgr: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x4, *shortcuts = self.backbone(paddle.concat([src, bgr], axis=1))
        x = self.decoder(self.aspp(x4), *shortcuts)
        return x[:, 0:1].clip(0, 1), x[:, 1:4], x[:, 4:5].clip(0, 1), F.relu(x[:, 5:])


class MattingRefine(MattingBase):
    """The whole network: the base at a fraction of the size, the refiner at full size.

    Args:
        backbone: as for MattingBase.
        backbone_scale: size of the base network's input relative to the photo, at most 1.
        refine_mode, refine_sample_pixels, refine_threshold, refine_kernel_size: see Refiner.

    Input:
        src, bgr: (B, 3, H, W) float, RGB in 0..1, H and W multiples of 4.
        backbone_scale: another scale for this call; None: the network's own.
        refinement: another ``model.refinement.Refinement`` for this call; None: the network's own.

    Output, a named tuple:
        pha: (B, 1, H, W) alpha, fgr: (B, 3, H, W) foreground colour; both in 0..1 at full size.
        pha_sm, fgr_sm, err_sm: what the base network found, (B, 1 / 3 / 1, H * scale, W * scale).
        ref_sm: (B, 1, H/4, W/4), 1 where a 4x4 patch was refined.

    Raises:
        UserError: backbone_scale above 1, or an argument its part does not know.
        ValueError: src and bgr differ in shape, or a side is not a multiple of 4.

    Example:
        refine = MattingRefine("resnet50", refine_mode="sampling", refine_sample_pixels=80_000)
        pha, fgr, *_ = refine(src, bgr)
    """

    def __init__(self, backbone: str, backbone_scale: float = BACKBONE_SCALE, refine_mode: str = _REFINED.mode,
                 refine_sample_pixels: int = _REFINED.sample_pixels, refine_threshold: float = _REFINED.threshold,
                 refine_kernel_size: int = KERNEL_SIZE):
        super().__init__(backbone)
        self.backbone_scale = check_backbone_scale(backbone_scale)
        self.refiner = Refiner(Refinement(refine_mode, refine_sample_pixels, refine_threshold), refine_kernel_size)

    def forward(self, src: Tensor, bgr: Tensor, backbone_scale: float | None = None,
                refinement: Refinement | None = None) -> RefineOutput:
        if paddle.in_dynamic_mode():  # a graph for any size has no sizes to check yet
            _check(src, bgr)
        size = (size_of(src).astype("float64") * (backbone_scale or self.backbone_scale)).astype("int32").clip(1)
        src_sm, bgr_sm = resize(src, size), resize(bgr, size)
        pha_sm, residual_sm, err_sm, hid = self.coarse(src_sm, bgr_sm)
        pha, residual, ref_sm = self.refiner(src, bgr, pha_sm, residual_sm, err_sm, hid, refinement)
        return RefineOutput(pha.clip(0, 1), (residual + src).clip(0, 1),
                            pha_sm, (residual_sm + src_sm).clip(0, 1), err_sm, ref_sm)


def _check(src, bgr):
    if list(src.shape) != list(bgr.shape):
        raise ValueError(f"src and bgr must have one shape, not {list(src.shape)} and {list(bgr.shape)}")
    height, width = src.shape[2:]
    if height % 4 or width % 4:
        raise ValueError(f"height and width must be multiples of 4, not {height} and {width}")
