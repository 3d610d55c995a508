"""Batches from worker processes, and what keeps those out of trouble."""
import os
import threading
import time

import cv2
import numpy as np
from paddle.io import BatchSampler, DataLoader

from dataset.samples import ORDER_STREAM, SampleKey
from utils.errors import UserError


def read_batches(samples, batches, workers):
    """Yield the batches as lists of tensors (src, bgr, fgr, pha), uint8 (B, C, H, W).

    Args:
        samples: ``CompositeSet`` or ``StreamSet``; batches: ``Batches`` over it.
        workers: processes that prepare batches; 0 prepares each when its turn comes.

    Raises:
        UserError: a picture cannot be read.
    """
    cv2.setNumThreads(0)  # workers are forked, and OpenCV's threads do not survive a fork: a worker would wait for ever
    loader = DataLoader(samples, batch_sampler=batches, num_workers=workers, collate_fn=_collate,
                        worker_init_fn=_start_worker, use_shared_memory=False)
    iterator = iter(loader)
    try:
        for batch in iterator:
            if len(batch) == 1:
                raise UserError(bytes(batch[0].numpy()).decode("utf-8", "surrogateescape"))
            yield batch
    finally:
        # Left in the middle, the iterator would be kept alive by its own thread, and its workers with it.
        getattr(iterator, "_try_shutdown_all", bool)()


def _collate(samples):
    """Stack the samples; where one of them is an error, its text alone, since workers cannot hand on exceptions."""
    for sample in samples:
        if isinstance(sample, UserError):
            return [np.frombuffer(str(sample).encode("utf-8", "surrogateescape"), np.uint8)]
    return [np.stack(images) for images in zip(*samples)]


def _start_worker(_):
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
        crop: (least, most) pixels of a crop's sides, made multiples of 4.
        start: iterations to pass over, where a run goes on in the middle of an epoch.
        accumulate: batches an iteration takes in a process.
        rank, world: number of this process, and how many there are.
    """

    def __init__(self, length, batch_size, crop, seed, epoch, start=0, accumulate=1, rank=0, world=1):
        self.batch_size = batch_length(length, batch_size, accumulate * world)
        self.seed, self.epoch, self.start = seed, epoch, start
        self.accumulate, self.rank, self.world = accumulate, rank, world
        rng = np.random.default_rng([seed, epoch, 0, ORDER_STREAM])
        self._order = rng.permutation(length)
        least, most = (side // 4 for side in crop)
        self._sides = rng.integers(least, most + 1, (length // (self.batch_size * accumulate * world), 2)) * 4

    def __len__(self):
        return (len(self._sides) - self.start) * self.accumulate

    def __iter__(self):
        for number in range(self.start, len(self._sides)):
            yield from self.iteration(number)

    def iteration(self, number):
        """The batches of one iteration of the epoch."""
        height, width = (int(side) for side in self._sides[number])
        first = (number * self.accumulate * self.world + self.rank) * self.batch_size
        for at in range(first, first + self.accumulate * self.world * self.batch_size, self.world * self.batch_size):
            yield [SampleKey(self.seed, self.epoch, int(sample), height, width)
                   for sample in self._order[at:at + self.batch_size]]


def batch_length(length, batch_size, batches):
    """Samples in each of the ``batches`` of one iteration: ``batch_size``, or less where a set of ``length`` is small.

    Raises:
        UserError: not even one sample for each.
    """
    if length < batches:
        raise UserError(f"{length} samples are too few for iterations of {batches} batches (accumulate x processes).")
    return min(batch_size, length // batches)
