"""Reading, matting and writing overlap, in order, with little in memory; failures and stops leave the rest whole."""
import threading
import time

import numpy as np
import pytest

from bgmatting.prediction.photos import pipeline as module
from bgmatting.prediction.photos.pipeline import Work
from bgmatting.prediction.photos.plan import Job
from bgmatting.prediction.photos.read_pair import Pair
from tests.prediction.command import Matte

PHOTO = np.zeros((2, 2, 3), np.uint8)


class Stage:
    """Stands for reader, network and outputs; keeps what happened, and how many pairs were in the making at once."""

    def __init__(self):
        self.events, self.alive, self.most, self._lock = [], 0, 0, threading.Lock()

    def read(self, job):
        with self._lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        self.events.append(f"read {job.name}")
        return Pair(PHOTO, PHOTO, [])

    def predict(self, src, bgr, want, rows=None):
        time.sleep(0.01)
        self.events.append("predict")
        matte = Matte(PHOTO[..., 0], PHOTO, None, None)
        return matte if rows is None else rows(0, matte)

    def frame(self, index, src, bgr):
        """As a backdrop's."""
        self.events.append(f"index {index}")
        return PHOTO

    def write(self, paths, pictures, *_):
        self.events.append(f"write {paths}")
        with self._lock:
            self.alive -= 1


@pytest.fixture
def worked(monkeypatch):
    """worked(stage, *names) -> the ``Work`` after these photos, whose stages are ``stage``."""
    def make(stage, *names):
        monkeypatch.setattr(module, "write_pictures", stage.write)
        work = Work(stage.read, stage, backdrop=stage)
        work.run([Job(name, name, name, {"pha": name}, index=index) for index, name in enumerate(names)])
        return work
    return make


def test_few_photos_are_in_memory_at_once(worked):
    stage = Stage()
    worked(stage, *"abcdefghij")
    assert 2 <= stage.most <= 3  # one written, one matted, one read


def test_large_photos_are_done_one_at_a_time(monkeypatch, worked):
    monkeypatch.setattr(module, "LARGE", 4)
    stage = Stage()
    worked(stage, *"abcd")
    assert stage.most == 1 and len(stage.events) == 4 * 4


def test_a_backdrop_is_asked_by_one_at_a_time_in_order(monkeypatch, worked):
    monkeypatch.setattr(module, "LARGE", 4)

    class Mixed(Stage):
        asked, asking, together = [], 0, 0

        def read(self, job):
            image = PHOTO if job.name.isupper() else PHOTO[:1]
            return super().read(job)._replace(src=image, bgr=image)

        def predict(self, src, bgr, want, rows=None):
            matte = Matte(src[..., 0], src, None, None)
            return matte if rows is None else rows(0, matte)

        def frame(self, index, src, bgr):
            self.asking += 1
            self.together = max(self.together, self.asking)
            time.sleep(0.05)
            self.asking -= 1
            self.asked.append(index)
            return np.zeros_like(src)
    stage = Mixed()
    assert len(worked(stage, *"aBcdE").done) == 5
    assert stage.together == 1 and stage.asked == [0, 1, 2, 3, 4]


def test_the_next_is_read_while_one_is_matted(worked):
    reading = threading.Event()

    class Waiting(Stage):
        def read(self, job):
            if job.name == "b":
                reading.set()
            return super().read(job)

        def predict(self, src, bgr, want):
            assert reading.wait(10)  # for ever, if photos were read only in their turn
            return super().predict(src, bgr, want)
    assert len(worked(Waiting(), "a", "b").done) == 2
