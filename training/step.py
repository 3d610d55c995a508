"""One iteration of training: forward and backward over its batches, then an update, or none where it would do harm."""
from collections import namedtuple
from contextlib import nullcontext

import numpy as np
import paddle
from paddle.nn import functional as F

from model.losses import base_loss, patch_loss, refine_loss
from model.matting import MattingBase
from model.refinement import Refinement
from training.log import picture_row
from training.precision import Statistics, all_finite
from training.schedule import learning_rate

# loss: number; terms: {name: number}; norm: of the gradient before clipping; updated: False where one of them was not
# finite; pictures: function that makes pictures of the last batch
Outcome = namedtuple("Outcome", "loss terms norm updated pictures")


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
        # everywhere, also for a loss on patches: paddle is no slower at whole pictures than at single patches
        pred = self.network(src, bgr, refinement=Refinement("full"))
        pixels = self._config["refine"]["train_pixels"]
        if not pixels:
            return pred
        return pred._replace(ref_sm=self.network.refiner.largest(_resized(pred.err_sm, pred.ref_sm), pixels))


def train_step(run, phase, batches):
    """One iteration: the gradients of its batches are averaged, over all processes, and make one update.

    Args:
        run: ``training.state.Run`` that has entered the phase.
        phase: of ``training.schedule.plan``.
        batches: list of (src, bgr, fgr, pha), uint8.

    Returns:
        Outcome
    """
    run.train_mode()
    statistics, found = Statistics(run.network), []
    for turn, batch in enumerate(batches):
        _seed(run, turn)
        images = [image.astype("float32") / 255 for image in batch]
        with nullcontext() if turn == len(batches) - 1 else run.ranks.local(run.learner):
            terms, pred = run.learner(phase.name, *images)
            run.precision.scaled(sum(terms.values()) / len(batches)).backward()
        found.append([term.item() for term in terms.values()])
    terms = dict(zip(terms, run.ranks.mean(np.mean(found, axis=0).tolist())))
    norm = run.precision.unscale(run.network.parameters())
    # The same numbers in every process, so that all of them update or none.
    finite = all_finite([norm, *terms.values()])
    if finite:
        run.optimizer.set_lr(learning_rate(run.config, phase, run.step))
        run.optimizer.step()
        if run.ema is not None:
            run.ema.update()
    else:
        statistics.restore()
    run.optimizer.clear_grad()
    run.precision.update(finite)
    return Outcome(sum(terms.values()), terms, norm, finite, lambda: _pictures(run.network, phase, images, pred))


def _resized(image, like):
    return F.interpolate(image, size=like.shape[2:], mode="bilinear", align_corners=False)


def _seed(run, turn):
    """Dropout is the only chance in a step; seeding it makes a resumed run the same as an uninterrupted one."""
    words = [run.config["seed"], run.step, turn, run.ranks.rank]
    paddle.seed(int(np.random.SeedSequence(words).generate_state(1)[0]))


def _pictures(network, phase, images, pred):
    src, bgr, _, _ = images
    err = pred.err if phase.name == "base" else pred.err_sm
    shown = {"src": src, "bgr": bgr, "pha": pred.pha, "com": pred.fgr * pred.pha, "err": err}
    if phase.name == "joint":
        with paddle.no_grad():
            shown["ref"] = network.refiner.select(pred.err_sm)
    return {f"train/{name}": picture_row(image.numpy()) for name, image in shown.items()}
