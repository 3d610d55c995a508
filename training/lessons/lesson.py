"""A matting method to training: its phases, what it learns by, what is kept and shown of it. Needs no paddle."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from bgmatting.model.methods.method import Method


def _nothing(*_):
    return {}


@dataclass(frozen=True)
class Lesson:
    """How a method is taught. A batch is a dict of tensors as ``Method.terms`` has it.

    Attributes:
        method: ``model.methods.method.Method``.
        network: network(settings) -> the network that a stage's configuration describes, with fresh weights.
        learn: learn(network, phase, batch, settings, precision) -> ({name: scalar tensor}, the network's output, a named
            tuple in float32); the terms are weighted: the loss is their sum. ``precision``: training.precision.Precision.
        start: start(network, source) -> (lines of text, whether nothing was missing that a later phase teaches): takes
            what fits of a weights file or folder; "imagenet": of a classifier that is fetched. Raises UserError where
            nothing does.
        judge: judge(network, item, device, coarse) -> (alpha (H, W), foreground (H, W, 3) or None), uint8 or float in
            0..1, of an item of ``training.validation``; ``coarse``: without a refiner that has not learnt yet.
        phases: names in ``configs/default.yml``, in the order they follow one another.
        starter: backbone of the weights that come along, or None.
        pictures: pictures(network, phase, batch, pred) -> {name: tensor (B, 1 or 3, H, W)} for the log, beside src and pha.
        keeps: keeps(phase, name) -> whether an array has learnt something in a phase that began with fresh weights.
        pooled: pooled(network) -> layers whose normalisation a batch of one sample tells nothing about.
        facts: facts(network) -> {str: str} for the header of its weights files.
    """
    method: Method
    network: Callable
    learn: Callable
    start: Callable
    judge: Callable
    phases: tuple[str, ...]
    starter: str | None = None
    pictures: Callable = _nothing
    keeps: Callable = lambda phase, name: True
    pooled: Callable = lambda network: ()
    facts: Callable = _nothing

    @property
    def trimap(self) -> bool:
        """Whether a batch has a trimap: for every method that needs no bgr, for its loss if not for itself."""
        return self.method.needs != "bgr"

    @property
    def cell(self) -> int:
        """The number that the sides of crops are multiples of."""
        return max(4, self.method.rule.multiple)
