"""A network to start from: a pretrained encoder, fresh ASPP branches and decoder, and batch norms measured on the samples.

The encoder is a .npz of float32 arrays under torchvision's names (``features.0.0.weight`` and so on), for RGB in 0..1.
That of the starter weights is Google's DeepLabV3 with MobileNetV2 at output stride 16, trained on ImageNet, COCO and
PASCAL VOC 2012: ``deeplabv3_mnv2_pascal_quant.tflite`` of github.com/google-coral/test_data at commit 104342d2
(Apache-2.0; SHA-256 350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398). Its 8-bit weights were multiplied
by their scales and its axes put into PyTorch's order; each folded bias became a batch norm of gamma 1, and the first
convolution took over the change of range from -1..1. Beside the encoder the file holds ``aspp.convs.0``,
``aspp.convs.4`` and ``aspp.project`` (pooled features first, then those of the 1x1 convolution); it has no dilated
branches.
"""
from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from safetensors.torch import save as safetensors_bytes
from torch import nn

from bgmatting.dataset.samples import SampleKey
from bgmatting.model.export.torch_network import Base, state_of
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import write_bytes
from tools.starter.losses import Batch
from tools.starter.run import collated

BGR_NOISE = 0.15      # spread of the first convolution's fresh half for bgr, relative to its pretrained half for src
FRESH_PROJECT = 0.3   # of the ASPP's projection beside its pretrained parts: the spread of a fresh one
FRESH_OUTPUT = 0.1    # of the decoder's last convolution: small, so that alpha begins inside 0..1
BATCHES, SAMPLES, SIZE = 6, 4, (384, 512)  # that statistics are measured on
FEW = 3               # of the batches, for each of the fresh layers
CHANNELS = 256        # of an ASPP branch


def write_initial(encoder: str | Path, samples, out: str | Path, seed: int = 0) -> None:
    """Write the base network as safetensors under the authors' names.

    Args:
        encoder: .npz as above.
        samples: a set of ``dataset.samples``, whose first samples the statistics are measured on.

    Raises:
        UserError: the file is no such .npz, lacks an array, or has one of another shape.
    """
    try:
        with np.load(encoder) as file:
            arrays = {name: torch.from_numpy(file[name].astype(np.float32)) for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile):
        raise UserError(f"{encoder} is no readable .npz of arrays; see initial.py for where one comes from.") from None
    torch.manual_seed(seed)
    model = Base().eval()
    with torch.no_grad():
        fill(model)
        try:
            kept = take_encoder(model, arrays)
        except (KeyError, RuntimeError) as error:
            raise UserError(f"{encoder} is not a MobileNetV2 encoder with ASPP of the names and shapes in initial.py: "
                            f"{error}.") from None
        batches = [collated([samples[SampleKey(seed, 0, number * SAMPLES + place, *SIZE)] for place in range(SAMPLES)])
                   for number in range(BATCHES)]
        measure(model, kept, batches)
    write_bytes(out, safetensors_bytes(state_of(model)))


def fill(model: Base) -> None:
    """Draw every convolution anew."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    model.decoder.conv4.weight.mul_(FRESH_OUTPUT)
    model.decoder.conv4.bias.zero_()


def take_encoder(model: Base, arrays: dict[str, torch.Tensor]) -> list[str]:
    """Put the pretrained arrays into ``model``.

    Returns:
        names of the batch norms that came with them.

    Raises:
        KeyError: an array is missing. RuntimeError: one has another shape.
    """
    state, norms = model.state_dict(), []
    for name, value in state.items():
        source = name[len("backbone."):] if name.startswith("backbone.") else name
        if name.endswith("num_batches_tracked") or not source.startswith(("features.", "aspp.convs.0.", "aspp.convs.4.")):
            continue
        pretrained = arrays[source]
        if source == "features.0.0.weight":
            noise = torch.randn_like(pretrained) * pretrained.std() * BGR_NOISE
            pretrained = torch.cat([pretrained, noise], 1)
        value.copy_(pretrained)
        if name.endswith(".running_mean"):
            norms.append(name[:-len(".running_mean")])
    project, pretrained = state["aspp.project.0.weight"].mul_(FRESH_PROJECT), arrays["aspp.project.0.weight"]
    project[:, :CHANNELS] += pretrained[:, CHANNELS:]              # the 1x1 branch
    project[:, 4 * CHANNELS:5 * CHANNELS] += pretrained[:, :CHANNELS]  # the pooled one
    return norms


def measure(model: Base, kept: list[str], batches: list[Batch]) -> None:
    """Give every batch norm the statistics of what comes into it.

    Those in ``kept`` go on computing what they did: their gamma and beta make up for the change. The others have gamma 1 and
    beta 0, each measured when those before it are done.
    """
    norms = {name: module for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for name, (mean, variance) in statistics(model, {name: norms[name] for name in kept}, batches).items():
        norm = norms[name]
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        offset = norm.bias.double() - norm.running_mean.double() * scale
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.bias.copy_(offset + mean * scale)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
    for name, norm in norms.items():
        if name not in kept:
            mean, variance = statistics(model, {name: norm}, batches[:FEW])[name]
            norm.reset_parameters()
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)


def statistics(model: Base, norms: dict[str, nn.Module], batches: list[Batch]) -> dict[str, tuple]:
    """{name: (mean, variance)} by channel, float64, of what comes into some layers."""
    sums = {name: [0.0, 0.0, 0] for name in norms}

    def add(name):
        def hook(_module, inputs, _output):
            x, total = inputs[0].double(), sums[name]
            total[0] = total[0] + x.sum((0, 2, 3))
            total[1] = total[1] + x.square().sum((0, 2, 3))
            total[2] += x.numel() // x.shape[1]
        return hook

    hooks = [module.register_forward_hook(add(name)) for name, module in norms.items()]
    for batch in batches:
        model(batch.src, batch.bgr)
    for hook in hooks:
        hook.remove()
    means = {name: (total / count, squares / count) for name, (total, squares, count) in sums.items()}
    return {name: (mean, (squares - mean ** 2).clamp_min(1e-6)) for name, (mean, squares) in means.items()}
