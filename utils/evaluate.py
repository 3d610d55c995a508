"""Scoring a matting method on a benchmark: for ``eval.py``, and for validation while training.

A method is a function ``predict(src_u8, bgr_u8) -> (pha_u8, fgr_u8 or None)`` on uint8 RGB (H, W, 3) pictures.
"""
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from utils.errors import UserError
from utils.keying import difference_key
from utils.metrics import conn, fg_mse, grad, mse, sad

METRICS = ("sad", "mse", "grad", "conn", "fg_mse")
CELL = 4  # the benchmark script of Lin et al. cuts pictures at the right and the bottom to a multiple of this


def evaluate(predict, items, workers=0):
    """Score one method.

    Args:
        predict: (src_u8, bgr_u8) -> (pha_u8, fgr_u8 or None).
        items: an ``EvaluationSet``, or any sequence of ``EvalItem``.
        workers: threads that prepare the next items meanwhile; 0 prepares each when its turn comes.

    Returns:
        (rows, mean): one dict per item in the order of ``items``, as ``score`` gives it, and ``mean_of(rows)``.

    Raises:
        UserError: ``items`` is empty.
    """
    rows = [scored["method"] for scored in compare({"method": predict}, items, workers)]
    return rows, mean_of(rows)


def compare(methods, items, workers=0):
    """Score several methods on the same pictures, item by item.

    Args:
        methods: {word: predict}.
        items, workers: as ``evaluate``.

    Yields:
        {word: row}, rows as ``score`` gives them, in the order of ``items``.
    """
    for item in ahead(items, workers):
        yield {word: score(item, *predict(item.src, item.bgr)) for word, predict in methods.items()}


def score(item, pha, fgr=None):
    """The five errors of one prediction, in plain units (tables show both MSE times 1000).

    Args:
        item: ``EvalItem``.
        pha: predicted alpha, uint8 (H, W).
        fgr: predicted foreground, uint8 RGB (H, W, 3), or None.

    Returns:
        {"name": str, "sad": float, "mse": float, "grad": float, "conn": float, "fg_mse": float or None}

    Raises:
        ValueError: the prediction is not uint8 or of another size than the item.
    """
    true, trimap = _cut(item.pha), _cut(item.trimap)
    row = {"name": item.name}
    for metric in (sad, mse, grad, conn):
        row[metric.__name__] = metric(_cut(pha), true, trimap)
    row["fg_mse"] = None if fgr is None else fg_mse(_cut(fgr), _cut(item.fgr), true, trimap)
    return row


def mean_of(rows):
    """{metric: mean over ``rows``}; None where no row has a value.

    Raises:
        UserError: there are no rows.
    """
    if not rows:
        raise UserError("nothing was evaluated: the benchmark is empty.")
    mean = {}
    for metric in METRICS:
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


def _cut(image):
    height, width = (side // CELL * CELL for side in image.shape[:2])
    return np.ascontiguousarray(image[:height, :width])


def _to_u8(values):
    if not np.isfinite(values).all():
        raise UserError("the network answers with numbers that are not finite; these weights cannot be used.")
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
