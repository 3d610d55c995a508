"""What a training run starts from: the network that its configuration describes, and weights from elsewhere."""
import math
import os
from pathlib import Path

import paddle
from paddle import nn

from dataset.catalog import catalog_or_sample, open_catalog
from model.matting import MattingRefine
from model.weights import weights_path
from model.weights.initial import IMAGENET, as_table, start_from
from utils.errors import UserError
from utils.files import PROJECT

STARTER_BACKBONE = "mobilenetv2"  # of the weights that come along
SUFFIXES = (".safetensors", ".pdparams", ".pth")


def catalog_of(config):
    """Where a stage's datasets lie; the generated sample data where there are none."""
    if config["dataset_name"] == "stream":
        return open_catalog(data_root=config["data_root"])
    return catalog_or_sample([config["dataset_name"], config["background_name"]], data_root=config["data_root"])


def network_of(config):
    """The MattingRefine that a configuration describes, with fresh weights."""
    refine = config["refine"]
    network = MattingRefine(config["backbone"], refine["backbone_scale"], refine["mode"], refine["sample_pixels"],
                            refine["threshold"], refine["kernel_size"])
    initialise(network)
    return network


def initialise(network):
    """Draw the convolutions' weights as the authors' network does, from paddle's random numbers.

    Theirs is torchvision's encoder, He's normal numbers by the outputs, with a first convolution of its own; that one,
    the ASPP, the decoder and the refiner have PyTorch's default: uniform within 1 / sqrt(inputs), biases as well.
    """
    first = next(layer for layer in network.backbone.sublayers() if isinstance(layer, nn.Conv2D))
    for part, layers in network.named_children():
        for layer in layers.sublayers():
            if isinstance(layer, nn.Conv2D):
                _draw(layer, normal=part == "backbone" and layer is not first)


def _draw(layer, normal):
    outputs, inputs, *kernel = layer.weight.shape
    area = math.prod(kernel)
    if normal:
        layer.weight.set_value(paddle.normal(0.0, math.sqrt(2 / (outputs * area)), layer.weight.shape))
    else:
        bound = 1 / math.sqrt(inputs * area)
        layer.weight.set_value(paddle.uniform(layer.weight.shape, min=-bound, max=bound))
    if layer.bias is not None:
        shape = layer.bias.shape
        layer.bias.set_value(paddle.zeros(shape) if normal else paddle.uniform(shape, min=-bound, max=bound))


def load_pretrained(network, name, data_root=None):
    """Start ``network`` from a weights file or a folder of a run, "starter", "imagenet", or the best at hand: "auto".

    A file may be of this project or another, see ``model.weights.initial``. "imagenet" is a classifier's weights at
    ``data_root``/weights/imagenet_BACKBONE.{safetensors,pdparams,pth}, such as torchvision's, or else what
    ``paddle.vision`` fetches; "auto" is the starter weights where they have the network's backbone, else imagenet where
    there is such a file, else nothing.

    Returns:
        (lines that say what was taken, by part, and whether the refiner was among it)

    Raises:
        UserError: nothing is there, or it is not for this network.
    """
    backbone = network.backbone_name
    if name == "auto":
        if backbone != STARTER_BACKBONE and _imagenet(backbone, data_root) is None:
            return (f"[PRETRAIN] nothing: the starter weights are {STARTER_BACKBONE}'s, and there is no "
                    f"{_imagenet_path(backbone, data_root)}.*; the network starts from random weights."), False
        name = "starter" if backbone == STARTER_BACKBONE else IMAGENET
    if name == IMAGENET:
        return _load_classifier(network, _imagenet(backbone, data_root), _imagenet_path(backbone, data_root))
    if name != "starter" and not Path(name).exists():
        raise UserError(f"no weights to start from at {name}. Run the stage before this one, or name other "
                        "weights with --pretrain (a file, a folder of a run, 'starter' or 'imagenet').")
    path = "starter" if name == "starter" else weights_path(name)
    return _report(path, start_from(network, path))


def _report(path, reports):
    taken, missing = (sum(getattr(report, field) for report in reports) for field in ("taken", "missing"))
    line = f"[PRETRAIN] {path}: {taken} arrays taken, {missing} of this network not in it."
    return "\n".join([line, *as_table(reports)]), not any(
        report.missing for report in reports if report.part == "refiner")


def _imagenet_path(backbone, data_root):
    return Path(data_root or os.environ.get("DATA_ROOT") or PROJECT / "data") / "weights" / f"imagenet_{backbone}"


def _imagenet(backbone, data_root):
    """The file of a classifier's weights, or None."""
    stem = _imagenet_path(backbone, data_root)
    return next((file for suffix in SUFFIXES if (file := stem.with_name(stem.name + suffix)).is_file()), None)


def _load_classifier(network, path, wanted):
    if path is not None:
        return _report(path, start_from(network, path))
    try:
        return _report(f"{IMAGENET}, fetched", start_from(network, IMAGENET))
    except UserError as error:
        raise UserError(f"no weights to start from: {wanted}.* ({', '.join(SUFFIXES)}) is not there, and {error}") from None
