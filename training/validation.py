"""How well a network does on images it does not learn from."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.dataset.catalog import Catalog
from bgmatting.dataset.generate import make_sample
from bgmatting.dataset.samples import VALID_STREAM
from bgmatting.dataset.stream import open_stream
from bgmatting.evaluation.methods import as_u8
from bgmatting.evaluation.pipeline import evaluate_items
from bgmatting.evaluation.protocols import trimap_rule
from bgmatting.evaluation.testset.composed import EvalItem, EvaluationSet
from bgmatting.evaluation.testset.photos import PhotoTestSet
from bgmatting.evaluation.testset.placement import disturb_background
from bgmatting.evaluation.testset.trimap import trimap_of
from bgmatting.media.operations import blend
from bgmatting.model.weights import load_state
from bgmatting.training.lessons import find_lesson
from bgmatting.training.log import RunLog

if TYPE_CHECKING:
    from bgmatting.training.step import Learner


def validation_set(config: dict, catalog: Catalog) -> Sequence[EvalItem]:
    """The fixed images a stage is validated on: ``valid_count`` of them, ``valid_size`` pixels a side.

    They are spread over all subjects and clips of the validation part, and the same each time they are asked for. For
    methods that see one photo alone, sets of photos are taken as they are, their longer sides made ``valid_size`` at most.
    Errors count by ``evaluation.protocols.trimap_rule``; items have no trimap where the whole image does.

    Raises:
        UserError: a file is missing or unreadable, or a subject or background is one of the training set, too.
    """
    count, size, seed = config["valid_count"], config["valid_size"], config["seed"]
    lesson = find_lesson(config["method"])
    rule = trimap_rule(lesson.method.needs)
    if config["dataset_name"] == "stream":
        stream = open_stream(config, valid=True)
        make = stream.sample if stream else make_sample
        return [_stream_item(make, seed, number, size, rule, config["stream_kinds"]) for number in range(count)]
    if lesson.trimap and catalog.holds_photos(config["dataset_name"]):
        catalog.check_disjoint(config["dataset_name"], "train", "valid")
        photos, lines = catalog.photos(config["dataset_name"], "valid"), catalog.listed(config["dataset_name"], "valid")
        if lines and any(line.trimap for line in lines):
            return PhotoTestSet([lines[place] for place in spread([line.name for line in lines], count)], rule, size)
        return PhotoTestSet(photos.subset(spread(photos.subjects, count)), rule, size)
    for name in (config["dataset_name"], config["background_name"]):
        catalog.check_disjoint(name, "train", "valid")
    pairs = catalog.pairs(config["dataset_name"], "valid")
    return EvaluationSet(pairs.subset(spread(pairs.subjects, count)),
                         catalog.backgrounds(config["background_name"], "valid"), size=(size, size), seed=seed,
                         trimap=rule)


def spread(subjects: Sequence[str], count: int) -> list[int]:
    """Return which ``count`` items to take, ascending, so that every subject is seen as often as any other, at even
    distances: all where there are no more; of more subjects than ``count``, one item each of some. ``subjects``: the
    subject of each item."""
    items = {}
    for number, subject in enumerate(subjects):
        items.setdefault(subject, []).append(number)
    if count < len(items):
        items = [list(items.values())[place] for place in _even(len(items), count)]
        return sorted(numbers[len(numbers) // 2] for numbers in items)
    shares, left = {}, min(count, len(subjects))
    for position, subject in enumerate(sorted(items, key=lambda name: len(items[name]))):  # small ones leave more to others
        shares[subject] = min(len(items[subject]), left // (len(items) - position))
        left -= shares[subject]
    return sorted(items[subject][place] for subject, share in shares.items()
                  for place in _even(len(items[subject]), share))


def _even(length, count):
    """``count`` of ``length`` places, each in the middle of its stretch."""
    return [(2 * number + 1) * length // (2 * count) for number in range(count)]


def validate(learner: Learner, items: Sequence[EvalItem], coarse_only: bool) -> dict:
    """Score a network, with its averaged weights where there are any and without its refiner where ``coarse_only``.
    Returns {"sad", "mse"}: means over the items, each over its unknown region, or all of it; None where no item has one."""
    with learner.averaged():
        return _score(learner, items, coarse_only)


def validate_arrays(learner: Learner, arrays: dict[str, np.ndarray], items: Sequence[EvalItem], coarse_only: bool) -> dict:
    """``validate`` with other weights in the network, {name: ndarray}; those it has are put back."""
    own = {name: value.numpy() for name, value in learner.network.state_dict().items()}
    load_state(learner.network, arrays, partial=True)
    try:
        return _score(learner, items, coarse_only)
    finally:
        load_state(learner.network, own)


def tell(score: dict, phase: str, step: int, log: RunLog) -> None:
    """Say and record a ``score`` of ``validate`` in a ``training.log.RunLog``."""
    log.info(f"[EVAL] {phase} iter: {step}, SAD: {told(score['sad'], 4)}, MSE x1000: {told(score['mse'], 4, 1e3)}")
    if score["sad"] is None:
        log.warn("no validation image has a pixel at the subject's edge to score, so no model is the best. Look at the "
                 "masks: python -m bgmatting check NAME.")
    else:
        log.scalars({"valid/sad": score["sad"], "valid/mse": score["mse"]}, step)


def told(value: float | None, digits: int, times: float = 1) -> str:
    """A score as text; "-" where there was nothing to score."""
    return "-" if value is None else f"{value * times:.{digits}f}"


def _score(learner, items, coarse_only):
    learner.network.eval()

    def predict(item):
        pha, fgr = learner.lesson.judge(learner.network, item, learner.ranks.device, coarse_only)
        return as_u8(pha), None if fgr is None else as_u8(fgr)

    _, mean = evaluate_items(predict, items)
    return {"sad": mean["sad"], "mse": mean["mse"]}


def _stream_item(make, seed, number, size, rule, kinds):
    kind = kinds[number % len(kinds)] if kinds else None
    pha, fgr, bgr = make([seed, 0, number, VALID_STREAM], size, size, kind=kind)
    rng = np.random.default_rng([seed, 1, number, VALID_STREAM])
    return EvalItem(f"sample_{number:03d}", blend(fgr, pha, bgr), disturb_background(bgr, rng), pha, fgr,
                    trimap_of(pha, rule))
