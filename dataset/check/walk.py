"""Inspecting all items of a set in worker processes, in bounded memory."""
import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

import cv2

from dataset.check.item import inspect_background, inspect_pair
from utils.errors import UserError

CHUNK = 16           # neighbours go to one worker, so that the frames of a video are decoded in turn
CHUNKS_IN_FLIGHT = 3  # per worker


def inspect_set(items, workers):
    """Yield the ``Facts`` of each item, in the order of the set.

    Args:
        items: ``PairSet`` or ``BackgroundSet``.
        workers: processes; 0 does it in this one.
    Raises:
        UserError: a worker was killed, most likely for want of memory.
    """
    if workers == 0:
        yield from (_inspect(*task) for task in _tasks(items))
        return
    tasks, flying = _tasks(items), deque()
    # Spawned, not forked: OpenCV's threads, started here by whoever read a picture before, do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start_worker) as pool:
        try:
            while True:
                for chunk in iter(lambda: list(islice(tasks, CHUNK)), []):
                    flying.append(pool.submit(_inspect_chunk, chunk))
                    if len(flying) >= CHUNKS_IN_FLIGHT * workers:
                        break
                if not flying:
                    return
                yield from flying.popleft().result()
        except BrokenProcessPool:
            raise UserError("a worker process was killed, most likely for want of memory. Use fewer "
                            "--workers.") from None
        finally:
            for chunk in flying:
                chunk.cancel()


def _tasks(items):
    """(function, its arguments ...) for each item, small enough to be sent to a worker."""
    if hasattr(items, "read"):
        return ((inspect_pair, index, items.read, files) for index, files in enumerate(items.files))
    return ((inspect_background, index, items.path(index)) for index in range(len(items)))


def _inspect_chunk(tasks):
    return [_inspect(*task) for task in tasks]


def _inspect(function, *args):
    return function(*args)


def _start_worker():
    cv2.setNumThreads(1)  # the processes are the parallelism
