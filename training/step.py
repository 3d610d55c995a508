"""One iteration of training: forward and backward over its batches, then an update, or none where it would do harm."""
from collections import namedtuple
from contextlib import nullcontext

import numpy as np
import paddle
from paddle.nn import functional as F

from model.losses import base_loss, patch_loss, refine_loss
from model.matting import MattingBase
from model.refinement import Refinement
from training.ema import Ema
from training.log import picture_row
from training.optimizer import build_optimizer, freeze_others, load_optimizer_arrays
from training.precision import Precision, Statistics, all_finite
from training.schedule import learning_rate

# loss: number; terms: {name: number}; norm: of the gradient before clipping; updated: False where one of them was not
# finite; pictures: function that makes pictures of the last batch
Outcome = namedtuple("Outcome", "loss terms norm updated pictures")


class Learner:
    """What an iteration computes with and changes: the network with its loss, optimizer, precision and averaged weights.

    Args:
        config: a stage's configuration.
        network: MattingRefine.
        ranks: ``training.distributed.Ranks``: the processes of the run, and this one's device.

    Raises:
        UserError: the device cannot compute as configured.
    """

    def __init__(self, config, network, ranks):
        self.config, self.network, self.ranks = config, network, ranks
        self.precision = Precision(config["amp"], config["amp_dtype"], ranks.device)
        # The base phase leaves the refiner out. One wrapper for all phases, since its hooks on the parameters stay.
        self.loss = ranks.wrap(PhaseLoss(network, config, self.precision), config["phases"]["base"]["epochs"] > 0)
        self.ema = None
        self.optimizer, self.rates = None, {}
        self.single = False  # whether batches are of one sample, over all processes where BatchNorm looks at them all

    def begin(self):
        """Average the weights from here on, where that is wanted: they are what the run starts from."""
        if self.config["ema"] > 0:
            self.ema = Ema(self.network, self.config["ema"])

    def enter(self, phase, moments=None):
        """Set up for a phase, by name: the parts that learn, and their optimizer with the ``moments`` it was saved with."""
        self.rates = {part: factor for part, factor in self.config["phases"][phase]["rates"].items() if factor > 0}
        self.optimizer = build_optimizer(self.network, self.rates, self.config["clip_norm"])
        freeze_others(self.network, self.rates)
        if moments is not None:
            load_optimizer_arrays(self.optimizer, self.network, moments)

    def train_mode(self):
        """Set the parts that learn to training, and the others to evaluation, so that their statistics stay, too."""
        self.network.train()
        for part, layers in self.network.named_children():
            if part not in self.rates:
                layers.eval()
        if self.config["freeze_norm"]:
            for layer in self.network.sublayers():
                if "BatchNorm" in type(layer).__name__:  # SyncBatchNorm too
                    layer.eval()
        if self.single:  # one value has no spread: normalised by it, the pooled branch would always say the same
            self.network.aspp.convs[-1].eval()

    def rehearse(self, phase, images):
        """Forward and backward, and room for the optimizer's moments, all of which is forgotten.

        Args:
            phase: name; images: src, bgr, fgr and pha as uint8 arrays (B, C, H, W).
        """
        self.train_mode()
        statistics, chance = Statistics(self.network), paddle.get_rng_state()
        try:
            learning = [value for value in self.network.parameters() if not value.stop_gradient]
            moments = [paddle.zeros_like(value) for value in learning for _ in range(2)]
            with self.ranks.local(self.loss):  # the other processes are not waited for: they may not get so far
                terms, _ = self.loss(phase, *(paddle.to_tensor(image).astype("float32") / 255 for image in images))
                self.precision.scaled(sum(terms.values())).backward()
            self.precision.unscale(learning).item()  # what is computed elsewhere has come to its end
            del moments
        finally:
            statistics.restore()
            self.optimizer.clear_grad(set_to_zero=False)
            paddle.set_rng_state(chance)

    def averaged(self):
        """Context in which the network has the weights that are validated and kept."""
        return nullcontext() if self.ema is None else self.ema.in_place()


class PhaseLoss(paddle.nn.Layer):
    """A network and its loss as one layer, so that a step over several devices is one forward.

    Args:
        network: MattingRefine.
        config: a stage's configuration.
        precision: ``training.precision.Precision``.

    Input:
        phase: "base" or "joint"; src, bgr, fgr (B, 3, H, W), pha (B, 1, H, W), in 0..1.

    Output:
        ({term: scalar}, the network's output in float32)
    """

    def __init__(self, network, config, precision):
        super().__init__()
        self.network, self._config, self._precision = network, config, precision

    def forward(self, phase, src, bgr, fgr, pha):
        with self._precision.autocast():
            pred = MattingBase.forward(self.network, src, bgr) if phase == "base" else self._refined(src, bgr)
        pred = type(pred)(*(image.astype("float32") for image in pred))
        if phase == "joint" and self._config["refine"]["train_pixels"]:
            return patch_loss(pred, pha, fgr), pred
        loss = base_loss if phase == "base" else refine_loss
        return loss(pred, pha, fgr, self._config["detach_error"]), pred

    def _refined(self, src, bgr):
        refine, refiner = self._config["refine"], self.network.refiner
        # Everywhere also for a loss on patches: paddle is no slower at whole pictures than at single patches.
        everywhere = refine["train_pixels"] or refine["train_mode"] == "full"
        pred = self.network(src, bgr, refinement=Refinement("full" if everywhere else "sampling", refine["sample_pixels"]))
        if not refine["train_pixels"]:
            return pred
        return pred._replace(ref_sm=refiner.largest(_resized(pred.err_sm, pred.ref_sm), refine["train_pixels"]))


def train_step(learner, phase, step, batches):
    """One iteration: the gradients of its batches are averaged, over all processes, and make one update.

    Args:
        learner: ``Learner`` that has entered the phase.
        phase: of ``training.schedule.plan``.
        step: number of the iteration in the run.
        batches: list of (src, bgr, fgr, pha), uint8.

    Returns:
        Outcome
    """
    learner.train_mode()
    statistics, numbers = Statistics(learner.network), []
    for turn, batch in enumerate(batches):
        _seed(learner, step, turn)
        images = [image.astype("float32") / 255 for image in batch]
        with nullcontext() if turn == len(batches) - 1 else learner.ranks.local(learner.loss):
            terms, pred = learner.loss(phase.name, *images)
            learner.precision.scaled(sum(terms.values()) / len(batches)).backward()
        numbers += [term.detach().reshape([1]) for term in terms.values()]
    numbers.append(learner.precision.unscale(learner.network.parameters()).reshape([1]))
    # The one time in an iteration that the device is waited for.
    *losses, norm = paddle.concat(numbers).numpy().astype(float).tolist()
    terms = dict(zip(terms, learner.ranks.mean(np.reshape(losses, (len(batches), -1)).mean(axis=0).tolist())))
    # The same numbers in every process, so that all of them update or none.
    finite = all_finite([norm, *terms.values()])
    if finite:
        learner.optimizer.set_lr(learning_rate(learner.config, phase, step))
        learner.optimizer.step()
        if learner.ema is not None:
            learner.ema.update()
    else:
        statistics.restore()
    learner.optimizer.clear_grad()
    learner.precision.update(finite)
    return Outcome(sum(terms.values()), terms, norm, finite, lambda: _pictures(learner.network, phase, images, pred))


def _resized(image, like):
    return F.interpolate(image, size=like.shape[2:], mode="bilinear", align_corners=False)


def _seed(learner, step, turn):
    """Dropout is the only chance in a step; seeding it makes a resumed run the same as an uninterrupted one."""
    entropy = [learner.config["seed"], step, turn, learner.ranks.rank]
    paddle.seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))


def _pictures(network, phase, images, pred):
    src, bgr, _, _ = images
    err = pred.err if phase.name == "base" else pred.err_sm
    shown = {"src": src, "bgr": bgr, "pha": pred.pha, "com": pred.fgr * pred.pha, "err": err}
    if phase.name == "joint":
        with paddle.no_grad():
            shown["ref"] = network.refiner.select(pred.err_sm)
    return {f"train/{name}": picture_row(image.numpy()) for name, image in shown.items()}
