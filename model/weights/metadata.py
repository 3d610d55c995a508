"""Metadata in the header of a weights file, as text: the settings its network is meant for, and where it came from.

    method, backbone                                                                           which network it is
    backbone_scale, refine_mode, refine_sample_pixels, refine_threshold, refine_kernel_size    settings of MattingRefine
    data, iterations, version                                                                  how it came about
"""
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bgmatting.model.refinement import Refinement, check_backbone_scale, check_refinement
from bgmatting.utils.errors import UserError

if TYPE_CHECKING:
    from bgmatting.model.matting import MattingRefine

SETTINGS = {"backbone_scale": float, "refine_mode": str, "refine_sample_pixels": int, "refine_threshold": float,
            "refine_kernel_size": int}
ORIGIN = ("data", "iterations", "version")
VERSION = "1"  # of these keys


def refine_facts(network: MattingRefine) -> dict[str, str]:
    """The settings of a MattingRefine, as the header has them."""
    refinement = network.refiner.refinement._asdict()
    return {"backbone_scale": str(network.backbone_scale), **{f"refine_{key}": str(refinement[key]) for key in refinement},
            "refine_kernel_size": str(2 * network.refiner.reach + 1)}


def origin_facts(data: str | None = None, iterations: int | None = None) -> dict[str, str]:
    """Return how weights came about, as the header has it.

    Args:
        data: name of what they were trained on; iterations: how many updates they have had; None: not known.
    """
    facts = {"data": data, "iterations": iterations, "version": VERSION}
    return {key: str(value) for key, value in facts.items() if value is not None}


def stored_settings(metadata: Mapping[str, str], path: str | os.PathLike) -> dict[str, Any]:
    """The settings among the ``metadata`` of a weights file, those that it names: {key of SETTINGS: value}. Raises
    UserError: one of them cannot be; ``path`` is named."""
    settings = {}
    try:
        for key, kind in SETTINGS.items():
            if key in metadata:
                settings[key] = kind(metadata[key])
        check_backbone_scale(settings.get("backbone_scale", 0.5))
        check_refinement(refinement_of(settings))
    except UserError as error:
        raise UserError(f"the header of {path} cannot be used: {error}") from None
    except ValueError:
        raise UserError(f"the header of {path} cannot be used: {key} is no number, but '{metadata[key]}'.") from None
    return settings


def refinement_of(settings: Mapping[str, Any]) -> Refinement:
    """Of {key of SETTINGS: value}; what it lacks is as usual."""
    return Refinement(**{key: settings[f"refine_{key}"] for key in Refinement._fields if f"refine_{key}" in settings})
