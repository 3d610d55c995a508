"""The networks of ``model.matting`` in PyTorch: the authors' parameter names, and the same numbers.

Torch is optional; nothing of the project imports this module but what needs PyTorch: ``model.export.torch_export`` and
tools/starter. All of it can be made TorchScript, which is why numbers are written out or arguments, not constants.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bgmatting.model.refinement import BACKBONE_SCALE, KERNEL_SIZE, Refinement
from bgmatting.utils.errors import UserError

BACKBONES = ("mobilenetv2", "resnet50", "resnet101")
OWN_BUFFERS = (("._mean", ".running_mean"), ("._variance", ".running_var"))  # this project's suffixes, and the authors'

# expansion, output channels, repeats, stride of the first block
MOBILENETV2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
DILATED_FROM = 14   # this block keeps its stride at 1 and those after it dilate by 2, so that the output stride is 16
RESNETS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}  # blocks of each stage

_REFINED = Refinement()


class Coarse(NamedTuple):
    """Output of Base, at the size of its input: pha and err (B, 1) and fgr (B, 3) in 0..1, hid (B, 32) >= 0, and residual
    (B, 3), colour minus src."""
    pha: Tensor
    fgr: Tensor
    err: Tensor
    hid: Tensor
    residual: Tensor


class Refined(NamedTuple):
    """Output of Matting, as ``model.matting.RefineOutput``."""
    pha: Tensor
    fgr: Tensor
    pha_sm: Tensor
    fgr_sm: Tensor
    err_sm: Tensor
    ref_sm: Tensor


def convolution(inputs: int, outputs: int, kernel: int, activation: type[nn.Module], stride: int = 1, dilation: int = 1,
                groups: int = 1) -> list[nn.Module]:
    """Convolution without bias, BatchNorm and ``activation``, as the list of layers of a Sequential."""
    padding = (kernel - 1) // 2 * dilation
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False), nn.BatchNorm2d(outputs),
            activation()]


class InvertedResidual(nn.Module):
    """Expand with 1x1, filter with a depthwise 3x3, project with 1x1; the input is added where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int, dilation: int):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        hidden = inputs * expand
        parts = [nn.Sequential(*convolution(inputs, hidden, 1, nn.ReLU6))] if expand != 1 else []
        parts.append(nn.Sequential(*convolution(hidden, hidden, 3, nn.ReLU6, stride, dilation, hidden)))
        self.conv = nn.Sequential(*parts, nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """Input (B, 6, H, W); output: maps at 1/16 (320), 1/8 (32), 1/4 (24), 1/2 (16) and the input itself."""

    def __init__(self):
        super().__init__()
        self.channels = [320, 32, 24, 16, 6]
        self.shortcuts = [1, 3, 6]  # the last blocks at 1/2, 1/4 and 1/8
        blocks, inputs = [nn.Sequential(*convolution(6, 32, 3, nn.ReLU6, stride=2))], 32
        for expand, outputs, repeats, first in MOBILENETV2:
            for repeat in range(repeats):
                number = len(blocks)
                stride = first if repeat == 0 and number != DILATED_FROM else 1
                blocks.append(InvertedResidual(inputs, outputs, stride, expand, 2 if number > DILATED_FROM else 1))
                inputs = outputs
        self.features = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [x]
        for number, block in enumerate(self.features):
            x = block(x)
            if number in self.shortcuts:
                maps.append(x)
        return [x] + maps[::-1]


class Bottleneck(nn.Module):
    """1x1 reduce, 3x3, 1x1 expand to four times ``width``, plus the input (projected where the shape changes)."""

    def __init__(self, inputs: int, width: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        outputs = width * 4
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    """Input (B, 6, H, W); output: maps at 1/16 (2048), 1/8 (512), 1/4 (256), 1/2 (64) and the input itself."""

    def __init__(self, repeats: tuple[int, int, int, int]):
        super().__init__()
        self.channels = [2048, 512, 256, 64, 6]
        self.conv1 = nn.Conv2d(6, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = stage(64, 64, repeats[0])
        self.layer2 = stage(256, 128, repeats[1], stride=2)
        self.layer3 = stage(512, 256, repeats[2], stride=2)
        self.layer4 = stage(1024, 512, repeats[3], dilation=2)  # its first block does not dilate yet

    def forward(self, x: Tensor) -> list[Tensor]:
        x1 = F.relu(self.bn1(self.conv1(x)))
        x2 = self.layer1(self.maxpool(x1))
        x3 = self.layer2(x2)
        return [self.layer4(self.layer3(x3)), x3, x2, x1, x]


def stage(inputs: int, width: int, repeats: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """The blocks of a ResNet that work at one size."""
    rest = [Bottleneck(width * 4, width, dilation=dilation) for _ in range(repeats - 1)]
    return nn.Sequential(Bottleneck(inputs, width, stride), *rest)


def build_backbone(name: str) -> MobileNetV2 | ResNet:
    """The encoder called ``name``. Raises UserError: it is none of ``BACKBONES``."""
    if name not in BACKBONES:
        raise UserError(f"in PyTorch there are the backbones {', '.join(BACKBONES)}, not {name}.")
    return ResNet(RESNETS[name]) if name in RESNETS else MobileNetV2()


class Pyramid(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, three dilated 3x3, the image's mean; (B, inputs, H, W) to (B, 256, H, W)."""

    def __init__(self, inputs: int):
        super().__init__()
        branches = [convolution(inputs, 256, 1, nn.ReLU)]
        branches += [convolution(inputs, 256, 3, nn.ReLU, dilation=rate) for rate in (3, 6, 9)]
        branches.append([nn.AdaptiveAvgPool2d(1)] + convolution(inputs, 256, 1, nn.ReLU))
        self.convs = nn.ModuleList(nn.Sequential(*layers) for layers in branches)
        self.project = nn.Sequential(*convolution(256 * len(branches), 256, 1, nn.ReLU), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        maps = [branch(x) for branch in self.convs]
        maps[-1] = maps[-1].expand(-1, -1, x.shape[2], x.shape[3])
        return self.project(torch.cat(maps, 1))


class Decoder(nn.Module):
    """``maps`` of an encoder, the first from Pyramid -> (B, 37, H, W) unbounded: alpha, residual (3), error, hidden (32).

    Args:
        shortcuts: channels of the maps at 1/8, 1/4, 1/2 and 1/1.
    """

    def __init__(self, shortcuts: list[int]):
        super().__init__()
        self.conv1 = nn.Conv2d(256 + shortcuts[0], 128, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128 + shortcuts[1], 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64 + shortcuts[2], 48, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(48)
        self.conv4 = nn.Conv2d(48 + shortcuts[3], 37, 3, padding=1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        return self.conv4(self.features(maps))

    def features(self, maps: list[Tensor]) -> Tensor:
        """(B, 54, H, W): what the last convolution sees, ReLU of the third and the input."""
        x = F.relu(self.bn1(self.conv1(joined(maps[0], maps[1]))))
        x = F.relu(self.bn2(self.conv2(joined(x, maps[2]))))
        x = F.relu(self.bn3(self.conv3(joined(x, maps[3]))))
        return joined(x, maps[4])


class Base(nn.Module):
    """The coarse network, as ``model.matting.MattingBase``.

    Input: src, bgr (B, 3, H, W), RGB in 0..1. Output: Coarse.
    """

    def __init__(self, backbone: str = BACKBONES[0]):
        super().__init__()
        self.backbone = build_backbone(backbone)
        self.aspp = Pyramid(self.backbone.channels[0])
        self.decoder = Decoder(self.backbone.channels[1:])

    def forward(self, src: Tensor, bgr: Tensor) -> Coarse:
        return self.coarse(src, bgr)

    def coarse(self, src: Tensor, bgr: Tensor) -> Coarse:
        """``forward`` of the base alone."""
        maps = self.backbone(torch.cat([src, bgr], 1))
        x = self.decoder([self.aspp(maps[0])] + maps[1:])
        residual = x[:, 1:4]
        return Coarse(x[:, :1].clamp(0, 1), (residual + src).clamp(0, 1), x[:, 4:5].clamp(0, 1), F.relu(x[:, 5:]), residual)


class Refiner(nn.Module):
    """Two convolutions at half size, two at full size, as ``model.refiner.Refiner``.

    Input: src, bgr (B, 3, H, W) in 0..1, sides multiples of 4; ``coarse``, of any size; chosen: bool (B, 1, H/4, W/4), the
    patches to refine; everywhere: all of them, by one convolution of the image.
    Output: (B, 4, H, W) alpha and colour residual, unbounded.
    """

    def __init__(self, kernel_size: int = KERNEL_SIZE):
        super().__init__()
        self.reach = kernel_size // 2
        self.conv1 = nn.Conv2d(32 + 4 + 6, 24, kernel_size, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 16, kernel_size, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16 + 6, 12, kernel_size, bias=False)
        self.bn3 = nn.BatchNorm2d(12)
        self.conv4 = nn.Conv2d(12, 4, kernel_size)

    def forward(self, src: Tensor, bgr: Tensor, coarse: Coarse, chosen: Tensor, everywhere: bool) -> Tensor:
        height, width = src.shape[2], src.shape[3]
        images, rough = torch.cat([src, bgr], 1), torch.cat([coarse.pha, coarse.residual], 1)
        half = torch.cat([resized(x, [height // 2, width // 2]) for x in (coarse.hid, rough, images)], 1)
        near, far = 2 * self.reach, 3 * self.reach  # what the convolutions look at beyond a patch at full and at half size
        if everywhere:
            return self.refined(F.pad(half, [far] * 4), F.pad(images, [near] * 4))
        out, index = resized(rough, [height, width]), torch.nonzero(chosen[:, 0])
        if len(index) == 0:
            return out
        patches = self.refined(crop_patches(half, index, 2, far), crop_patches(images, index, 4, near))
        return replace_patches(out, patches, index)

    def refined(self, half: Tensor, images: Tensor) -> Tensor:
        """(P, 4, h, w) from (P, 42) at half size and (P, 6) at full size, which reach beyond it."""
        x = F.relu(self.bn1(self.conv1(half)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), images], 1)
        return self.conv4(F.relu(self.bn3(self.conv3(x))))


class Matting(Base):
    """Base and refiner, as ``model.matting.MattingRefine``; the settings are attributes, as in the authors' TorchScript.

    Args:
        refine_kernel_size: 3 or 1; None: no refiner, what the base finds is enlarged.

    Attributes that may be set at any time: backbone_scale, refine_mode, refine_sample_pixels, refine_threshold, and
    refine_prevent_oversampling; where the last is False, "sampling" refines patches without predicted error, too.

    Input: src, bgr (B, 3, H, W) in 0..1, sides multiples of 4. Output: Refined.

    Raises UserError: the backbone has no PyTorch definition. ValueError, of ``forward``: shapes or the mode do not fit.
    """

    def __init__(self, backbone: str = BACKBONES[0], backbone_scale: float = BACKBONE_SCALE,
                 refine_mode: str = _REFINED.mode, refine_sample_pixels: int = _REFINED.sample_pixels,
                 refine_threshold: float = _REFINED.threshold, refine_kernel_size: int | None = KERNEL_SIZE):
        super().__init__(backbone)
        self.backbone_scale = float(backbone_scale)
        self.refine_mode = refine_mode
        self.refine_sample_pixels = refine_sample_pixels
        self.refine_threshold = float(refine_threshold)
        self.refine_prevent_oversampling = True
        self.refiner = None if refine_kernel_size is None else Refiner(refine_kernel_size)

    def forward(self, src: Tensor, bgr: Tensor) -> Refined:
        if src.shape != bgr.shape or src.shape[2] % 4 != 0 or src.shape[3] % 4 != 0:
            raise ValueError("src and bgr must have one shape, and height and width that are multiples of 4")
        size = [max(1, int(side * self.backbone_scale)) for side in src.shape[2:]]
        return self.refine(src, bgr, self.coarse(resized(src, size), resized(bgr, size)))

    def refine(self, src: Tensor, bgr: Tensor, coarse: Coarse) -> Refined:
        """The second half of ``forward``, where ``coarse`` is known."""
        err = resized(coarse.err, [src.shape[2] // 4, src.shape[3] // 4])
        if self.refiner is None:
            chosen = torch.zeros_like(err)
            out = resized(torch.cat([coarse.pha, coarse.residual], 1), src.shape[2:])
        else:
            chosen = choose_patches(err, self.refine_mode, self.refine_sample_pixels, self.refine_threshold,
                                    self.refine_prevent_oversampling)
            out = self.refiner(src, bgr, coarse, chosen, self.refine_mode == "full")
        return Refined(out[:, :1].clamp(0, 1), (out[:, 1:] + src).clamp(0, 1), coarse.pha, coarse.fgr, coarse.err,
                       chosen.to(src.dtype))


def joined(x: Tensor, shortcut: Tensor) -> Tensor:
    """``x`` at the size of ``shortcut``, and both side by side."""
    return torch.cat([resized(x, shortcut.shape[2:]), shortcut], 1)


def resized(x: Tensor, size: list[int]) -> Tensor:
    """(B, C, H, W) at another (height, width), bilinear without antialiasing."""
    if list(x.shape[2:]) == list(size):
        return x
    return F.interpolate(x, size=list(size), mode="bilinear", align_corners=False)


def choose_patches(err: Tensor, mode: str, sample_pixels: int, threshold: float,
                   prevent_oversampling: bool = True) -> Tensor:
    """Return which patches to refine, by their predicted error (B, 1, H/4, W/4): the rule of ``model.patches``. Returns bool
    of the shape of ``err``. Raises ValueError: there is no such mode."""
    if mode == "full":
        return torch.ones_like(err, dtype=torch.bool)
    if mode == "thresholding":
        return err > threshold
    if mode != "sampling":
        raise ValueError("refine_mode is sampling, thresholding or full")
    flat = err.flatten(1)
    place = flat.topk(min(sample_pixels // 16, flat.shape[1]), 1).indices
    chosen = torch.zeros_like(flat, dtype=torch.bool).scatter_(1, place, torch.ones_like(place, dtype=torch.bool))
    if prevent_oversampling:
        chosen = chosen & (flat > 0)
    return chosen.reshape(err.shape)


def crop_patches(x: Tensor, index: Tensor, size: int, padding: int) -> Tensor:
    """Crop one patch per row of ``index``, as ``model.cropping.crop_patches``: (P, C, size + 2 padding, the same)."""
    x = F.pad(x, [padding] * 4).permute(0, 2, 3, 1)
    reach = torch.arange(size + 2 * padding, device=x.device)
    rows = (index[:, 1] * size)[:, None, None] + reach[:, None]
    columns = (index[:, 2] * size)[:, None, None] + reach
    return x[index[:, 0][:, None, None], rows, columns].permute(0, 3, 1, 2)


def replace_patches(x: Tensor, patches: Tensor, index: Tensor) -> Tensor:
    """A new (B, C, H, W) with the patches (P, C, side, side) put in, as ``model.cropping.replace_patches``."""
    batch, channels, height, width = x.shape
    side = patches.shape[2]
    x = x.reshape(batch, channels, height // side, side, width // side, side).permute(0, 2, 4, 1, 3, 5)
    x = x.index_put([index[:, 0], index[:, 1], index[:, 2]], patches.to(x.dtype))
    return x.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, height, width)


def torch_state(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Float32 tensors under the authors' names, of {name: ndarray} with those names or this project's."""
    state = {}
    for name, value in arrays.items():
        for own, theirs in OWN_BUFFERS:
            name = name[:-len(own)] + theirs if name.endswith(own) else name
        state[name] = torch.from_numpy(np.array(value, np.float32))
    return state


def load_state(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Put ``state`` into ``model``, which may have fewer parameters. Raises ValueError: one that it has is missing, or of
    another shape."""
    try:
        missing = model.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:
        raise ValueError(str(error).splitlines()[-1].strip()) from None
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{len(missing)} arrays are missing, first {missing[0]}")


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """The state of ``model`` as files have it: without BatchNorm's step counters."""
    return {name: value.detach().contiguous() for name, value in model.state_dict().items()
            if not name.endswith("num_batches_tracked")}
