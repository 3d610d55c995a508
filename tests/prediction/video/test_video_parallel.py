"""Several frames at once: in their order, never more than so many, and an error in its turn."""

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.prediction.video import pipeline as run_module
from bgmatting.prediction.video.parallel import EXTRA, at_once, sharing
from tests.media.video.clips import HEIGHT, WIDTH, StandIn, decoded, make_clip
from tests.prediction.video.runs import Several, job, matted, shades, within


@pytest.fixture
def clip(tmp_path):
    make_clip(tmp_path / "src.mp4", 12)
    write_image(tmp_path / "bgr.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return tmp_path


class Dividing:
    """A matter that divides the cores among as many calls as it is told, up to ``most``."""

    def __init__(self, most):
        self._most, self._streams, self.told = most, 1, []

    @property
    def streams(self):
        return self._streams

    @streams.setter
    def streams(self, count):
        self.told.append(count)
        self._streams = min(count, self._most)


def test_a_matter_is_left_as_it_was():
    matter = Dividing(8)
    with sharing(matter, 4) as workers:
        assert (workers, matter.streams) == (4 + EXTRA, 4)
    assert (matter.streams, matter.told) == (1, [4, 1])
    with pytest.raises(KeyError), sharing(matter, 2):
        raise KeyError
    assert matter.streams == 1


def test_one_frame_at_a_time_where_nothing_else_is_possible():
    for matter, wanted in ((Dividing(1), 4), (Dividing(8), 1), (object(), 4)):
        with sharing(matter, wanted) as workers:
            assert workers == 1


def test_as_many_as_there_are_cores_up_to_four(monkeypatch):
    for cores, frames in ((1, 1), (2, 2), (4, 4), (64, 4)):
        monkeypatch.setattr("bgmatting.prediction.video.parallel.usable_cores", lambda cores=cores: cores)
        assert at_once() == frames


def test_frames_at_once_come_out_in_their_order(clip, monkeypatch):
    monkeypatch.setattr(run_module, "at_once", lambda: 3)
    means = shades(clip)
    assert len(set(means)) == 12  # so that frames can be told from each other
    matter, done = Several(means), []
    report = within(30, lambda: matted(matter, job(clip, ("pha", "fgr")), lambda *state: done.append(state)))
    assert report.done == 12 and done == [(index + 1, 12) for index in range(12)]
    assert 2 <= matter.most <= 4 and matter.streams == 1
    one = within(30, lambda: matted(StandIn(), job(clip, ("pha", "fgr"))._replace(
        outputs={name: clip / "one" / f"{name}.mp4" for name in ("pha", "fgr")})))
    for kind in ("pha", "fgr"):
        assert len(decoded(report.files[kind])) == 12
        for several, alone in zip(decoded(report.files[kind]), decoded(one.files[kind])):
            assert np.array_equal(several[0], alone[0]) and several[1:] == alone[1:]
