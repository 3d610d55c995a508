import numpy as np
import pytest

from bgmatting.dataset.layouts.sets import PairSet
from bgmatting.evaluation.testset.composed import EvaluationSet
from bgmatting.utils.errors import UserError


class Backgrounds:
    """Plain pictures of brightness 0, 20, 40 ..."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def load(self, number):
        return np.full((30, 40, 3), 20 * number, np.uint8)


def read(number):
    pha = np.zeros((30, 40), np.uint8)
    pha[10:20, 10 + number:20] = 255
    return np.full((30, 40, 3), 250, np.uint8), pha


def pairs(*names):
    return PairSet(names, [(number,) for number in range(len(names))], read)


def level(item):
    return int(item.bgr[0, 0, 0])


def test_several_backgrounds_for_each_foreground():
    items = EvaluationSet(pairs("a", "b"), Backgrounds(4), None, disturb=False, each=3)
    assert items.names == ["a_0", "a_1", "a_2", "b_0", "b_1", "b_2"] == [item.name for item in items]
    levels = [level(item) for item in items]
    assert sorted(levels[:4]) == [0, 20, 40, 60] and levels[4:] == levels[:2]
    assert all(np.array_equal(items[k].pha, items[0].pha) for k in (1, 2)) and not np.array_equal(items[3].pha, items[0].pha)
    assert len(EvaluationSet(pairs("a", "b"), Backgrounds(4), each=3, limit=1)) == 3


def test_all_frames_of_a_clip_stand_before_one_background():
    items = list(EvaluationSet(pairs("a/0", "a/1", "b/0"), Backgrounds(4), None, clips=True))
    assert np.array_equal(items[0].bgr, items[1].bgr) and not np.array_equal(items[0].bgr, items[2].bgr)
    assert not np.array_equal(items[0].src, items[1].src)


@pytest.mark.parametrize("options", ({"size": (32, 32)}, {"size": None, "each": 2}))
def test_clips_keep_their_size_and_background(options):
    with pytest.raises(UserError, match="frames of clips keep their size"):
        EvaluationSet(pairs("a/0"), Backgrounds(1), clips=True, **options)
