"""The whole work on a device: photos go up as bytes, all is done there, and only what is wanted comes back.

Used for photos on a GPU, and for validation while training. On a CPU it gives what ``Matter`` gives with the host's part
in numpy and OpenCV, more slowly; so it is tested where there is no GPU.
"""
import contextlib

import numpy as np
import paddle
from paddle.nn import functional as F

from bgmatting.model.geometry import PATCH
from bgmatting.model.inference.device_blocks import refine_blocks
from bgmatting.model.inference.device_unmix import PIXEL_BYTES, TensorUnmix
from bgmatting.model.inference.engines.base import reason
from bgmatting.model.inference.engines.network import AMP_TYPES, on_device, place_of
from bgmatting.model.inference.matte import BLOCK_BYTES, NOT_FINITE, Matte, checked_size
from bgmatting.model.patches import replace_patches
from bgmatting.utils.errors import UserError

BLOCKS_AT_ONCE = 2048


class DeviceMatting:
    """Mattes photos with a MattingRefine on a device. One call at a time.

    Args:
        network: a MattingRefine in evaluation mode, on ``device``.
        device: "cpu" or "gpu:N".
        precision: "fp32", or on a GPU "fp16" or "bf16".
        most: how many blocks of 16x16 pixels to refine at once; None: what is fastest. The matte does not depend on it.
    """

    def __init__(self, network, device, precision="fp32", most=None):
        self._network, self._device, self._precision = network, device, precision
        self._most = most or BLOCKS_AT_ONCE
        self._unmix = TensorUnmix(place_of(device), most and max(1, most * BLOCK_BYTES // PIXEL_BYTES))

    def __call__(self, src, bgr, scale=None, refinement=None, want=Matte._fields, unmix=False, dtype="float32",
                 unit=PATCH):
        """Matte one photo.

        Args:
            src, bgr: uint8 RGB (H, W, 3).
            scale, refinement: of the network; None: its own.
            want, dtype: as for ``Matter.predict``, which says what comes back. unmix: whether to end with that step.
            unit: what the sides are padded to multiples of.

        Raises:
            UserError: the GPU fails, or its memory does not do; or uint8 is asked for, and numbers are not finite.
        """
        with _told(self._device), on_device(self._device), paddle.no_grad():
            photos = [self._upload(photo) for photo in (src, bgr)]
            made = self.compute(*photos, scale, refinement, want, unmix, dtype, unit)
            return Matte(*(made[name].numpy() if name in want else None for name in Matte._fields))

    def compute(self, src, bgr, scale, refinement, want, unmix, dtype, unit):
        """What happens on the device: uint8 tensors (H, W, 3) -> {name: tensor of ``dtype``} of what is wanted."""
        height, width = src.shape[:2]
        images = _padded(paddle.concat([src, bgr], axis=2), unit)
        size = images.shape[2:]
        with self._mixed():
            coarse, features = self._coarse(images, scale or self._network.backbone_scale)
            chosen, refined = self._refine(coarse, features, images, refinement)
        if dtype == "uint8":  # which cannot say so itself
            _check_finite(coarse, *([] if refined is None else [refined.patches]))
        pha, residual, err = coarse[:, :1], coarse[:, 1:4], coarse[:, 4:5]
        made = {}
        if "pha" in want:
            made["pha"] = _pasted(_resize(pha, size), refined, 0, 1).clip(0, 1)
            if unmix:
                enlarged = refined is not None and 4 * max(residual.shape[2:]) > max(size)  # as the host does
                shown = features[:, 33:36] if enlarged else residual
                made["pha"] = self._unmix(images[:, :3], images[:, 3:], made["pha"], shown)
        if "fgr" in want:
            made["fgr"] = (_pasted(_resize(residual, size), refined, 1, 4) + images[:, :3] / 255).clip(0, 1)
        if "err" in want:
            made["err"] = _resize(err, size)
        if "ref" in want:
            made["ref"] = F.interpolate(chosen, size=size, mode="nearest")
        return {name: _as(image[:, :, :height, :width], name == "fgr", dtype) for name, image in made.items()}

    def _coarse(self, images, scale):
        """(1, 5, h, w) alpha, colour residual and error; and (1, 36, h', w') as ``refine_blocks`` takes it."""
        size = images.shape[2:]
        small = _shrunk(images, [max(1, int(side * scale)) for side in size])
        pha, residual, err, hidden = (x.astype("float32") for x in self._network.coarse(small[:, :3], small[:, 3:]))
        features = paddle.concat([hidden, pha, residual], axis=1)
        if features.shape[2:] != [side // 4 for side in size]:
            features = _resize(features, [side // 2 for side in size])
        return paddle.concat([pha, residual, err], axis=1), features

    def _refine(self, coarse, features, images, refinement):
        """Which patches were chosen, (1, 1, H / 4, W / 4), and what became of them."""
        refiner = self._network.refiner
        refinement = refinement or refiner.refinement
        err = _resize(coarse[:, 4:5], [side // PATCH for side in images.shape[2:]])
        chosen = paddle.ones_like(err) if refinement.mode == "full" else refiner.select(err, refinement)
        return chosen, refine_blocks(refiner, chosen, features, images, self._most)

    def _mixed(self):
        if self._precision == "fp32":
            return contextlib.nullcontext()
        return paddle.amp.auto_cast(dtype=AMP_TYPES[self._precision])

    def _upload(self, photo):
        return paddle.to_tensor(np.ascontiguousarray(photo), place=place_of(self._device))


def run_network(network, src, bgr, device, refinement=None, want=Matte._fields, dtype="float32"):
    """Matte one photo with a MattingRefine that is on ``device``, as it is in evaluation mode.

    Args:
        refinement: None: the network's own.
        src, bgr, want, dtype: as for ``Matter.predict``, which says what comes back and what is raised, too.
    """
    checked_size(src, bgr)
    return DeviceMatting(network, device)(src, bgr, refinement=refinement, want=want, dtype=dtype)


@contextlib.contextmanager
def _told(device):
    """Say in one line what a GPU's driver or its memory does not do."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError, SystemError) as error:
        if device == "cpu":
            raise
        raise UserError(f"{device} failed: {reason(error)}. A smaller --max-memory takes less of its memory; "
                        "--device cpu does without it.") from error


def _padded(images, unit):
    """uint8 (H, W, 6) -> float32 (1, 6, H', W'), sides made multiples of ``unit`` by repeating the last row and column."""
    height, width = images.shape[:2]
    images = images.astype("float32").transpose([2, 0, 1]).unsqueeze(0)
    if height % unit or width % unit:
        images = F.pad(images, [0, -width % unit, 0, -height % unit], mode="replicate")
    return images


def _shrunk(images, size):
    """0..255 at full size -> 0..1 at ``size``, bilinear without antialiasing."""
    for factor in (8, 4, 2):  # every sample lies in the middle of four pixels
        if [factor * side for side in size] == list(images.shape[2:]):
            first = factor // 2 - 1
            rows = images[:, :, first::factor] + images[:, :, first + 1::factor]
            return (rows[:, :, :, first::factor] + rows[:, :, :, first + 1::factor]) * (1 / (4 * 255))
    return F.interpolate(images * (1 / 255), size=size, mode="bilinear", align_corners=False)


def _pasted(image, refined, first, end):
    """The image with the refined patches of these channels in it."""
    if refined is None:
        return image
    return replace_patches(image, refined.patches[:, first:end], refined.index)


def _check_finite(*tensors):
    if not bool(paddle.stack([paddle.isfinite(tensor).all() for tensor in tensors]).all()):
        raise UserError(NOT_FINITE)


def _as(image, colour, dtype):
    """(1, C, H, W) in 0..1 -> (H, W), or (H, W, 3) of a colour, in ``dtype``."""
    image = image[0].transpose([1, 2, 0]) if colour else image[0, 0]
    if dtype == "uint8":
        image = image * 255 + 0.5
    return image.astype(dtype)


def _resize(x, size):
    if x.shape[2:] == list(size):
        return x
    return F.interpolate(x, size=list(size), mode="bilinear", align_corners=False)
