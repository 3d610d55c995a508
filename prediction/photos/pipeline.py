"""Reading the next photos, matting one, and writing the last one, side by side."""
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from bgmatting.prediction.outputs import deepened
from bgmatting.utils.errors import UserError, no_space

MOST_TEXT = 200     # signs of a foreign error that are shown
LARGE = 16_000_000  # pixels: from here on one photo at a time, since memory counts more than time


def reason_of(error):
    """Why a photo could not be done, from what reading, matting or writing it raised."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return "it takes more memory than there is. Scale it down, or set --max-memory."
    text = " ".join(str(error).split())
    return f"unexpected {type(error).__name__}: {text[:MOST_TEXT]}" if text else f"unexpected {type(error).__name__}"


class Work:
    """Does jobs; keeps what failed, and how many are done.

    Args:
        read: job -> ``Pair``; raises UserError.
        matter: a ``model.Matter``, or anything whose predict(src, bgr, want) gives pha, fgr, err and ref, and hands large
            ones to its argument ``rows`` in strips.
        outputs: an ``Outputs``.
        sheet: None, or a ``Sheet`` that shows the first photos.
        report: None, or called with (job, (width, height), seconds of the network, notes) after each photo is written.
        failed: None, or called with (job, reason) after each photo that could not be done.
    Attributes:
        done: number of photos written. failures: [(name, reason)].
    """

    def __init__(self, read, matter, outputs, sheet=None, report=None, failed=None):
        self._read, self._matter, self._outputs, self._sheet = read, matter, outputs, sheet
        self._report, self._failed = report or (lambda *_: None), failed or (lambda *_: None)
        self.done, self.failures = 0, []

    def run(self, jobs, stopped=lambda: False):
        """Do ``jobs`` until they are done or ``stopped()``; a photo under way is finished.

        Raises:
            OSError: the disk is full. What has been written until then is whole.
        """
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
            rest, writing = enumerate(jobs), deque()
            ahead = self._next(reader, rest)
            while ahead and not stopped():
                (index, job), reading = ahead
                pair, ahead = self._result(job, reading), None
                if pair is None:
                    ahead = self._next(reader, rest)
                    continue
                large = pair.src.shape[0] * pair.src.shape[1] >= LARGE
                if not large:
                    ahead = self._next(reader, rest)
                matte, canvas, seconds = self._matted(job, index, pair, large)
                if seconds is None:
                    ahead = ahead or self._next(reader, rest)
                    continue
                while writing:
                    self._finish(*writing.popleft())
                writing.append((job, pair, seconds,
                                writer.submit(canvas.write, job.outputs) if canvas is not None else
                                writer.submit(self._write, job, index, pair, matte)))
                del matte, canvas, pair
                if large:
                    self._finish(*writing.popleft())
                    ahead = self._next(reader, rest)
            while writing:
                self._finish(*writing.popleft())

    def _next(self, reader, rest):
        item = next(rest, None)
        return item and (item, reader.submit(self._read, item[1]))

    def _matted(self, *photo):
        """As ``_matte``; seconds is None, and there is a failure, where the network cannot do it."""
        try:
            return self._matte(*photo)
        except Exception as error:
            self._fail(photo[0], error)
            return None, None, None

    def _matte(self, job, index, pair, large):
        """(a matte, None, seconds that it took); for a large photo that no sheet shows (None, a ``Canvas``, seconds)."""
        shown = self._sheet is not None and self._sheet.room
        wanted = self._outputs.wants((*job.outputs, "com") if shown else job.outputs)
        start, canvas = time.perf_counter(), None
        more = {} if pair.trimap is None else {"trimap": pair.trimap}
        if large and not shown:
            canvas = self._outputs.canvas(job.outputs, pair.src.shape[:2], self._behind(index, pair))

            def add(top, rows):
                canvas.add(top, _deepened(rows, pair, top))
            matte = self._matter.predict(pair.src, pair.bgr, wanted, rows=add, **more)
        else:
            matte = _deepened(self._matter.predict(pair.src, pair.bgr, wanted, **more), pair)
        return matte, canvas, time.perf_counter() - start

    def _write(self, job, index, pair, matte):
        behind = self._behind(index, pair)
        self._outputs.write(job.outputs, matte, behind)
        if self._sheet is not None and matte.pha is not None and matte.fgr is not None:
            self._sheet.add(job.name, pair, matte, behind)

    def _behind(self, index, pair):
        return self._outputs.background(index, pair.src if pair.deep is None else pair.deep, pair.bgr)

    def _result(self, job, future):
        """What ``future`` gives; None, and a failure, where it raises: whatever a decoder does over one file, the others are
        done."""
        try:
            return future.result()
        except Exception as error:
            self._fail(job, error)
            return None

    def _fail(self, job, error):
        if no_space(error):
            raise error
        self.failures.append((job.name, reason_of(error)))
        self._failed(job, reason_of(error))

    def _finish(self, job, pair, seconds, writing):
        count = len(self.failures)
        self._result(job, writing)
        if len(self.failures) == count:
            self.done += 1
            self._report(job, (pair.src.shape[1], pair.src.shape[0]), seconds, pair.notes)


def _deepened(matte, pair, top=0):
    """A matte, or rows of one from ``top`` on, with the depth of src where that has more than 8 bits."""
    if pair.deep is None or matte is None or matte.fgr is None:
        return matte
    rows = slice(top, top + len(matte.fgr))
    return deepened(matte, pair.src[rows], pair.deep[rows])
