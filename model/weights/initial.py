"""Initial weights of a training: arrays of other files and projects, put where they fit in our networks."""
from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.model.weights.files import read_weights
from bgmatting.model.weights.loading import LoadReport, load_state
from bgmatting.model.weights.naming import PARTS, backbone_kind, from_torch_names, our_names, part_of, without_biases
from bgmatting.model.weights.paddleseg import load_paddleseg_state
from bgmatting.model.weights.places import weights_path
from bgmatting.utils.errors import UserError

if TYPE_CHECKING:
    from paddle.nn import Layer

IMAGENET = "imagenet"
_FACTORIES = {"mobilenetv2": "mobilenet_v2", "mobilenetv3": "mobilenet_v3_large", "mobilenetv3_small": "mobilenet_v3_small",
              "mobilenetv3_small_os32": "mobilenet_v3_small",
              "resnet50": "resnet50", "resnet101": "resnet101"}  # in paddle.vision.models

# How many arrays of a part of the network were taken, were not in the file, and of the file were not used.
PartReport = namedtuple("PartReport", "part taken missing unused")


def start_from(network: Layer, source: str | os.PathLike) -> list[PartReport]:
    """Load what fits of a weights file into ``network``, a MattingBase or MattingRefine; nothing in the file is run.

    Args:
        source: a file or folder as for ``weights_path``, of this project, the authors, or one of ``model.weights.naming``;
            or "imagenet": the backbone that ``paddle.vision`` fetches.

    Returns list of PartReport, for each of ``PARTS`` that the network has, and "other". Raises UserError: the file cannot be
    read, is of another backbone, or has nothing for this network; or there is no network to fetch over.
    """
    arrays = imagenet_arrays(network.backbone_name) if source == IMAGENET else read_weights(weights_path(source))[0]
    try:
        return take_matching(network, arrays)
    except ValueError as error:
        raise UserError(f"{source} is no start for a network with a {network.backbone_name}: {error}") from None


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


def take_matching(network: Layer, arrays: Mapping[str, np.ndarray]) -> list[PartReport]:
    """Load what fits by name and shape of {name: ndarray} into ``network``; returns as ``start_from``.

    The first convolution of a network for photos has 3 input channels, ours 6 (src and bgr). It is of another shape and
    so keeps its fresh values, as in the authors' training (their ``load_matched_state_dict``).

    Raises ValueError: the arrays are of another backbone, or none fits.
    """
    arrays = our_names(arrays)
    kind = backbone_kind(arrays)
    if kind not in (None, network.backbone_name.replace("_os32", "")):  # whose arrays are the same
        raise ValueError(f"it holds a {kind}. Give --backbone that name where it is known here, or name another file.")
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    arrays = without_biases(arrays, shapes)
    inside = [name for name in arrays if part_of(name) == "backbone"]
    fitting = [name for name in inside if shapes.get(name) == list(arrays[name].shape)]
    if 2 * len(fitting) < len(inside):
        raise ValueError(f"of the {len(inside)} arrays of its backbone only {len(fitting)} fit; it is another network.")
    report = load_state(network, arrays, partial=True)
    return by_part(report, PARTS)


def by_part(report: LoadReport, parts: Sequence[str]) -> list[PartReport]:
    """How many arrays of each of the ``parts`` of a network, and of what is none, were matched, missing and unexpected."""
    firsts = [[name.partition(".")[0] for name in names] for names in report]
    counts = [(part, [names.count(part) for names in firsts]) for part in parts]
    counts.append(("other", [sum(name not in parts for name in names) for names in firsts]))
    return [PartReport(part, *count) for part, count in counts if any(count)]


def as_table(reports: list[PartReport]) -> list[str]:
    """The result of ``start_from`` in lines: a sentence, and a table."""
    taken, missing = (sum(getattr(report, field) for report in reports) for field in ("taken", "missing"))
    lines = [f"{taken} arrays taken, {missing} of this network not in it.",
             f"{'part':<10}{'taken':>8}{'not in the file':>18}{'not used':>11}"]
    return lines + [f"{part:<10}{taken:>8}{missing:>18}{unused:>11}" for part, taken, missing, unused in reports]


def imagenet_arrays(backbone: str) -> dict[str, np.ndarray]:
    """{name: ndarray} of the classification network around ``backbone``, trained on ImageNet, from ``paddle.vision``. Raises
    UserError: it cannot be fetched."""
    from paddle.vision import models
    try:
        network = getattr(models, _FACTORIES[backbone])(pretrained=True)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"the ImageNet weights of {backbone} cannot be fetched ({said}); they need a network. Fetch them "
                        "on a machine that has one, and name the file with --pretrain.") from None
    return {name: value.numpy() for name, value in network.state_dict().items()}
