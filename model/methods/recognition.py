"""Recognition of the network that a weights file holds."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bgmatting.model.methods import method_of
from bgmatting.model.methods.method import Method
from bgmatting.model.weights import from_torch_names, read_weights, weights_path
from bgmatting.utils.errors import UserError


class NetworkFile(NamedTuple):
    """Contents of a weights file; arrays have Paddle's names, described is what ``Method.recognise`` answers."""

    path: Path
    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]
    method: Method
    described: dict[str, Any]


def read_network(weights: str | os.PathLike | None) -> NetworkFile:
    """Read a weights file, None for the starter weights.

    Raises:
        UserError: it cannot be read, or is no method's.
    """
    path = weights_path(weights)
    arrays, metadata = read_weights(path)
    arrays = from_torch_names(arrays)
    try:
        return NetworkFile(path, arrays, metadata, *method_of(arrays, metadata))
    except ValueError as error:
        raise UserError(f"{path} does not hold a matting network: {error}.") from None


def recognised(weights: str | os.PathLike | None) -> tuple[Method, dict[str, Any]]:
    """(Method, what its ``recognise`` answers) of a weights file; raises as ``read_network``."""
    return read_network(weights)[-2:]


def refuse_refinement(settings: Mapping[str, Any], method: Method, path: str | os.PathLike) -> None:
    """Raise UserError where one of {name of a setting of MattingRefine: value or None} is given to another ``method``."""
    for name, value in settings.items():
        if value is not None:
            said = name.replace("refine_sample", "sample").replace("refine_threshold", "threshold").replace("_", " ")
            raise UserError(f"{said} {value} is for the method background, and {path} is of {method.name}. Leave it out.")
