"""Reading the next photos, matting one, and writing the last one, side by side."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bgmatting.prediction.backdrop import Backdrop
from bgmatting.prediction.photos.plan import Job
from bgmatting.prediction.photos.sheet import Sheet
from bgmatting.prediction.progress import Photo
from bgmatting.prediction.rendering import Canvas, deepened, wanted_of, write_pictures
from bgmatting.utils.errors import UserError, no_space

MOST_TEXT = 200     # characters of a foreign error that are shown
LARGE = 16_000_000  # pixels: from here on one photo at a time, since memory counts more than time


def reason_of(error: BaseException) -> str:
    """Why a photo could not be done, from what reading, matting or writing it raised."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return "it takes more memory than there is. Scale it down, or set --max-memory."
    text = " ".join(str(error).split())
    return f"unexpected {type(error).__name__}: {text[:MOST_TEXT]}" if text else f"unexpected {type(error).__name__}"


class Work:
    """Does jobs. done: photos that were written. failures: those that could not be done.

    Args:
        read: job -> ``Pair``; raises UserError.
        matter: a ``model.Matter``, or anything whose predict(src, bgr, want) gives pha, fgr, err and ref, and hands
            large ones to its argument ``rows`` in strips.
        bits: 8 or 16 a channel of the images. backdrop: of com, or None for cut-outs. sheet: shows the first photos.
        report: called with a ``prediction.progress.Photo`` after each photo; what it raises ends the work.
    """

    def __init__(self, read: Callable, matter: Any, bits: int = 8, backdrop: Backdrop | None = None,
                 sheet: Sheet | None = None, report: Callable | None = None, premultiplied: bool = False, crop: Any = None):
        self._premultiplied, self._crop = premultiplied, crop
        self._read, self._matter, self._bits, self._backdrop, self._sheet = read, matter, bits, backdrop, sheet
        self._report = report or (lambda _: None)
        self.done, self.failures = [], []

    def run(self, jobs: Iterable[Job], stopped: Callable[[], bool] = lambda: False) -> None:
        """Do ``jobs`` until they are done or ``stopped()``; a photo under way is finished. Raises OSError where the disk is
        full; what has been written until then is whole."""
        rest, writing = iter(jobs), None
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
            def read_next():
                job = next(rest, None)
                return job and (job, reader.submit(self._read, job))

            ahead = read_next()
            while ahead and not stopped():
                (job, reading), ahead = ahead, None
                try:
                    pair = reading.result()
                    large = pair.src.shape[0] * pair.src.shape[1] >= LARGE
                    ahead = None if large else read_next()
                    matte, canvas, seconds = self._matte(job, pair, large)
                except Exception as error:  # whatever a decoder or the network does over one file, the others are done
                    self._fail(job, error)
                    ahead = ahead or read_next()
                    continue
                if writing:
                    self._finish(*writing)
                writing = job, pair, seconds, writer.submit(self._write, job, pair, matte, canvas)
                del matte, canvas, pair, reading
                if large:
                    self._finish(*writing)
                    writing, ahead = None, read_next()
            if writing:
                self._finish(*writing)

    def _matte(self, job, pair, large):
        """(a matte, an empty ``Canvas``, seconds that it took); for a large photo that no sheet shows (None, its ``Canvas``,
        seconds)."""
        shown = self._sheet is not None and self._sheet.room
        wanted = wanted_of((*job.outputs, *(["com"] if shown else []), *(["pha"] if self._crop is not None else [])))
        start, matte = time.perf_counter(), None
        more = {} if pair.trimap is None else {"trimap": pair.trimap}
        if large and not shown:
            canvas = self._canvas(job, pair)

            def add(top, rows):
                canvas.add(top, _deepened(rows, pair, top))
            self._matter.predict(pair.src, pair.bgr, wanted, rows=add, **more)
            seconds = time.perf_counter() - start
        else:
            matte = _deepened(self._matter.predict(pair.src, pair.bgr, wanted, **more), pair)
            seconds = time.perf_counter() - start
            canvas = self._canvas(job, pair)
        return matte, canvas, seconds

    def _canvas(self, job, pair):
        """An empty ``Canvas``, before the backdrop's image of this photo: asked for here, by one thread and in order."""
        behind = None
        if self._backdrop is not None:
            behind = self._backdrop.frame(job.index, pair.src if pair.deep is None else pair.deep, pair.bgr)
        return Canvas(job.outputs, pair.src.shape[:2], self._bits, behind, self._premultiplied, self._crop)

    def _write(self, job, pair, matte, canvas):
        if matte is not None:
            canvas.add(0, matte)
        write_pictures(job.outputs, canvas.pictures, self._backdrop is None, matte is None, self._premultiplied)
        if self._sheet is not None and matte is not None and matte.pha is not None and matte.fgr is not None:
            self._sheet.add(job.name, pair, matte, canvas.behind)

    def _fail(self, job, error):
        if no_space(error):
            raise error
        self.failures.append(Photo(job, reason=reason_of(error)))
        self._report(self.failures[-1])

    def _finish(self, job, pair, seconds, writing):
        try:
            writing.result()
        except Exception as error:
            self._fail(job, error)
            return
        self.done.append(Photo(job, (pair.src.shape[1], pair.src.shape[0]), seconds, tuple(pair.notes)))
        self._report(self.done[-1])


def _deepened(matte, pair, top=0):
    """A matte, or rows of one from ``top`` on, with the depth of src where that has more than 8 bits."""
    if pair.deep is None or matte is None or matte.fgr is None:
        return matte
    rows = slice(top, top + len(matte.fgr))
    return deepened(matte, pair.src[rows], pair.deep[rows])
