"""Putting arrays into a network, by name."""
from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bgmatting.model.weights.files import read_weights
from bgmatting.model.weights.naming import from_torch_names
from bgmatting.model.weights.places import weights_path
from bgmatting.utils.errors import UserError

if TYPE_CHECKING:
    from paddle.nn import Layer

LoadReport = namedtuple("LoadReport", "matched missing unexpected")


def load_weights(model: Layer, path: str | os.PathLike, partial: bool = False) -> LoadReport:
    """Load a weights file (.safetensors, .pdparams, .pth) into ``model``. Never runs code from the file.

    Args:
        partial: take what fits by name and shape and leave the rest as it is, for starting one network from another
            (the base from base and refiner, or the other way round). At least one array must fit.

    Returns:
        LoadReport(matched, missing, unexpected), lists of names.

    Raises:
        UserError: the file cannot be read, or (without ``partial``) belongs to another network.
    """
    path = weights_path(path)
    arrays, _ = read_weights(path)
    try:
        return load_torch_state(model, arrays, partial)
    except ValueError as error:
        raise UserError(f"{path} does not fit {type(model).__name__}: {error}") from None


def load_torch_state(model: Layer, arrays: Mapping[str, np.ndarray], partial: bool = False) -> LoadReport:
    """Load {name: ndarray} with the names and layouts of the authors' PyTorch state dict (or Paddle's own names).

    Raises:
        ValueError: a name of the network is missing or has another shape (without ``partial``), or nothing fits.
    """
    return load_state(model, from_torch_names(arrays), partial)


def load_state(model: Layer, arrays: Mapping[str, np.ndarray], partial: bool = False) -> LoadReport:
    """Load {name: ndarray} with this network's own names; returns and raises as ``load_torch_state``."""
    own = model.state_dict()
    for name in own:
        if name in arrays and arrays[name].dtype.kind != "f" and own[name].is_floating_point():
            raise ValueError(f"{name} holds {arrays[name].dtype}, and weights are floats")
    fits = {name for name, value in own.items() if name in arrays and list(arrays[name].shape) == list(value.shape)}
    report = LoadReport(sorted(fits), sorted(set(own) - fits), sorted(set(arrays) - fits))
    if not fits:
        raise ValueError("no name and shape in it is this network's; is it another network's file?")
    if report.missing and not partial:
        raise ValueError(f"{len(report.missing)} of {len(own)} arrays are missing or of another shape, "
                         f"first {report.missing[0]}; is it another backbone's file?")
    for name in fits:
        own[name].set_value(np.ascontiguousarray(arrays[name]).astype(str(own[name].dtype).split(".")[-1]))
    return report


def describe_state(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Tell from names and shapes which network a state dict belongs to. Returns {"backbone": str, "refine_kernel_size": 1 or
    3, or None for a base network}. Raises ValueError: it is none of this project's networks."""
    first, refiner = arrays.get("backbone.features.0.0.weight"), arrays.get("refiner.conv1.weight")
    if any(kernel is not None and kernel.ndim != 4 for kernel in (first, refiner)):
        raise ValueError("its kernels are not those of a matting network")
    if first is not None:
        if first.shape[0] != 16:
            backbone = "mobilenetv2"
        else:  # MobileNetV3-Large has 15 blocks, Small 11; this is the convolution that closes Small
            backbone = _small_backbone(arrays) if "backbone.features.12.0.weight" in arrays else "mobilenetv3"
    elif "backbone.layer1.0.conv1.weight" in arrays:
        backbone = "resnet101" if "backbone.layer3.22.conv1.weight" in arrays else "resnet50"
    else:
        raise ValueError("its names are not those of a matting network")
    if refiner is not None and refiner.shape[2] not in (1, 3):
        raise ValueError(f"its refiner has kernels of {refiner.shape[2]}, not 1 or 3")
    return {"backbone": backbone, "refine_kernel_size": None if refiner is None else int(refiner.shape[2])}


def _small_backbone(arrays):
    """Which MobileNetV3-Small: the decoder joins 256 channels with 24 of the dilated one, or 40 of the other."""
    joined = arrays.get("decoder.conv1.weight")
    return "mobilenetv3_small_os32" if joined is not None and joined.shape[1:2] == (296,) else "mobilenetv3_small"
