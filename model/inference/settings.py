"""Settings that ``Matter`` is opened with, and those it runs with."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from bgmatting.media.alignment.camera_motion import Fitter, fitter
from bgmatting.model.refinement import Refinement
from bgmatting.utils.errors import UserError, suggest

PRECISIONS = ("fp32", "fp16", "bf16", "int8", "auto")


@dataclass(frozen=True)
class Settings:
    """Settings that ``Matter`` is asked for.

    Args:
        weights: a weights file (.safetensors, .pdparams, the authors' .pth), or None for the starter weights.
            Method and backbone are told from the file; names are ours, PaddleSeg's, or the PyTorch names of the authors
            of Background Matting V2 and of MODNet.
        backend: "paddle", "paddle-inference", "onnxruntime", "openvino"; "auto" takes the fastest that is installed and
            passes its self-check.
        device: "cpu", "gpu" or "gpu:N"; None takes a GPU where there is one.
        backbone_scale: size of the coarse network's input relative to the photo, at most 1. None: what the header of
            the weights file says; without that the network looks twice, as ``model.inference.scale.looks`` has it: at the
            photo's own size, or at about 2 megapixels of a larger one, and at half of that. For frames that should not
            take long, give 0.5 or 0.25.
        refine_mode: "sampling", "thresholding" or "full"; None: as the header says, else "sampling".
        sample_pixels: how many pixels "sampling" refines; None: as the header says, else 80,000.
        threshold: predicted error above which "thresholding" refines; None: as the header says, else 0.1.
        precision: "fp32"; "bf16", "fp16" and "int8", which is of the coarse network alone, are faster where a backend and
            the device compute in them, and differ a little; "auto": in OpenVINO bf16 or int8 where this CPU is faster in it,
            else fp32.
        threads: of a CPU backend; None: its own choice.
        max_memory: MiB that refining may take at once, beyond the photos and mattes themselves; None: what is fastest.
            The result does not depend on it.
        unmix: end with ``model.inference.unmix``, which draws fine strands; False gives the network's answer as it is.
        tf32: let a GPU round the factors of float32 products to 10 bits, which is faster; False: it does not. It holds for
            the process from the first work on a GPU on, and gives way to $NVIDIA_TF32_OVERRIDE where that is set.
        on_device: run the network as a whole in Paddle on the device, as is done on a GPU; None: on a GPU.
        bits: 8 or 16: how many a channel will have of what is made of the mattes. For 8 they come back as uint8, for 16 as
            float16 where the work is done on the device, which is faster; elsewhere, and for None, as float32.
        fill: with ``unmix``, also fill the holes that the photos say are none (``model.inference.holes``); predict.py does
            so for photos, not for videos and cameras.
        align: "auto" or "homography": bgr is registered to src first, as predict.py does; "off": it is taken as it is.
        exposure: "auto": bgr is exposed like src first; "off": never. What both found odd is warned of (RuntimeWarning).

    All but the first three, ``precision``, ``threads``, ``tf32`` and ``bits`` are of the method background.

    Raises:
        UserError: ``precision``, ``bits``, ``align`` or ``exposure`` is not one of these.
    """

    weights: str | os.PathLike | None = None
    backend: str = "auto"
    device: str | None = None
    backbone_scale: float | None = None
    refine_mode: str | None = None
    sample_pixels: int | None = None
    threshold: float | None = None
    precision: str = "fp32"
    threads: int | None = None
    max_memory: float | None = None
    unmix: bool = True
    tf32: bool = False
    on_device: bool | None = None
    bits: int | None = None
    fill: bool = True
    align: str = "off"
    exposure: str = "off"

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise UserError(f"unknown precision '{self.precision}'.{suggest(self.precision, PRECISIONS)}")
        if self.bits not in (None, 8, 16):
            raise UserError(f"bits are 8 or 16, not {self.bits}.")
        self.fitter()

    def fitter(self) -> Fitter | None:
        """The function that fits bgr to src, (src, bgr) -> (bgr, notes); None where that is off."""
        return None if self.align == self.exposure == "off" else fitter(self.align, self.exposure)


@dataclass(frozen=True, eq=False)
class Chosen(Mapping):
    """Settings that a ``Matter`` runs with; also a mapping from names to values, without those that are None.

    Attributes:
        weights: path of the file. sha256: of it. method: name of the method; the rest is called as in ``Settings``.
        told_by_weights: names of the settings that the header of the weights file decided.
        asked: names of the settings that the caller decided; no item of the mapping.
        tf32: whether a GPU rounds; None on a CPU.
    """

    weights: str
    sha256: str
    backend: str
    device: str
    method: str
    backbone: str
    precision: str
    backbone_scale: float | str | None = None
    refine_mode: str | None = None
    sample_pixels: int | None = None
    threshold: float | None = None
    told_by_weights: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    unmix: bool = False
    fill: bool = False
    tf32: bool | None = None

    @property
    def refinement(self) -> Refinement:
        """Which patches are refined; of the method background."""
        return Refinement(self.refine_mode, self.sample_pixels, self.threshold)

    def __getitem__(self, name: str) -> Any:
        if name not in set(self):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self) if field.name != "asked" and getattr(self, field.name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
