"""Weights with the names of other projects, made from the shapes of our networks; the values tell the arrays apart."""
import re

import numpy as np

STEMS = {"mobilenetv2": "backbone.features.0.0.weight", "mobilenetv3": "backbone.features.0.0.weight",
         "mobilenetv3_small": "backbone.features.0.0.weight", "resnet50": "backbone.conv1.weight",
         "resnet101": "backbone.conv1.weight"}
V2_STAGES = (1, 2, 3, 4, 3, 3, 1)  # blocks
SQUEEZED = (3, 4, 5, 10, 11, 12, 13, 14)  # of MobileNetV3's blocks, from 0


def numbered(network, parts=("backbone", "aspp")):
    """{our name: ndarray} full of its own number, from 1, for the parts that classifiers and DeepLabV3 share with ours."""
    state = {name: list(value.shape) for name, value in network.state_dict().items() if name.split(".")[0] in parts}
    stem = STEMS[network.backbone_name]
    if stem in state:
        state[stem][1] = 3  # they take photos
    return {name: np.broadcast_to(np.float32(number), shape) for number, (name, shape) in enumerate(state.items(), 1)}


def torch_names(arrays):
    """With PyTorch's names for statistics, and its step counters."""
    counters = {name.replace("._mean", ".num_batches_tracked"): np.array(7) for name in arrays if name.endswith("._mean")}
    return {**{name.replace("._mean", ".running_mean").replace("._variance", ".running_var"): value
               for name, value in arrays.items()}, **counters}


def classifier(arrays):
    """torchvision's and paddle.vision's classification networks: the backbone alone, and the layers after it."""
    return {**renamed(arrays, ("backbone.", "")), "fc.weight": np.zeros((4, 5)), "fc.bias": np.zeros(4)}


def vainf(arrays, plus=False):
    """DeepLabV3 or V3+ of VainF/DeepLabV3Plus-Pytorch."""
    arrays = {re.sub(r"^backbone\.features\.(\d+)", lambda found: "backbone."
                     f"{'low' if int(found[1]) < 4 else 'high'}_level_features.{found[1]}", name): value
              for name, value in arrays.items()}
    head = "classifier.aspp." if plus else "classifier.classifier.0."
    others = ("classifier.project.0.weight", "classifier.classifier.0.weight") if plus else (
        "classifier.classifier.1.weight", "classifier.classifier.4.weight", "classifier.classifier.4.bias")
    return {**renamed(arrays, ("aspp.", head)), **{name: np.zeros((2, 3, 1, 1)) for name in others}}


def torchvision_deeplab(arrays):
    """DeepLabV3 of torchvision."""
    arrays = renamed(arrays, ("backbone.features.", "backbone."), ("aspp.", "classifier.0."))
    return {**arrays, "classifier.1.weight": np.zeros((2, 3, 1, 1)), "classifier.4.bias": np.zeros(21),
            "aux_classifier.0.weight": np.zeros((2, 3, 1, 1))}


def paddleseg(arrays):
    """DeepLabV3 of PaddleSeg around the encoder of ``arrays``; without what its encoders do otherwise than ours."""
    theirs = {_paddleseg_aspp(name): value for name, value in arrays.items() if name.startswith("aspp.")}
    for name, value in arrays.items():
        for pattern, rename in ((r"backbone\.layer(\d)\.(\d+)\.(\w+?)(\d)?\.(?:(\d)\.)?(\w+)", _resnet_vd),
                                (r"backbone\.features\.(\d+)\.conv\.(\d)\.(?:(\d)\.)?(\w+)", _v2),
                                (r"backbone\.features\.(\d+)\.block\.(\d)\.(\w+)\.(\w+)", _v3)):
            found = re.fullmatch(pattern, name)
            if found:
                theirs["backbone." + rename(found)] = value
    return theirs


def renamed(arrays, *pairs):
    for before, after in pairs:
        arrays = {after + name[len(before):] if name.startswith(before) else name: value for name, value in arrays.items()}
    return arrays


def _paddleseg_aspp(name):
    place, number, layer, *rest = name.split(".")[1:]
    kinds = ("_conv", "_batch_norm")
    if place == "project":
        return f"head.aspp.conv_bn_relu.{kinds[int(number)]}.{layer}"
    if number == "4":
        return f"head.aspp.global_avg_pool.1.{kinds[int(layer) - 1]}.{rest[0]}"
    return f"head.aspp.aspp_blocks.{number}.{kinds[int(layer)]}.{rest[0]}"


def _resnet_vd(found):
    stage, block, layer, number, member, array = found.groups()
    place = f"bb_{int(stage) - 1}_{block}"
    if layer == "downsample":
        return f"{place}.short.{('_conv', '_batch_norm')[int(member)]}.{array}"
    return f"{place}.conv{int(number) - 1}.{'_conv' if layer == 'conv' else '_batch_norm'}.{array}"


def _v2(found):
    number, step, member, array = int(found[1]), int(found[2]), found[3], found[4]
    stage, before = 0, 1
    while before + V2_STAGES[stage] <= number:
        before, stage = before + V2_STAGES[stage], stage + 1
    repeat = number - before + 1
    place = f"conv{stage + 2}." + ("_first_block" if repeat == 1 else f"conv{stage + 2}_{repeat}")
    layers = ("_expand", "_bottleneck") if number > 1 else ("_bottleneck",)
    if member is not None:
        return f"{place}.{layers[step]}_conv.{('_conv', '_batch_norm')[int(member)]}.{array}"
    return f"{place}._linear_conv.{('_conv', '_batch_norm')[step - len(layers)]}.{array}"


def _v3(found):
    block, step, member, array = int(found[1]) - 1, int(found[2]), found[3], found[4]
    steps = ["expand_conv", "bottleneck_conv", "mid_se", "linear_conv"]
    if block not in SQUEEZED:
        steps.remove("mid_se")
    if block == 0:
        steps.remove("expand_conv")
    member = {"0": "conv", "1": "bn", "fc1": "conv1", "fc2": "conv2"}[member]
    return f"blocks.{block}.{steps[step]}.{member}.{array}"
