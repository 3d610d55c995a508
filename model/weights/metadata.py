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
    """The settings among the ``metadata`` of a weights file, those that it names: {key of SETTINGS: value}.

    Raises:
        UserError: one of them cannot be; ``path`` is named.
    """
    settings = {}
    try:
        for key, kind in SETTINGS.items():
            if key in metadata:
                settings[key] = kind(metadata[key])
        check_backbone_scale(settings.get("backbone_scale", 0.5))
        check_refinement(_refinement(settings))
    except UserError as error:
        raise UserError(f"the header of {path} cannot be used: {error}") from None
    except ValueError:
        raise UserError(f"the header of {path} cannot be used: {key} is no number, but '{metadata[key]}'.") from None
    return settings


def settings_of(given: Mapping[str, Any], metadata: Mapping[str, str],
                path: str | os.PathLike) -> tuple[float | None, Refinement, list[str]]:
    """The settings to run a weights file with: what is ``given``, else what its header says, else what is usual.

    Args:
        given: {key of SETTINGS: value}; None is as good as left out.
        metadata: of the file at ``path``.

    Returns:
        (backbone scale, None where nobody says; Refinement; the keys of SETTINGS that the header decided)

    Raises:
        UserError: one of them cannot be.
    """
    given = {key: value for key, value in given.items() if value is not None}
    if "backbone_scale" in given:
        check_backbone_scale(given["backbone_scale"])
    check_refinement(_refinement(given))
    stored = {key: value for key, value in stored_settings(metadata, path).items() if key != "refine_kernel_size"}
    found = {**stored, **given}
    return found.get("backbone_scale"), _refinement(found), [key for key in stored if key not in given]


def _refinement(settings):
    return Refinement(**{key: settings[f"refine_{key}"] for key in Refinement._fields if f"refine_{key}" in settings})
