"""What is trained in a phase: the base, or the refiner for a base that stays as it is."""
import torch

from bgmatting.training.pytorch import store
from bgmatting.training.pytorch.losses import base_loss, refiner_loss
from bgmatting.training.pytorch.network import Base, resized
from bgmatting.training.pytorch.refiner import Matting


class BasePhase:
    """The coarse network. BatchNorm keeps the statistics it has: batches are small, and of mixed kinds.

    Args:
        start: weights to start from.
        precision: "fp32" or "bf16", which is faster where the processor multiplies in it.
        weights: {term: factor} of the loss; ``hidden`` and ``gaps`` go to ``losses.weight``.
    """

    def __init__(self, settings):
        self.model = prepared(Base(), settings["start"])
        self.bf16, self.weights = settings["precision"] == "bf16", dict(settings["loss"])
        self.extra = {name: self.weights.pop(name) for name in ("hidden", "gaps")}

    def groups(self, settings):
        """Parameters with their learning rates."""
        return [{"params": list(getattr(self.model, name).parameters()), "lr": rate}
                for name, rate in settings["rates"].items()]

    def step(self, batch, _iteration):
        """(loss, {term: tensor}) of one batch."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            out = self.model(channels_last(batch.src), channels_last(batch.bgr))
        terms = base_loss(out, batch, **self.extra)
        return total(terms, self.weights), {name: term.detach() for name, term in terms.items()}


class RefinerPhase:
    """The refiner, in float32. The base, in ``precision``, sees pictures at each of ``scales`` in turn, as users do."""

    def __init__(self, settings):
        self.model = prepared(Matting(), settings["start"], settings.get("refiner_start"))
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith("refiner."))
        self.weights, self.scales, self.share = settings["loss"], settings["scales"], settings["share"]
        self.bf16 = settings["precision"] == "bf16"

    def groups(self, settings):
        """Parameters with their learning rates."""
        return [{"params": list(self.model.refiner.parameters()), "lr": settings["rates"]["refiner"]}]

    def step(self, batch, iteration):
        """(loss, {term: tensor}) of one batch."""
        scale = self.scales[iteration % len(self.scales)]
        size = [int(side * scale) for side in batch.src.shape[2:]]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            coarse = Base.forward(self.model, *(channels_last(resized(x, size)) for x in (batch.src, batch.bgr)))
        coarse = type(coarse)(*(x.float() for x in coarse))
        pixels = int(batch.pha[0].numel() * self.share)
        terms = refiner_loss(self.model.refine(batch.src, batch.bgr, coarse, pixels), batch)
        return total(terms, self.weights), {name: term.detach() for name, term in terms.items()}


def prepared(model, start, refiner_start=None):
    """``model`` with the weights of a file, its refiner those of another if named, ready to be trained."""
    state = store.read_state(start)
    if refiner_start:
        state.update({name: value for name, value in store.read_state(refiner_start).items() if name.startswith("refiner.")})
    store.load(model, state)
    return channels_last(model.eval())


def channels_last(x):
    """A tensor or module with its channels innermost, which oneDNN's convolutions are 1.3 times as fast with on a CPU."""
    return x.to(memory_format=torch.channels_last)


def total(terms, weights):
    """The sum of the terms, each times its factor."""
    return sum(weights[name] * term for name, term in terms.items())
