"""The authors' PyTorch names of MODNet with MobileNetV2, as this project and PaddleSeg call them.

PaddleSeg's network has a few layers that the authors' has not; here they receive values with which they change nothing:
scale and bias of the instance normalisations, and the 1x1 convolution that opens MobileNetV2's first block, whose input
lies in 0..6 already. It gives the same alpha; training goes on from there with those layers taking part.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bgmatting.model.modnet.network import MODNet

_REPEATS = (1, 2, 3, 4, 3, 3, 1)  # blocks in each of MobileNetV2's stages; the very first has no 1x1 to expand with
_ENCODER = "backbone.model.features."
_BRANCHES = ("lr_branch.", "hr_branch.", "f_branch.")
_EPSILON = 1e-5  # of batch normalisation


def is_authors_state(arrays: Mapping[str, np.ndarray]) -> bool:
    """Return whether the names of {name: ndarray} are those of MODNet's authors."""
    return any(name.startswith(_ENCODER) for name in arrays) and any(name.startswith(_BRANCHES) for name in arrays)


def from_authors_names(arrays: Mapping[str, np.ndarray], model: MODNet) -> dict[str, np.ndarray]:
    """{the authors' name: ndarray} -> {PaddleSeg's name: ndarray}.

    Args:
        arrays: buffers already called as Paddle's are, see ``model.weights.loading.from_torch_names``.
        model: a MODNet, for the shapes of what the authors' network has not; its blur kernel is kept.

    Returns a complete state, where ``arrays`` was one. Names that the authors' network has not are left as they are.
    """
    renamed = _neutral(model)
    blocks = _encoder_names()
    for name, value in arrays.items():
        if name.startswith("lr_branch.backbone."):  # a second time what lies under "backbone."
            continue
        if name.startswith(_ENCODER):
            layer, suffix = name[len(_ENCODER):].rsplit(".", 1)
            name = f"{blocks[layer]}.{suffix}" if layer in blocks else name
        elif name.startswith(_BRANCHES):
            name = f"head.{name}"
        if ".se_block.fc." in name:  # a fully connected layer there, a 1x1 convolution here
            name, value = name.replace(".se_block.fc.", ".se_block.conv."), np.asarray(value)[..., None, None]
        renamed[name] = value
    return renamed


def _encoder_names():
    """{place of a layer within the authors' ``features``: its name here}."""
    names = {"0.0": "backbone.conv1._conv", "0.1": "backbone.conv1._batch_norm"}
    place = 1
    for number, repeats in enumerate(_REPEATS, 2):
        for repeat in range(repeats):
            block = f"backbone.conv{number}." + (f"conv{number}_{repeat + 1}" if repeat else "_first_block")
            parts = ["_expand_conv", "_bottleneck_conv", "_linear_conv"][place == 1:]
            for step, part in enumerate(parts):  # each is followed by its normalisation, all but the last by an activation
                names[f"{place}.conv.{3 * step}"] = f"{block}.{part}._conv"
                names[f"{place}.conv.{3 * step + 1}"] = f"{block}.{part}._batch_norm"
            place += 1
    names[f"{place}.0"], names[f"{place}.1"] = "backbone.conv9._conv", "backbone.conv9._batch_norm"
    return names


def _neutral(model):
    """Values for the layers that the authors' network has not."""
    values = {}
    for name, value in model.state_dict().items():
        if name.endswith(".inorm.scale"):
            values[name] = np.ones(value.shape, np.float32)
        elif name.endswith(".inorm.bias"):
            values[name] = np.zeros(value.shape, np.float32)
        elif name.startswith("blurer."):
            values[name] = value.numpy()
    first, channels = "backbone.conv2._first_block._expand_conv", 32
    values[f"{first}._conv.weight"] = np.eye(channels, dtype=np.float32)[..., None, None]
    values[f"{first}._batch_norm.weight"] = np.ones(channels, np.float32)
    values[f"{first}._batch_norm.bias"] = np.zeros(channels, np.float32)
    values[f"{first}._batch_norm._mean"] = np.zeros(channels, np.float32)
    values[f"{first}._batch_norm._variance"] = np.full(channels, 1 - _EPSILON, np.float32)
    return values
