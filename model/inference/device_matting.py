"""The whole network on a device: photos go up as bytes, and only what is wanted comes back.

Used for photos on a GPU, and for validation while training. On a CPU it gives what ``Matter`` gives with the two graphs and
the blocks between them, more slowly; so it is tested where there is no GPU.
"""
from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

import numpy as np
import paddle
from paddle import Tensor
from paddle.nn import functional as F

from bgmatting.model.inference.engines.base import reason
from bgmatting.model.inference.engines.device import AMP_TYPES, on_device, place_of
from bgmatting.model.inference.matte import NOT_FINITE, Matte, as_dtype, checked_size
from bgmatting.model.inference.padding import padded, stride_of
from bgmatting.model.inference.scale import coarse_size, looks, weighed
from bgmatting.model.inference.unmix import unmix
from bgmatting.model.matting import MattingRefine
from bgmatting.model.refinement import Refinement
from bgmatting.model.refiner import resize
from bgmatting.utils.errors import UserError

PATCHES = 8  # that may be refined at once in place of one block of 16x16 pixels


class DeviceMatting:
    """Mattes photos with a MattingRefine on a device. One call at a time.

    Args:
        network: a MattingRefine in evaluation mode, on ``device``.
        device: "cpu" or "gpu:N".
        precision: "fp32", or on a GPU "fp16" or "bf16".
        most: how much to refine at once, in blocks of 16x16 pixels; None: all. The matte does not depend on it.
    """

    def __init__(self, network: MattingRefine, device: str, precision: str = "fp32", most: int | None = None):
        self._network, self._device, self._precision = network, device, precision
        self._most = most and most * PATCHES

    def __call__(self, src: np.ndarray, bgr: np.ndarray, scale: float | str | None = None,
                 refinement: Refinement | None = None, want: Collection[str] = Matte._fields, unmixes: bool = False,
                 dtype: str = "float32") -> Matte:
        """Matte one photo.

        Args:
            src, bgr: uint8 RGB (H, W, 3).
            scale, refinement: of the network; None: its own. "auto": ``looks``.
            want, dtype: as for ``Matter.predict``, which says what comes back. unmixes: whether to end with ``unmix``.

        Raises UserError: the GPU fails, or its memory does not do; or uint8 is asked for, and numbers are not finite.
        """
        height, width = src.shape[:2]
        src, bgr = padded(src), padded(bgr)
        unmixes = unmixes and "pha" in want
        names = {*want, "residual", "doubt"} if unmixes else set(want)
        with _reported(self._device), on_device(self._device), paddle.no_grad():
            photos = [paddle.to_tensor(photo, place=place_of(self._device)) for photo in (src, bgr)]
            made = self.compute(*photos, scale, refinement, names, dtype)
            made = {name: tensor.numpy() for name, tensor in made.items()}
        if unmixes:
            made["pha"] = as_dtype(unmix(src, bgr, made["pha"], made["residual"], made["doubt"]), dtype)
        return Matte(*(made[name][:height, :width] if name in want else None for name in Matte._fields))

    def compute(self, src: Tensor, bgr: Tensor, scale: float | str | None, refinement: Refinement | None,
                want: Collection[str], dtype: str) -> dict[str, Tensor]:
        """The work on the device: uint8 tensors (H, W, 3) -> {name: tensor} of what is wanted, in ``dtype``; with
        "residual" and "doubt", the coarse foreground less src (h, w, 3) and expected error (h, w), as ``unmix`` takes them,
        these and pha are float32."""
        network, size = self._network, list(src.shape[:2])
        src, bgr = (photo.astype("float32").transpose([2, 0, 1]).unsqueeze(0) / 255 for photo in (src, bgr))
        scales = looks(size, scale or network.backbone_scale)
        size_sm = list(coarse_size(size, scales[0]))
        with self._mixed():
            coarse = self._look(src, bgr, size_sm)
            for other in scales[1:]:
                coarse = _seen_twice(coarse, self._look(src, bgr, list(coarse_size(size, other)), mirrored=True))
            pha, residual, ref = network.refiner(src, bgr, *coarse, refinement=refinement, most=self._most)
        if dtype == "uint8" and not bool(paddle.isfinite(pha).all() and paddle.isfinite(residual).all()):
            raise UserError(NOT_FINITE)

        def shown():
            enlarged = 4 * max(size_sm) > max(size) and bool(ref.any())  # as the refiner has it
            return resize(coarse[1], [side // 2 for side in size]) if enlarged else coarse[1]
        made = {"residual": shown, "doubt": lambda: coarse[2],
                "pha": lambda: pha.clip(0, 1), "fgr": lambda: (residual + src).clip(0, 1),
                "err": lambda: resize(coarse[2], size),
                "ref": lambda: F.interpolate(ref.astype("float32"), size=size, mode="nearest")}
        exact = ("residual", "doubt", "pha") if "residual" in want else ()
        return {name: _as(made[name](), "float32" if name in exact else dtype) for name in want}

    def _look(self, src, bgr, size, mirrored=False):
        """(alpha, residual, error, hidden) of the coarse network at a size."""
        (height, width), stride = size, stride_of(self._network.backbone_name)
        beside = [0, -width % stride, 0, -height % stride]

        def turned(x):
            return x.flip(3) if mirrored else x
        small = (F.pad(turned(resize(x, size)), beside, mode="replicate") for x in (src, bgr))
        return [turned(x[:, :, :height, :width]).astype("float32") for x in self._network.coarse(*small)]

    def _mixed(self):
        if self._precision == "fp32":
            return contextlib.nullcontext()
        return paddle.amp.auto_cast(dtype=AMP_TYPES[self._precision])


def run_network(network: MattingRefine, src: np.ndarray, bgr: np.ndarray, device: str, refinement: Refinement | None = None,
                want: Collection[str] = Matte._fields, dtype: str = "float32") -> Matte:
    """Matte one photo with a MattingRefine that is on ``device``, as it is in evaluation mode.

    Args:
        refinement: None: the network's own.
        src, bgr, want, dtype: as for ``Matter.predict``, which says what comes back and what is raised, too.
    """
    checked_size(src, bgr)
    return DeviceMatting(network, device)(src, bgr, refinement=refinement, want=want, dtype=dtype)


@contextlib.contextmanager
def _reported(device: str) -> Iterator[None]:
    """Say in one line what a GPU's driver or its memory does not do."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError, SystemError) as error:
        if device == "cpu":
            raise
        raise UserError(f"{device} failed: {reason(error)}. A smaller --max-memory takes less of its memory; "
                        "--device cpu does without it.") from error


def _seen_twice(coarse, other):
    """What a look at a photo found, with what a smaller one did: alpha, colour and error are of both."""
    other = [resize(x, coarse[0].shape[2:]) for x in other[:3]]
    (pha, residual, err, hid), (_, _, other_err) = coarse, other
    pha, residual = (weighed(ours, theirs, err, other_err) for ours, theirs in zip((pha, residual), other))
    return [pha, residual, paddle.minimum(err, other_err), hid]


def _as(image, dtype):
    """(1, C, H, W) in 0..1 -> (H, W), or (H, W, 3) of a colour, in ``dtype``."""
    image = image[0].transpose([1, 2, 0]) if image.shape[1] == 3 else image[0, 0]
    if dtype == "uint8":
        image = image * 255 + 0.5
    return image.astype(dtype)
