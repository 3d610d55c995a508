"""Which network a weights file holds, and how it is to be run."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bgmatting.model.methods import METHODS, find_method
from bgmatting.model.methods.method import Method
from bgmatting.model.refinement import NOTHING, Refinement, check_backbone_scale, check_refinement
from bgmatting.model.weights import from_torch_names, read_weights, weights_path
from bgmatting.model.weights.metadata import refinement_of, stored_settings
from bgmatting.utils.errors import UserError, one_line, suggest


class NetworkFile(NamedTuple):
    """A weights file; arrays have Paddle's names, described is what ``Method.recognise`` answers, and the "method"."""

    path: Path
    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]
    method: Method
    described: dict[str, Any]

    def settings(self, given: Mapping[str, Any]) -> tuple[float | None, Refinement | None, list[str]]:
        """How to run it: as ``given``, else as its header says, else as usual.

        Args:
            given: {key of ``model.weights.metadata.SETTINGS``: value}; None is as good as left out.

        Returns:
            (backbone scale, None where nobody says; Refinement, None where the method does not refine; the keys that the
            header decided). Of a base network alone nothing is refined.

        Raises UserError: one of them cannot be, or belongs to another method.
        """
        given = {key: value for key, value in given.items() if value is not None}
        if not self.method.refines:
            for name, value in given.items():
                said = name.replace("refine_sample", "sample").replace("refine_threshold", "threshold").replace("_", " ")
                raise UserError(f"{said} {value} is for the method background, and {self.path} is of {self.method.name}. "
                                "Leave it out.")
            return None, None, []
        if "backbone_scale" in given:
            check_backbone_scale(given["backbone_scale"])
        check_refinement(refinement_of(given))
        stored = {key: value for key, value in stored_settings(self.metadata, self.path).items()
                  if key != "refine_kernel_size"}
        found = {**stored, **given}
        refinement = refinement_of(found)
        if self.described["refine_kernel_size"] is None:
            refinement = NOTHING._replace(threshold=refinement.threshold)
        return found.get("backbone_scale"), refinement, [key for key in stored if key not in given]


def read_network(weights: str | os.PathLike | None) -> NetworkFile:
    """Read a weights file, None for the starter weights. Raises UserError: it cannot be read, or is no method's."""
    path = weights_path(weights)
    arrays, metadata = read_weights(path)
    arrays = from_torch_names(arrays)
    try:
        method, described = method_of(arrays, metadata)
    except ValueError as error:
        raise UserError(f"{path} does not hold a matting network: {error}.") from None
    return NetworkFile(path, arrays, metadata, method, {"method": method.name, **described})


def recognised(weights: str | os.PathLike | None) -> tuple[Method, dict[str, Any]]:
    """(Method, what its ``recognise`` answers) of a weights file; raises as ``read_network``."""
    return read_network(weights)[-2:]


def method_of(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> tuple[Method, dict[str, Any]]:
    """Whose weights these are, and what that method's ``recognise`` answers. Raises ValueError: no method's, or not that of
    the one that the header names.

    Args:
        arrays: as ``model.weights.from_torch_names`` leaves them. metadata: of the header.
    """
    named = metadata.get("method")
    if named is not None and named not in METHODS:
        raise ValueError(f"its header names the method '{named}'.{suggest(named, METHODS)}")
    for name in METHODS if named is None else [named]:
        described = find_method(name).recognise(arrays)
        if described is not None:
            return find_method(name), described
    first = f" (the first is {one_line(next(iter(arrays)))[:80]})" if arrays else ""
    raise ValueError(f"its names are not those of {'a matting network' if named is None else f'the method {named}'}{first}")
