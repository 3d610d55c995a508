"""MODNet's and DIM's weights as PaddleSeg's Matting and MODNet's authors publish them."""
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.model.modnet.torch_names import from_authors_names, is_authors_state
from bgmatting.model.weights.files import read_weights
from bgmatting.model.weights.initial import IMAGENET, as_table, by_part
from bgmatting.model.weights.loading import LoadReport, load_state
from bgmatting.model.weights.naming import from_torch_names
from bgmatting.model.weights.places import weights_path
from bgmatting.utils.errors import UserError

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


def start_from_paddleseg(network: Layer, source: str | os.PathLike) -> tuple[list[str], bool]:
    """Load what fits of a weights file into a network with PaddleSeg's names; nothing in the file is run.

    Args:
        source: a file or folder as for ``weights_path``: of this project, PaddleSeg, or MODNet's authors; or of the
            network's backbone alone, as PaddleSeg's classifiers are.

    Returns (lines that say what was taken by part, whether anything is missing). Raises UserError: the file cannot be read,
    or has next to nothing for this network; or ``source`` is "imagenet".
    """
    name = network.backbone_name
    if source == IMAGENET:
        raise UserError(f"there is nowhere to fetch a classifier with a {name} from. Name a file with --pretrain.")
    arrays, own = from_torch_names(read_weights(weights_path(source))[0]), network.state_dict()
    if not any(array in own for array in arrays):
        arrays = {f"backbone.{array}": value for array, value in arrays.items()}
    try:
        report = load_paddleseg_state(network, arrays, partial=True)
        inside = [array for array in own if array.startswith("backbone.")]
        taken = sum(array in report.matched for array in inside)
        if 2 * taken < len(inside):
            raise ValueError(f"of the {len(inside)} arrays of its backbone only {taken} are in it; it is another network's.")
    except ValueError as error:
        raise UserError(f"{source} is no start for a network with a {name}: {error}") from None
    return as_table(by_part(report, [part for part, _ in network.named_children()])), not report.missing
