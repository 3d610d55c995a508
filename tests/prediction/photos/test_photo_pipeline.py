"""Reading, matting and writing overlap, in order, with little in memory; failures and stops leave the rest whole."""
import threading
import time
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from bgmatting.prediction.photos import pipeline as module
from bgmatting.prediction.photos.pairs import Pair
from bgmatting.prediction.photos.pipeline import Work
from bgmatting.prediction.photos.plan import Job
from bgmatting.utils.errors import UserError

Matte = namedtuple("Matte", "pha fgr err ref")
PHOTO = np.zeros((2, 2, 3), np.uint8)


class Stage:
    """Stands for reader, network and outputs; keeps what happened, and how many pairs were in the making at once."""

    def __init__(self, bad=(), unwritable=()):
        self.bad, self.unwritable, self.events, self.alive, self.most = bad, unwritable, [], 0, 0
        self._lock = threading.Lock()

    def read(self, job):
        with self._lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        self.events.append(f"read {job.name}")
        if job.name in self.bad:
            self.alive -= 1
            raise UserError(f"bad {job.name}")
        return Pair(PHOTO, PHOTO, [])

    def predict(self, src, bgr, want, rows=None):
        time.sleep(0.01)
        self.events.append("predict")
        matte = Matte(None, None, None, None)
        return matte if rows is None else rows(0, matte)

    def canvas(self, types, size, behind):
        return SimpleNamespace(add=lambda top, matte: None, write=lambda paths: self.write(paths, None, behind))

    def wants(self, types):
        return ("pha",)

    def background(self, index, src, bgr):
        self.events.append(f"index {index}")

    def write(self, paths, matte, behind):
        name = next(iter(paths.values()))
        self.events.append(f"write {name}")
        with self._lock:
            self.alive -= 1
        if name in self.unwritable:
            raise UserError(f"cannot write {name}")
        if name == "full":
            raise OSError(28, "No space left on device")


def jobs(*names):
    return [Job(name, name, name, {"pha": name}) for name in names]


def test_failures_do_not_stop_the_rest_and_indices_are_those_of_the_jobs():
    stage, told, failed = Stage(bad=("b", "e"), unwritable=("c",)), [], []
    work = Work(stage.read, stage, stage, report=lambda job, *_: told.append(job.name),
                failed=lambda job, reason: failed.append(job.name))
    work.run(jobs("a", "b", "c", "d", "e"))
    assert work.done == 2 and told == ["a", "d"]
    assert sorted(work.failures) == [("b", "bad b"), ("c", "cannot write c"), ("e", "bad e")]
    assert sorted(failed) == list("bce")
    assert [event for event in stage.events if event.startswith("index")] == ["index 0", "index 2", "index 3"]


def test_few_photos_are_in_memory_at_once():
    stage = Stage()
    Work(stage.read, stage, stage).run(jobs(*"abcdefghij"))
    assert 2 <= stage.most <= 3  # one written, one matted, one read


def test_large_photos_are_done_one_at_a_time(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 4)
    stage = Stage()
    Work(stage.read, stage, stage).run(jobs(*"abcd"))
    assert stage.most == 1 and len(stage.events) == 4 * 4


def test_the_next_is_read_while_one_is_matted():
    reading = threading.Event()

    class Waiting(Stage):
        def read(self, job):
            if job.name == "b":
                reading.set()
            return super().read(job)

        def predict(self, src, bgr, want):
            assert reading.wait(10)  # for ever, if photos were read only in their turn
            return super().predict(src, bgr, want)
    stage = Waiting()
    work = Work(stage.read, stage, stage)
    work.run(jobs("a", "b"))
    assert work.done == 2


def test_a_stop_finishes_the_photo_under_way():
    stage = Stage()
    work = Work(stage.read, stage, stage)
    work.run(jobs(*"abcdef"), stopped=lambda: stage.events.count("predict") >= 2)
    assert work.done == 2 and [e for e in stage.events if e.startswith("write")] == ["write a", "write b"]


def test_a_full_disk_ends_it():
    stage = Stage()
    work = Work(stage.read, stage, stage)
    with pytest.raises(OSError):
        work.run(jobs("a", "full", "b", "c", "d", "e"))
    assert work.done == 1 and "write e" not in stage.events
