"""Phases of training: the base, the refiner for a base that stays as it is, and both together."""
from __future__ import annotations

import torch
from torch import nn

from bgmatting.model.export.torch_network import Base, Matting, load_state, resized, torch_state
from bgmatting.model.weights import read_weights, weights_path
from bgmatting.utils.errors import UserError
from tools.starter.faster import faster, outputs
from tools.starter.losses import Batch, base_loss, refiner_loss


class BasePhase:
    """The coarse network. BatchNorm keeps the statistics it has: batches are small, and of mixed kinds.

    Args:
        settings: the recipe's; ``scales`` are those of the batch that the network sees, all in each iteration.
    """

    def __init__(self, settings: dict):
        self.model = faster(prepared(Base(), settings["start"]))
        self.bf16, self.scales, self.weights = settings["precision"] == "bf16", settings["scales"], dict(settings["loss"])
        self.extra = {name: self.weights.pop(name) for name in ("hidden", "gaps")}

    def groups(self, rates: dict) -> list[dict]:
        """Parameters with their learning rates; the first convolution apart, whose half for bgr begins with noise."""
        return base_groups(self.model, rates)

    def terms(self, batch: Batch, scale: float) -> dict[str, torch.Tensor]:
        """Loss terms of a batch at one scale."""
        size = sides(batch, scale)
        batch = Batch(*(resized(x, size) for x in batch))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            out = outputs(self.model, batch.src, batch.bgr, "base")
        return base_loss(out, batch, **self.extra)


class RefinerPhase:
    """The refiner, in float32, and the features that it is given, ``hid``; the rest of the base stays as it is.

    The base, in ``precision``, sees images at each of ``scales``, all in each iteration.
    """

    def __init__(self, settings: dict):
        self.model = faster(prepared(Matting(), settings["start"], settings.get("refiner_start")))
        self.last = self.model.decoder.conv4
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith(("refiner.", "decoder.conv4.")))
        self.weights, self.scales, self.share = settings["loss"], settings["scales"], settings["share"]
        self.bf16 = settings["precision"] == "bf16"

    def groups(self, rates: dict) -> list[dict]:
        """Parameters with their learning rates; the rows of the last convolution that make alpha have no gradient."""
        return [{"params": list(self.model.refiner.parameters()), "lr": rates["refiner"]},
                {"params": list(self.last.parameters()), "lr": rates["hidden"]}]

    def terms(self, batch: Batch, scale: float) -> dict[str, torch.Tensor]:
        """Loss terms of a batch whose base sees it at one scale."""
        size = sides(batch, scale)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            coarse = outputs(self.model, *(resized(x, size) for x in (batch.src, batch.bgr)), "hidden")
        self.model.refine_sample_pixels = int(batch.pha[0].numel() * self.share)
        return refiner_loss(self.model.refine(batch.src, batch.bgr, coarse), batch)


class JointPhase:
    """Base and refiner at once: the features that the base hands over become what the refiner needs. In float32.

    Args:
        settings: the recipe's; ``loss`` has the base's terms, and the refiner's with "fine_" before their names.
    """

    def __init__(self, settings: dict):
        self.model = faster(prepared(Matting(), settings["start"], settings.get("refiner_start")))
        self.weights, self.scales, self.share = dict(settings["loss"]), settings["scales"], settings["share"]
        self.extra = {name: self.weights.pop(name) for name in ("hidden", "gaps")}

    def groups(self, rates: dict) -> list[dict]:
        """Parameters with their learning rates."""
        return base_groups(self.model, rates) + [{"params": list(self.model.refiner.parameters()), "lr": rates["refiner"]}]

    def terms(self, batch: Batch, scale: float) -> dict[str, torch.Tensor]:
        """Loss terms of a batch whose base sees it at one scale."""
        small = Batch(*(resized(x, sides(batch, scale)) for x in batch))
        coarse = outputs(self.model, small.src, small.bgr, "joint")
        self.model.refine_sample_pixels = int(batch.pha[0].numel() * self.share)
        fine = refiner_loss(self.model.refine(batch.src, batch.bgr, coarse), batch)
        return {**base_loss(coarse, small, **self.extra), **{f"fine_{name}": term for name, term in fine.items()}}


PHASES = {"base": BasePhase, "refiner": RefinerPhase, "joint": JointPhase}


def base_groups(model: Base, rates: dict) -> list[dict]:
    """The base's parameters with their learning rates."""
    first = model.backbone.features[0][0].weight
    rest = [parameter for parameter in model.backbone.parameters() if parameter is not first]
    return [{"params": [first], "lr": rates["first"]}, {"params": rest, "lr": rates["backbone"]},
            {"params": list(model.aspp.parameters()), "lr": rates["aspp"]},
            {"params": list(model.decoder.parameters()), "lr": rates["decoder"]}]


def prepared(model: nn.Module, start: str, refiner_start: str | None = None) -> nn.Module:
    """``model`` with the weights of a file, its refiner those of another if named, ready to be trained.

    Raises:
        UserError: a file cannot be read, or lacks arrays that the model has.
    """
    state = torch_state(read_weights(weights_path(start))[0])
    if refiner_start:
        other = torch_state(read_weights(weights_path(refiner_start))[0])
        state.update({name: value for name, value in other.items() if name.startswith("refiner.")})
    try:
        load_state(model, state)
    except ValueError as error:
        raise UserError(f"{start} does not fit the network: {error}. Change start or refiner_start.") from None
    return channels_last(model.eval())


def sides(batch: Batch, scale: float) -> list[int]:
    """Height and width of a batch at a scale."""
    return [int(side * scale) for side in batch.src.shape[2:]]


def channels_last(x):
    """A tensor or module with its channels innermost, which oneDNN's convolutions are 1.3 times as fast with on a CPU."""
    return x.to(memory_format=torch.channels_last)
