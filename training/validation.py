"""How well a network does on pictures it does not learn from."""
import numpy as np

from dataset.generate import make_sample
from dataset.samples import VALID_STREAM
from evaluation.methods import matter_method
from evaluation.pipeline import evaluate
from evaluation.testset.composed import EvalItem, EvaluationSet
from evaluation.testset.placement import disturb_background
from evaluation.testset.trimap import make_trimap
from media.operations import blend
from model.inference.device import run_network
from model.refinement import NOTHING


def validation_set(config, catalog):
    """The fixed pictures a stage is validated on: ``valid_count`` of them, ``valid_size`` pixels a side.

    Raises:
        UserError: a file is missing or unreadable, or a subject or background is one of the training set, too.
    """
    count, size, seed = config["valid_count"], config["valid_size"], config["seed"]
    if config["dataset_name"] == "stream":
        return [_stream_item(seed, number, size) for number in range(count)]
    for name in (config["dataset_name"], config["background_name"]):
        catalog.check_disjoint(name, "train", "valid")
    return EvaluationSet(
        catalog.pairs(config["dataset_name"], "valid"), catalog.backgrounds(config["background_name"], "valid"),
        size=(size, size), seed=seed, limit=count)


def validate(learner, items, coarse_only):
    """Score a network, with its averaged weights where there are any.

    Args:
        learner: ``training.step.Learner``.
        items: as of ``validation_set``.
        coarse_only: whether to leave the refiner out.

    Returns:
        {"sad", "mse"}: means over the items, each over its unknown region; None where no item has one.
    """
    learner.network.eval()
    matter = _Matter(learner.network, learner.ranks.device, NOTHING if coarse_only else None)
    with learner.averaged():
        _, mean = evaluate(matter_method(matter), items)
    return {"sad": mean["sad"], "mse": mean["mse"]}


def _stream_item(seed, number, size):
    pha, fgr, bgr = make_sample([seed, 0, number, VALID_STREAM], size, size)
    rng = np.random.default_rng([seed, 1, number, VALID_STREAM])
    return EvalItem(f"sample_{number:03d}", blend(fgr, pha, bgr), disturb_background(bgr, rng), pha, fgr, make_trimap(pha))


class _Matter:
    """A network in training as ``model.Matter`` is used; refinement: other than the refiner's own, or None."""

    def __init__(self, network, device, refinement=None):
        self._network, self._device, self._refinement = network, device, refinement

    def predict(self, src, bgr):
        return run_network(self._network, src, bgr, self._device, refinement=self._refinement)
