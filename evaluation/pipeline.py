"""Several methods on the same images: images are made, networks run and errors computed at the same time.

Threads make the images, this process runs the networks, and worker processes run the baselines and the metrics. What
a worker imports brings no network library in. The figures do not depend on the number of workers.
"""
from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.evaluation.baselines import BASELINES
from bgmatting.evaluation.gallery import encoded, file_words
from bgmatting.evaluation.protocols import PROTOCOLS, Protocol
from bgmatting.evaluation.scoring import mean_of, score
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.media import write_image
from bgmatting.media.operations import shrunk
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import cut_name

MOST_THREADS = 8


class Scored(NamedTuple):
    """One image's outcome: rows {method: row}, and small images: {"src", "bgr", "truth", "trimap": (suffix, bytes),
    "pred": {method: (suffix, bytes)}}.
    """
    name: str
    rows: dict
    pictures: dict


class _Started(NamedTuple):
    item: object
    mattes: dict      # method -> (pha, fgr)
    baselines: dict   # method -> Future of pha


def measure(items: Sequence[EvalItem], protocol: Protocol, methods: dict, baselines: Iterable[str], workers: int,
            keep: Path | None = None) -> Iterator[Scored]:
    """Score methods and baselines on every image of a benchmark.

    Args:
        items: sequence of ``evaluation.testset.composed.EvalItem``; frames of a clip follow each other where
            ``protocol.sequences`` is set, and are called CLIP/FRAME.
        methods: {name: (EvalItem) -> (pha, fgr_u8 or None)}, pha as ``score`` takes it; called in this process, one after
            the other.
        baselines: names of ``evaluation.baselines.BASELINES``.
        workers: processes for the rest; 0 does all in this process.
        keep: None, or a folder for all mattes at full size: METHOD/NAME.png, 8 bits.
    Yields ``Scored`` for each item, in their order, once it is ready.
    Raises UserError: as ``items`` and methods do, or a worker process died.
    """
    pool = _pool(workers)
    try:
        folders = {name: keep / word for name, word in file_words((*methods, *baselines)).items()} if keep else {}
        yield from _in_order(items, partial(_score_all, protocol, folders), methods, baselines, pool, workers,
                             protocol.sequences)
    except BrokenProcessPool:
        raise UserError("a worker process ended by itself, perhaps for want of memory. Use fewer --workers.") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(items, score_all, methods, baselines, pool, workers, sequences):
    started, scoring, before = deque(), deque(), None
    for item in ahead(items, min(workers, MOST_THREADS)):
        mattes = {name: method(item) for name, method in methods.items()}
        futures = {name: pool.submit(_baseline, name, item.src, item.bgr) for name in baselines}
        started.append(_Started(item, mattes, futures))
        if len(started) > workers:
            before = _submit(started.popleft(), score_all, before if sequences else None, pool, scoring)
        while len(scoring) > workers + 1:
            yield scoring.popleft().result()
    while started:
        before = _submit(started.popleft(), score_all, before if sequences else None, pool, scoring)
    while scoring:
        yield scoring.popleft().result()


def _submit(started, score_all, before, pool, scoring):
    """Send one item to be scored; returns what the next one needs of it."""
    item, mattes = started.item, dict(started.mattes)
    for name, future in started.baselines.items():
        mattes[name] = future.result(), None
    frames = {}
    if before is not None and _clip(before.item.name) == _clip(item.name):
        frames = {name: (before.mattes[name][0], before.item.pha) for name in mattes}
    colour = item.src if started.baselines else None
    small = item._replace(src=shrunk(item.src), bgr=None if item.bgr is None else shrunk(item.bgr))
    scoring.append(pool.submit(score_all, small, mattes, frames, colour))
    return _Started(item, mattes, {})


def _clip(name):
    return name.rpartition("/")[0]


def _baseline(name, src, bgr):
    return BASELINES[name](src, bgr)


def _score_all(protocol, folders, item, mattes, frames, colour):
    """In a worker: the rows and small images of one item, whose src and bgr are small already.

    Args:
        folders: {method: folder} for its mattes at full size; empty where they are not kept.
        colour: the foreground of the baselines: the photo.
    """
    rows, pictures = {}, {"src": encoded(item.src), "truth": encoded(shrunk(item.pha)), "pred": {}}
    if item.bgr is not None:
        pictures["bgr"] = encoded(item.bgr)
    if item.trimap is not None:
        pictures["trimap"] = encoded(shrunk(item.trimap))
    for name, (pha, fgr) in mattes.items():
        rows[name] = score(protocol, item, pha, colour if name in BASELINES else fgr, frames.get(name))
        shown = pha if pha.dtype == np.uint8 else np.rint(pha * 255).astype(np.uint8)
        if name in folders:
            above, _, last = item.name.rpartition("/")
            write_image(folders[name] / above / f"{cut_name(last, len('.png'))}.png", shown)
        pictures["pred"][name] = encoded(shrunk(shown))
    return Scored(item.name, rows, pictures)


def _pool(workers):
    if workers < 1:
        return _Inline()
    # "spawn" works on every system and brings nothing of this process along: no threads, no network library.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)


def _begin():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which then stops the workers
    cv2.setNumThreads(1)


class _Inline:
    """A pool that does the work at once, here."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future

    def shutdown(self, wait=True, cancel_futures=False):
        """Nothing is under way."""


def evaluate_items(predict: Callable, items: Sequence[EvalItem]) -> tuple[list[dict], dict]:
    """Score one method by the errors of the protocol "paper", one item after the other in this process.

    Args:
        predict: (EvalItem) -> (pha_u8, fgr_u8 or None).
        items: sequence of ``EvalItem``.
    Returns (rows, mean): one dict per item in the order of ``items``, as ``score`` gives it, and ``mean_of(rows)``.
    Raises UserError: ``items`` is empty.
    """
    rows = [score(PROTOCOLS["paper"], item, *predict(item)) for item in items]
    return rows, mean_of(rows)


def ahead(items: Sequence, workers: int) -> Iterator:
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
