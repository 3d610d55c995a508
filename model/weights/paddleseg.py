"""MODNet's and DIM's weights as PaddleSeg's Matting and MODNet's authors publish them."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.model.modnet.torch_names import from_authors_names, is_authors_state
from bgmatting.model.weights.loading import LoadReport, load_state
from bgmatting.model.weights.naming import from_torch_names

if TYPE_CHECKING:
    from paddle.nn import Layer


def load_paddleseg_state(model: Layer, arrays: Mapping[str, np.ndarray], partial: bool = False) -> LoadReport:
    """Load {name: ndarray} into a MODNet or DIM.

    Args:
        arrays: names of PaddleSeg, which are this project's own ("modnet-mobilenetv2", "modnet-resnet50_vd",
            "modnet-hrnet_w18", "dim-vgg16"); or, for MODNet("mobilenetv2"), the authors' PyTorch names, see
            ``model.modnet.torch_names``.
        partial: take what fits by name and shape and leave the rest as it is; at least one array must fit.

    Returns:
        LoadReport(matched, missing, unexpected), lists of names.

    Raises:
        ValueError: a name of the network is missing or has another shape (without ``partial``), or nothing fits.

    Example:
        arrays, _ = read_weights("modnet-mobilenetv2.pdparams")
        load_paddleseg_state(MODNet("mobilenetv2"), arrays)
    """
    arrays = from_torch_names(arrays)
    if is_authors_state(arrays):
        arrays = from_authors_names(arrays, model)
    return load_state(model, arrays, partial)
