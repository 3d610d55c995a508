"""The names that other projects give to the arrays of our networks, and ours for them.

Read are the names of torchvision and paddle.vision (classification), of DeepLabV3 in torchvision, PaddleSeg and
VainF/DeepLabV3Plus-Pytorch, and what tools put before any of them. Ours are those of the authors' state dicts.
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

PARTS = ("backbone", "aspp", "decoder", "refiner")

_TORCH_SUFFIXES = ((".running_mean", "._mean"), (".running_var", "._variance"))
# What tools put before names, or inside them; never the name of a layer.
_WRAPPERS = re.compile(r"(?<![^.])(?:module|_orig_mod|_layers|_forward_module|_fsdp_wrapped_module"
                       r"|_checkpoint_wrapped_module)\.")
_MEMBERS = ("model.", "net.", "network.")         # a network inside another: dropped where most names have it
_DEEPEST = 32                                     # so many of those may stand before one another
_BEFORE_PART = re.compile(r"((?:\w+\.){0,32}?)(?:backbone|aspp|decoder|refiner|head)\.")

_SAME_LAYERS = [(re.compile(pattern), ours) for pattern, ours in (
    (r"classifier\.(?:classifier\.0|aspp|0)\.(convs|project)\.", r"aspp.\1."),     # DeepLabV3 and V3+
    (r"backbone\.(?:low|high)_level_features\.", "backbone.features."),            # VainF's MobileNetV2
    (r"backbone\.(\d+)\.", r"backbone.features.\1."),                              # torchvision's DeepLabV3 of MobileNetV3
    (r"(conv1|bn1|layer[1-4]|features)\.(?!_conv|_batch)", r"backbone.\1."),       # classification
    (r"(conv1_[1-3]\.(?:_conv|_batch_norm))\.", r"backbone.\1."),                 # the stem of a ResNet-vd without a head
)]
_LAYER = {"_conv": "0", "_batch_norm": "1", "conv": "0", "bn": "1", "0": "0", "1": "1"}  # of convolution and norm
_ASPP = re.compile(r"head\.aspp\.(aspp_blocks\.\d|global_avg_pool\.1|conv_bn_relu)\.(_conv|_batch_norm)\.(\w+)")
_RESNET_VD = re.compile(r"(?:backbone\.)?bb_(\d)_(\d+)\.(conv[0-2]|short)\.(_conv|_batch_norm)\.(\w+)")
_V2 = re.compile(r"(?:backbone\.)?conv([2-8])\.(?:_first_block|conv\d_(\d))\.(_expand|_bottleneck|_linear)_conv\."
                 r"(_conv|_batch_norm)\.(\w+)")
_V2_STEM = re.compile(r"(?:backbone\.)?conv1\.(_conv|_batch_norm)\.(\w+)")
_V2_STARTS = (1, 2, 4, 7, 11, 14, 17)             # number of each stage's first block
_V3 = re.compile(r"(?:backbone\.)?blocks\.(\d+)\.(expand_conv|bottleneck_conv|mid_se|linear_conv)\.(\w+)\.(\w+)")
_V3_SIZES = ((15, 960, "mobilenetv3"), (11, 576, "mobilenetv3_small"))  # number of the last block, and how wide it expands
_V3_ENDS = re.compile(r"(?:backbone\.)?(conv|lastconv)\.(0|1|conv|bn)\.(\w+)")


def from_torch_names(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename PyTorch's buffers to Paddle's, drop its step counters and the prefixes that tools add."""
    renamed = {}
    for name, value in _unwrapped(arrays).items():
        if name.endswith(".num_batches_tracked"):
            continue
        for torch_suffix, own_suffix in _TORCH_SUFFIXES:
            if name.endswith(torch_suffix):
                name = name[:-len(torch_suffix)] + own_suffix
        renamed[name] = value
    return renamed


def our_names(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename {name: ndarray} of any of the projects above; names of other layers stay as they are."""
    arrays = from_torch_names(arrays)
    blocks = [match for match in map(_V3.match, arrays) if match]
    squeezes = {match[1] for match in blocks if match[2] == "mid_se"}
    last = max((int(match[1]) for match in blocks), default=0) + 2
    return {_our_name(name, squeezes, last): value for name, value in arrays.items()}


def without_biases(arrays: Mapping[str, np.ndarray], known: Mapping[str, object]) -> dict[str, np.ndarray]:
    """{our name: ndarray} without the biases of convolutions before a BatchNorm, which some projects have and ours lack.

    BatchNorm takes the mean of what comes in away from it, so a bias that is taken from its mean instead changes nothing.

    Args:
        known: names of our network's arrays.
    """
    made = dict(arrays)
    for name, bias in arrays.items():
        place, _, array = name.rpartition(".")
        holder, _, number = place.rpartition(".")
        if array != "bias" or name in known or f"{place}.weight" not in known or not number.isdigit():
            continue
        mean = f"{holder}.{int(number) + 1}._mean"
        if mean in made and made[mean].shape == bias.shape:
            made[mean] = made[mean] - made.pop(name)
    return made


def backbone_kind(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Which encoder is in {our name: ndarray}, one of ``BACKBONES`` or words for another; None: none that is known."""
    first = arrays.get("backbone.layer1.0.conv1.weight")
    if first is not None:
        blocks = len({name.split(".")[2] for name in arrays if name.startswith("backbone.layer3.")})
        if "backbone.layer1.0.conv3.weight" not in arrays:
            return "resnet18 or resnet34"
        if first.shape[:1] != (64,):
            return "ResNeXt or wide ResNet"
        return {6: "resnet50", 23: "resnet101", 36: "resnet152"}.get(blocks, f"ResNet of {blocks} blocks in stage 3")
    second = arrays.get("backbone.features.1.conv.0.0.weight")
    if second is not None:
        return "mobilenetv2" if second.shape[:1] == (32,) else "MobileNetV2 of another width"
    if any(re.match(r"backbone\.features\.\d+\.block\.0\.0\.", name) for name in arrays):
        for number, channels, name in _V3_SIZES:
            expansion = arrays.get(f"backbone.features.{number}.block.0.0.weight")
            if expansion is not None:
                return name if expansion.shape[:1] == (channels,) else "MobileNetV3 of another size"
        return "MobileNetV3 of another size"
    return None


def part_of(name: str) -> str:
    """The part of the network that an array belongs to, one of ``PARTS``, or "other"."""
    first = name.partition(".")[0]
    return first if first in PARTS else "other"


def _unwrapped(arrays):
    arrays = {_WRAPPERS.sub("", name): value for name, value in arrays.items()}
    prefix = _prefix_of_parts(arrays)
    if prefix:
        arrays = {_without(name, prefix): value for name, value in arrays.items()}
    for _ in range(_DEEPEST):
        prefixes = [prefix for prefix in _MEMBERS if 2 * sum(name.startswith(prefix) for name in arrays) > len(arrays)]
        if not prefixes:
            break
        prefix = prefixes[0]
        arrays = {_without(name, prefix): value for name, value in arrays.items()}
    return arrays


def _prefix_of_parts(arrays):
    """The prefix of the parts of a network that is a member of others, such as "generator."; "" where nothing does.

    Of several networks in one file, it is that of the averaged one, or of the largest.
    """
    counts = Counter(match[1] for match in map(_BEFORE_PART.match, arrays) if match)
    if not counts or "" in counts:
        return ""
    return max(counts, key=lambda prefix: (2 * counts[prefix] >= max(counts.values()), "ema" in prefix, counts[prefix]))


def _without(name, prefix):
    return name[len(prefix):] if name.startswith(prefix) else name


def _our_name(name, squeezes, last):
    for pattern, ours in _SAME_LAYERS:
        if pattern.match(name):
            return pattern.sub(ours, name, count=1)
    for pattern, rename in ((_ASPP, _aspp), (_RESNET_VD, _resnet), (_V2, _mobilenetv2), (_V2_STEM, _stem),
                            (_V3_ENDS, lambda match: _ends(match, last)),
                            (_V3, lambda match: _mobilenetv3(match, squeezes))):
        match = pattern.fullmatch(name)
        if match:
            return rename(match) or name
    return name


def _aspp(match):
    place, layer, array = match.groups()
    if place == "conv_bn_relu":
        return f"aspp.project.{_LAYER[layer]}.{array}"
    if place == "global_avg_pool.1":
        return f"aspp.convs.4.{int(_LAYER[layer]) + 1}.{array}"
    return f"aspp.convs.{place[-1]}.{_LAYER[layer]}.{array}"


def _resnet(match):
    stage, block, layer, kind, array = match.groups()
    place = f"backbone.layer{int(stage) + 1}.{block}"
    if layer == "short":
        return f"{place}.downsample.{_LAYER[kind]}.{array}"
    return f"{place}.{'conv' if kind == '_conv' else 'bn'}{int(layer[-1]) + 1}.{array}"


def _stem(match):
    return f"backbone.features.0.{_LAYER[match[1]]}.{match[2]}"


def _mobilenetv2(match):
    """PaddleSeg's first block expands 32 channels to 32; ours, as the paper's, does not expand there."""
    stage, repeat, layer, kind, array = match.groups()
    number = _V2_STARTS[int(stage) - 2] + int(repeat or 1) - 1
    expands = number > 1
    if layer == "_expand" and not expands:
        return None
    place = f"backbone.features.{number}.conv"
    if layer == "_linear":
        return f"{place}.{1 + expands + int(_LAYER[kind])}.{array}"
    return f"{place}.{int(layer == '_bottleneck' and expands)}.{_LAYER[kind]}.{array}"


def _ends(match, last):
    return f"backbone.features.{0 if match[1] == 'conv' else last}.{_LAYER[match[2]]}.{match[3]}"


def _mobilenetv3(match, squeezes):
    block, layer, kind, array = match.groups()
    expands, squeezed = block != "0", block in squeezes
    if layer == "expand_conv" and not expands:
        return None
    place = f"backbone.features.{int(block) + 1}.block"
    if layer == "mid_se":
        return f"{place}.{1 + expands}.fc{kind[-1]}.{array}"
    step = {"expand_conv": 0, "bottleneck_conv": int(expands), "linear_conv": 1 + expands + squeezed}[layer]
    return f"{place}.{step}.{_LAYER[kind]}.{array}" if kind in _LAYER else None
