"""Batches from worker processes, and what keeps those out of trouble."""
import os
import threading
import time

import cv2
import numpy as np
from paddle.io import DataLoader

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
                raise UserError(bytes(batch[0].numpy()).decode())
            yield batch
    finally:
        # Left in the middle, the iterator would be kept alive by its own thread, and its workers with it.
        getattr(iterator, "_try_shutdown_all", bool)()


def _collate(samples):
    """Stack the samples; where one of them is an error, its text alone, since workers cannot hand on exceptions."""
    for sample in samples:
        if isinstance(sample, UserError):
            return [np.frombuffer(str(sample).encode(), np.uint8)]
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
