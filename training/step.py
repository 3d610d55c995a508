"""One iteration of training: forward and backward over its batches, then an update, or none where it would do harm."""
from __future__ import annotations

import math
from collections import namedtuple
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import paddle

from bgmatting.training.distributed import Ranks
from bgmatting.training.ema import Ema
from bgmatting.training.lessons import Lesson, find_lesson
from bgmatting.training.log import picture_row
from bgmatting.training.optimizer import (
    MOMENTS,
    build_optimizer,
    freeze_others,
    learning_parts,
    load_optimizer_arrays,
    optimizer_settings,
    part_rates,
)
from bgmatting.training.precision import Precision, Statistics
from bgmatting.training.schedule import Phase, learning_rate
from bgmatting.utils.errors import UserError

NAMES = ("src", "bgr", "fgr", "pha", "trimap")  # of what a batch holds, in this order; the last where the method wants it

# loss: number; terms: {name: number}; norm: of the gradient before clipping; updated: False where one of them was not
# finite; pictures: function that makes images of the last batch
Outcome = namedtuple("Outcome", "loss terms norm updated pictures")


class Learner:
    """State that an iteration uses and changes: the network of a stage's configuration with its loss, optimizer,
    precision and averaged weights. ``ranks``: the processes of the run, and this one's device. Raises UserError where
    that cannot compute as configured."""

    def __init__(self, config: dict, network: paddle.nn.Layer, ranks: Ranks):
        self.config, self.network, self.ranks = config, network, ranks
        self.lesson = find_lesson(config["method"])
        self.precision = Precision(config["amp"], config["amp_dtype"], ranks.device)
        # A phase before the last may leave parts out. One wrapper for all phases, since its hooks on the parameters stay.
        partial = any(config["phases"][name]["epochs"] > 0 for name in self.lesson.phases[:-1])
        self.loss = ranks.wrap(PhaseLoss(network, config, self.precision, self.lesson), partial)
        self._parts = learning_parts(network)
        self.ema = None
        self.optimizer, self.rates = None, {}
        self.single = False  # whether batches are of one sample, over all processes where BatchNorm looks at them all

    def begin(self) -> None:
        """Average the weights from here on, where that is wanted: they are what the run starts from."""
        if self.config["ema"] > 0:
            self.ema = Ema(self.network, self.config["ema"])

    def enter(self, phase: str, moments: dict | None = None) -> None:
        """Set up for a phase, by name: the parts that learn, and their optimizer with the ``moments`` it was saved with.
        Raises UserError: no part learns."""
        self.rates = part_rates(self.config["phases"][phase]["rates"], self._parts)
        if not self.rates:
            raise UserError(f"no part of the network learns in phase {phase}: set one of phases.{phase}.rates above 0, or "
                            "its epochs to 0.")
        self.optimizer = build_optimizer(self.network, self.rates, self.config["clip_norm"],
                                         **optimizer_settings(self.config))
        freeze_others(self.network, self.rates)
        if moments is not None:
            load_optimizer_arrays(self.optimizer, self.network, moments)

    def train_mode(self) -> None:
        """Set the parts that learn to training, and the others to evaluation, so that their statistics stay, too."""
        self.network.train()
        for part, layers in self.network.named_children():
            if part not in self.rates:
                layers.eval()
        if self.config["freeze_norm"]:
            for layer in self.network.sublayers():
                if "BatchNorm" in type(layer).__name__:  # SyncBatchNorm too
                    layer.eval()
        if self.single:  # one value has no spread: normalised by it, a pooled branch would always say the same
            for layer in self.lesson.pooled(self.network):
                layer.eval()

    def rehearse(self, phase: str, images: list[np.ndarray]) -> None:
        """Forward and backward of ``images``, ``NAMES`` as uint8 arrays (B, C, H, W), and room for the optimizer's
        moments, all of which is forgotten."""
        self.train_mode()
        statistics, chance = Statistics(self.network), paddle.get_rng_state()
        try:
            learning = [value for value in self.network.parameters() if not value.stop_gradient]
            moments = [paddle.zeros_like(value) for value in learning for _ in range(self.moments)]
            with self.ranks.local(self.loss):  # the other processes are not waited for: they may not get so far
                terms, _ = self.loss(phase, *(paddle.to_tensor(image).astype("float32") / 255 for image in images))
                self.precision.scaled(sum(terms.values())).backward()
            self.precision.unscale(learning).item()  # what is computed elsewhere has come to its end
            del moments
        finally:
            statistics.restore()
            self.optimizer.clear_grad(set_to_zero=False)
            paddle.set_rng_state(chance)

    @property
    def moments(self) -> int:
        """How many arrays the optimizer keeps of each that learns."""
        return MOMENTS[self.config["optimizer"]]

    def averaged(self) -> AbstractContextManager:
        """Context in which the network has the weights that are validated and kept."""
        return nullcontext() if self.ema is None else self.ema.in_place()


class PhaseLoss(paddle.nn.Layer):
    """A network and its loss as one layer, so that a step over several devices is one forward: (phase's name, images (B,
    3, H, W), pha and trimap (B, 1, H, W), in 0..1 and in the order of ``NAMES``) -> ({term: scalar}, the network's output
    in float32)."""

    def __init__(self, network: paddle.nn.Layer, config: dict, precision: Precision, lesson: Lesson):
        super().__init__()
        self.network, self._config, self._precision, self._lesson = network, config, precision, lesson

    def forward(self, phase: str, *images: paddle.Tensor) -> tuple[dict, tuple]:
        return self._lesson.learn(self.network, phase, dict(zip(NAMES, images)), self._config, self._precision)


def train_step(learner: Learner, phase: Phase, step: int, batches: list) -> Outcome:
    """One iteration, number ``step`` of the run, of a ``learner`` that has entered the ``phase``: the gradients of its
    batches, lists of the uint8 tensors ``NAMES``, are averaged, over all processes, and make one update."""
    statistics = Statistics(learner.network)
    learner.train_mode()
    numbers = []
    for turn, batch in enumerate(batches):
        _seed(learner, step, turn)
        images = [image.astype("float32") / 255 for image in batch]
        with nullcontext() if turn == len(batches) - 1 else learner.ranks.local(learner.loss):
            terms, pred = learner.loss(phase.name, *images)
            learner.precision.scaled(sum(terms.values()) / len(batches)).backward()
        numbers += [term.detach().reshape([1]) for term in terms.values()]
    numbers.append(learner.precision.unscale(learner.network.parameters()).reshape([1]))
    *losses, norm = paddle.concat(numbers).numpy().astype(float).tolist()  # the one time that the device is waited for
    # The same numbers in every process, so that all of them update or none.
    means = learner.ranks.mean(np.reshape(losses, (len(batches), -1)).mean(axis=0).tolist())
    terms = dict(zip(terms, means))
    updated = all(map(math.isfinite, [norm, *means]))
    if updated:
        learner.optimizer.set_lr(learning_rate(learner.config, phase, step))
        learner.optimizer.step()
        if learner.ema is not None:
            learner.ema.update()
    else:
        statistics.restore()
    learner.optimizer.clear_grad()
    learner.precision.update(updated)
    return Outcome(sum(means), terms, norm, updated, lambda: _pictures(learner, phase.name, images, pred))


def _seed(learner, step, turn):
    """Dropout is the only chance in a step; seeding it makes a resumed run the same as an uninterrupted one."""
    entropy = [learner.config["seed"], step, turn, learner.ranks.rank]
    paddle.seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))


def _pictures(learner, phase, images, pred):
    batch = dict(zip(NAMES, images))
    shown = {"src": batch["src"], "pha": pred.pha, **learner.lesson.pictures(learner.network, phase, batch, pred)}
    return {f"train/{name}": picture_row(image.numpy()) for name, image in shown.items()}
