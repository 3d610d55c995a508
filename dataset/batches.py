"""Batches from worker processes, and what keeps those out of trouble."""
from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import paddle
from paddle import Tensor
from paddle.io import BatchSampler, DataLoader, Dataset

from bgmatting.dataset.samples import ORDER_STREAM, SampleKey
from bgmatting.utils.errors import UserError, one_line


class WorkersFailed(UserError):
    """The processes that prepare batches cannot be started, or one of them ended; no batch was lost before it."""


def read_batches(samples: Dataset, batches: Batches, workers: int) -> Iterator[list[Tensor]]:
    """Yield the batches as lists of tensors (src, bgr, fgr, pha, perhaps trimap), uint8 (B, C, H, W).

    Args:
        samples: ``CompositeSet`` or ``StreamSet``; batches: ``Batches`` over it.
        workers: processes that prepare batches; Paddle copies them to its current device ahead of the one in use, to a GPU
            while that computes. 0 prepares and copies each when its turn comes.
    Raises:
        UserError: a sample cannot be made, whatever the reason.
        WorkersFailed: see there.
    """
    cv2.setNumThreads(0)  # workers are forked, and OpenCV's threads do not survive a fork: a worker would wait for ever
    samples = _Safe(samples)
    for batch in _from_workers(samples, batches, workers) if workers else _from_here(samples, batches):
        if len(batch) == 1:
            raise UserError(bytes(batch[0].numpy()).decode("utf-8", "surrogateescape"))
        yield batch


def read_iterations(samples: Dataset, batches: Batches, workers: int) -> Iterator[list[list[Tensor]]]:
    """Yield lists of the batches of one iteration each; see ``read_batches``."""
    reader = read_batches(samples, batches, workers)
    return map(list, zip(*[reader] * batches.accumulate))


def _from_here(samples, batches):
    # Without paddle's loader, whose thread would end on an error of a sample and leave this one waiting for it.
    for keys in batches:
        yield [paddle.to_tensor(images) for images in _collate([samples[key] for key in keys])]


def _from_workers(samples, batches, workers):
    loader = DataLoader(samples, batch_sampler=batches, num_workers=workers, collate_fn=_collate,
                        worker_init_fn=_start_worker, use_shared_memory=False, use_buffer_reader=True)
    iterator = None
    logging.getLogger().addFilter(_not_of_workers)
    try:
        multiprocessing.Event()  # fails here as it would in the middle of paddle's set-up
        with _own_child_signal():
            iterator = iter(loader)
        while True:
            try:
                batch = next(iterator)
            except StopIteration:
                return
            yield batch
    except (OSError, RuntimeError, SystemError, MemoryError) as error:
        raise WorkersFailed(_why(error, getattr(iterator, "_workers", ()))) from None
    finally:
        # Left in the middle, the iterator would be kept alive by its own thread, and its workers with it.
        getattr(iterator, "_try_shutdown_all", bool)()
        logging.getLogger().removeFilter(_not_of_workers)


def _why(error, workers):
    """The fate of the workers, in a line."""
    codes = [worker.exitcode for worker in workers if worker.exitcode]
    if isinstance(error, OSError) and not codes:
        return (f"the processes that prepare batches cannot be started: {error.strerror or error}. /dev/shm may be full or "
                "not writable; make room there, or use --num-workers 0, which needs none.")
    how = f" (killed by signal {-codes[0]})" if codes and codes[0] < 0 else f" (exit code {codes[0]})" if codes else ""
    return (f"a process that prepares batches ended{how}, perhaps for want of memory or of room in /dev/shm. Run the same "
            "command again with fewer --num-workers, or with --num-workers 0.")


def _not_of_workers(record):
    return not str(record.msg).startswith("DataLoader ")  # said in one line by WorkersFailed


@contextmanager
def _own_child_signal():
    """Paddle's handler for a child's end raises in the middle of whatever runs; the reader notices it between batches."""
    kept = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
    yield
    if kept is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, kept)


class _Safe(Dataset):
    """Samples, or the UserError that says why one cannot be made: not every error can be handed on by a worker."""

    def __init__(self, samples):
        super().__init__()
        self._samples = samples

    def __len__(self):
        return len(self._samples)

    def __getitem__(self, key):
        try:
            return self._samples[key]
        except UserError as error:
            return error
        except Exception as error:  # of any kind, from a decoder or from a bug: training is to stop, not to wait for ever
            reason = f"{type(error).__name__}: {one_line(error)[:300]}"
            return UserError(f"{self._samples.describe(key)} cannot be made: {reason}.")


def _collate(samples):
    """Stack the samples; where one of them is an error, its text alone, since workers cannot hand on exceptions."""
    for sample in samples:
        if isinstance(sample, UserError):
            return [np.frombuffer(str(sample).encode("utf-8", "surrogateescape"), np.uint8)]
    try:
        return [np.stack(images) for images in zip(*samples)]
    except (ValueError, MemoryError) as error:
        return _collate([UserError(f"samples cannot be put into a batch: {one_line(error)}.")])


def _start_worker(_):
    for number in ("SIGTERM", "SIGHUP"):  # the trainer's handlers only note them
        if hasattr(signal, number):
            signal.signal(getattr(signal, number), signal.SIG_DFL)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # signals to the whole group (Ctrl-C, timeout) are for the trainer: it saves, then ends its workers
    parent = os.getppid()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent):
    """A worker that waits for work does not notice that the trainer was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


class Batches(BatchSampler):
    """The batches of one epoch as lists of ``SampleKey``: a seeded shuffle, one crop an iteration, the rest dropped.

    An iteration takes ``accumulate`` batches in each of ``world`` processes. All processes cut the same shuffle, each
    its own pieces of it; together an iteration's batches are the one large batch of a single process.

    Args:
        length: samples in the set.
        batch_size: samples a batch; a smaller set gives one smaller batch.
        crop: (least, most) pixels of a crop's sides, made multiples of ``cell``.
        start: iterations to pass over, where a run goes on in the middle of an epoch.
        accumulate: batches an iteration takes in a process.
        rank, world: number of this process, and how many there are.
    """

    def __init__(self, length: int, batch_size: int, crop: tuple[int, int], seed: int, epoch: int, start: int = 0,
                 accumulate: int = 1, rank: int = 0, world: int = 1, cell: int = 4):
        self.batch_size = batch_length(length, batch_size, accumulate * world)
        self.seed, self.epoch, self.start = seed, epoch, start
        self.accumulate, self.rank, self.world = accumulate, rank, world
        rng = np.random.default_rng([seed, epoch, 0, ORDER_STREAM])
        self._order = rng.permutation(length)
        least, most = (side // cell for side in crop)
        self._sides = rng.integers(least, most + 1, (length // (self.batch_size * accumulate * world), 2)) * cell

    def __len__(self):
        return (len(self._sides) - self.start) * self.accumulate

    def __iter__(self):
        for number in range(self.start, len(self._sides)):
            yield from self.iteration(number)

    def iteration(self, number: int) -> Iterator[list[SampleKey]]:
        """The batches of one iteration of the epoch."""
        height, width = (int(side) for side in self._sides[number])
        first = (number * self.accumulate * self.world + self.rank) * self.batch_size
        for at in range(first, first + self.accumulate * self.world * self.batch_size, self.world * self.batch_size):
            yield [SampleKey(self.seed, self.epoch, int(sample), height, width)
                   for sample in self._order[at:at + self.batch_size]]


def batch_length(length: int, batch_size: int, batches: int) -> int:
    """Samples in each of the ``batches`` of one iteration: ``batch_size``, or less where a set of ``length`` is small.

    Raises UserError: not even one sample for each.
    """
    if length < batches:
        raise UserError(f"{length} samples are too few for iterations of {batches} batches (accumulate x processes).")
    return min(batch_size, length // batches)
