"""Scoring one matting method on a benchmark, as validation does while training; ``utils.pipeline`` compares several.

A method is a function ``predict(src_u8, bgr_u8) -> (pha_u8, fgr_u8 or None)`` on uint8 RGB (H, W, 3) pictures.
"""
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from utils import scoring
from utils.errors import UserError
from utils.keying import difference_key
from utils.protocols import PROTOCOLS, UNKNOWN_REGION

METRICS = tuple(UNKNOWN_REGION)


class Result(NamedTuple):
    """What one method scored: a row per picture, their mean, and what the method was run with."""
    rows: list
    mean: dict
    settings: Any = None


def evaluate(predict, items, workers=0):
    """Score one method by the errors over the unknown region (``METRICS``).

    Args:
        predict: (src_u8, bgr_u8) -> (pha_u8, fgr_u8 or None).
        items: an ``EvaluationSet``, or any sequence of ``EvalItem``.
        workers: threads that prepare the next items meanwhile; 0 prepares each when its turn comes.

    Returns:
        (rows, mean): one dict per item in the order of ``items``, as ``score`` gives it, and ``mean_of(rows)``.

    Raises:
        UserError: ``items`` is empty.
    """
    rows = [score(item, *predict(item.src, item.bgr)) for item in ahead(items, workers)]
    return rows, mean_of(rows)


def score(item, pha, fgr=None):
    """``utils.scoring.score`` with the errors over the unknown region: sad, mse, grad, conn and fg_mse."""
    return scoring.score(PROTOCOLS["paper"], item, pha, fgr)


def mean_of(rows):
    """{metric: mean over ``rows``}; None where no row has a value.

    Raises:
        UserError: there are no rows.
    """
    if not rows:
        raise UserError("nothing was evaluated: the benchmark is empty.")
    mean = {}
    for metric in rows[0]:
        if metric == "name":
            continue
        values = [row[metric] for row in rows if row[metric] is not None]
        mean[metric] = sum(values) / len(values) if values else None
    return mean


def matter_method(matter):
    """The method of a ``model.Matter``.

    Raises (when called):
        UserError: the network's answer is not finite, as after a training that diverged.
    """
    def predict(src, bgr):
        matte = matter.predict(src, bgr)
        return _to_u8(matte.pha), _to_u8(matte.fgr)

    return predict


def keying_method(src, bgr):
    """The baseline as a method: difference keying, with the photo itself for a foreground."""
    return difference_key(src, bgr), src


def ahead(items, workers):
    """Iterate over ``items[0]``, ``items[1]`` ... while ``workers`` threads make the next ones. Order is kept."""
    if workers < 1:
        yield from (items[index] for index in range(len(items)))
        return
    with ThreadPoolExecutor(workers) as pool:
        pending = deque()
        try:
            for index in range(len(items)):
                pending.append(pool.submit(items.__getitem__, index))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _to_u8(values):
    if not np.isfinite(values).all():
        raise UserError("the network answers with numbers that are not finite; these weights cannot be used.")
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
