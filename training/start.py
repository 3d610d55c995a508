"""Start of a training run: its data, the network that its configuration describes, and weights from elsewhere."""
from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bgmatting.dataset.catalog import Catalog, catalog_or_sample, open_catalog
from bgmatting.model.weights import weights_path
from bgmatting.model.weights.initial import IMAGENET
from bgmatting.training.lessons import find_lesson
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import WORKPLACE

if TYPE_CHECKING:
    from paddle import nn

    from bgmatting.training.lessons import Lesson

SUFFIXES = (".safetensors", ".pdparams", ".pth")


def catalog_of(config: dict) -> Catalog:
    """The ``Catalog`` that has what a configuration asks for, or that of the sample data in its place."""
    catalog = open_catalog(data_root=config["data_root"], folders=config["folders"])
    if config["dataset_name"] == "stream":
        return catalog
    names = [config["dataset_name"], config["background_name"]]
    if find_lesson(config["method"]).trimap and catalog.holds_photos(names[0]) and catalog.available(names[0]):
        names.pop()  # photos are taken as they are
    return catalog_or_sample(names, config["data_root"], folders=config["folders"])


def network_of(config: dict) -> nn.Layer:
    """The network that a configuration describes, with fresh weights."""
    return find_lesson(config["method"]).network(config)


def load_pretrained(network: nn.Layer, name: str, data_root: str | None = None,
                    lesson: Lesson | None = None) -> tuple[str, bool]:
    """Start ``network`` from a weights file or a folder of a run, "starter", "imagenet", or the best at hand: "auto".

    A file may be of this project or another, see ``model.weights.initial`` and ``model.weights.paddleseg``. "imagenet" is
    a classifier's weights at ``data_root``/weights/imagenet_BACKBONE.{safetensors,pdparams,pth}, such as torchvision's, or
    else what ``paddle.vision`` fetches; "auto" is the starter weights where they have the network's backbone, else
    imagenet where there is such a file, else nothing.

    Args:
        lesson: ``training.lessons.Lesson`` of the network's method; None: of "background".

    Returns:
        (lines that say what was taken, by part, and whether the refiner was among it)

    Raises:
        UserError: nothing is there, or it is not for this network.
    """
    lesson, backbone = lesson or find_lesson("background"), network.backbone_name
    if name == "auto":
        if backbone != lesson.starter and _imagenet(backbone, data_root) is None:
            starter = f"the starter weights are {lesson.starter}'s" if lesson.starter else "no starter weights come along"
            return (f"[PRETRAIN] nothing: {starter}, and there is no {_imagenet_path(backbone, data_root)}.*; the network "
                    "starts from random weights."), False
        name = "starter" if backbone == lesson.starter else IMAGENET
    if name == IMAGENET:
        return _load_classifier(lesson, network, _imagenet(backbone, data_root), _imagenet_path(backbone, data_root))
    if name == "starter" and lesson.starter is None:
        raise UserError(f"no starter weights come along for {lesson.method.name}; name others with --pretrain (a file, a "
                        "folder of a run, 'imagenet' or 'auto').")
    if name != "starter" and not Path(name).exists():
        raise UserError(f"no weights to start from at {name}. Run the stage before this one, or name other "
                        "weights with --pretrain (a file, a folder of a run, 'starter' or 'imagenet').")
    path = "starter" if name == "starter" else weights_path(name)
    return _report(path, lesson.start(network, path))


def _report(path, found):
    lines, complete = found
    return "\n".join([f"[PRETRAIN] {path}: {lines[0]}", *lines[1:]]), complete


def _imagenet_path(backbone, data_root):
    return Path(data_root or os.environ.get("DATA_ROOT") or WORKPLACE / "data") / "weights" / f"imagenet_{backbone}"


def _imagenet(backbone, data_root):
    """The file of a classifier's weights, or None."""
    stem = _imagenet_path(backbone, data_root)
    return next((file for suffix in SUFFIXES if (file := stem.with_name(stem.name + suffix)).is_file()), None)


def _load_classifier(lesson, network, path, wanted):
    if path is not None:
        return _report(path, lesson.start(network, path))
    try:
        return _report(f"{IMAGENET}, fetched", lesson.start(network, IMAGENET))
    except UserError as error:
        raise UserError(f"no weights to start from: {wanted}.* ({', '.join(SUFFIXES)}) is not there, and {error}") from None
