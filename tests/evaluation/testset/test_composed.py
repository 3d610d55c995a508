from collections import namedtuple

import cv2
import numpy as np
import pytest

from bgmatting.evaluation.testset.composed import EvaluationSet
from bgmatting.evaluation.testset.placement import disturb_background, place, place_turned, scene_turned
from bgmatting.media.operations import blend
from bgmatting.utils.errors import UserError

Pair = namedtuple("Pair", "name fgr pha")


class Set:
    def __init__(self, count, size):
        self.names, self.size = [f"subject{i}" for i in range(count)], size

    def __len__(self):
        return len(self.names)


class Pairs(Set):
    """Discs of one colour each, red by alpha; black where alpha is 0. The first two are frames of one clip."""

    def __init__(self, count, size=(60, 50)):
        super().__init__(count, size)
        self.subjects = ["clip", "clip", *self.names[2:]][:count]

    def load(self, i):
        pha = np.zeros(self.size, np.uint8)
        cv2.circle(pha, (self.size[1] // 2, self.size[0] // 2), 12 + i, 255, -1)
        pha = cv2.blur(pha, (5, 5))
        fgr = np.where(pha[..., None] > 0, np.array([200, 10 * i, 40], np.uint8), np.uint8(0))
        return Pair(self.names[i], fgr, pha)


class Backgrounds(Set):
    def __init__(self, count, size=(40, 90)):
        super().__init__(count, size)

    def load(self, i):
        return np.full((*self.size, 3), 20 * i + 5, np.uint8)


def equal(a, b):
    return a.name == b.name and all(np.array_equal(x, y) for x, y in zip(a[1:6], b[1:6]))


def test_the_same_in_any_order_and_by_any_instance():
    items = EvaluationSet(Pairs(4), Backgrounds(3), size=(64, 64), seed=5)
    forward = [items[i] for i in range(4)]
    again = EvaluationSet(Pairs(4), Backgrounds(3), size=(64, 64), seed=5)
    backward = [again[i] for i in reversed(range(4))][::-1]
    assert all(equal(a, b) for a, b in zip(forward, backward))


def test_a_limit_does_not_change_the_items():
    whole = EvaluationSet(Pairs(4), Backgrounds(3), size=(64, 64))
    part = EvaluationSet(Pairs(4), Backgrounds(3), size=(64, 64), limit=2)
    assert len(part) == 2 and all(equal(part[i], whole[i]) for i in range(2))
    assert len(EvaluationSet(Pairs(4), Backgrounds(3), limit=99)) == 4
    with pytest.raises(IndexError):
        part[2]


def test_every_background_is_used_before_one_comes_again():
    items = EvaluationSet(Pairs(6), Backgrounds(3), size=None, disturb=False)
    levels = [int(items[i].bgr[0, 0, 0]) for i in range(6)]
    assert sorted(levels[:3]) == [5, 25, 45] and levels[3:] == levels[:3]


def test_several_backgrounds_for_each_foreground():
    items = EvaluationSet(Pairs(2), Backgrounds(4), None, disturb=False, each=3)
    assert items.names == [f"subject{i}_{k}" for i in range(2) for k in range(3)] == [item.name for item in items]
    levels = [int(item.bgr[0, 0, 0]) for item in items]
    assert sorted(levels[:4]) == [5, 25, 45, 65] and levels[4:] == levels[:2]
    assert np.array_equal(items[2].pha, items[0].pha) and not np.array_equal(items[3].pha, items[0].pha)
    assert len(EvaluationSet(Pairs(2), Backgrounds(4), each=3, limit=1)) == 3


def test_all_frames_of_a_clip_stand_before_one_background():
    items = list(EvaluationSet(Pairs(3), Backgrounds(4), None, clips=True))
    assert np.array_equal(items[0].bgr, items[1].bgr) and not np.array_equal(items[0].bgr, items[2].bgr)
    assert not np.array_equal(items[0].src, items[1].src)


def test_frames_follow_each_other_by_number():
    pairs = Pairs(12)
    pairs.names = sorted(f"{clip}/{frame}" for clip in "ba" for frame in (1, 2, 10, 11, 9, 100))
    pairs.subjects = [name[0] for name in pairs.names]
    items = EvaluationSet(pairs, Backgrounds(4), None, clips=True)
    assert items.names == [f"{clip}/{frame}" for clip in "ab" for frame in (1, 2, 9, 10, 11, 100)]
    assert [item.name for item in items] == items.names
    for item in items:
        np.testing.assert_array_equal(item.pha, pairs.load(pairs.names.index(item.name)).pha)
    assert EvaluationSet(pairs, Backgrounds(4), None).names == pairs.names


def test_original_size_keeps_the_foreground_as_it_is():
    pairs = Pairs(2)
    item = EvaluationSet(pairs, Backgrounds(2), size=None)[1]
    assert np.array_equal(item.pha, pairs.load(1).pha) and np.array_equal(item.fgr, pairs.load(1).fgr)
    assert item.src.shape == (60, 50, 3)


def test_src_is_the_composite_on_the_undisturbed_background():
    plain = EvaluationSet(Pairs(2), Backgrounds(2), size=(64, 80), disturb=False)[1]
    varied = EvaluationSet(Pairs(2), Backgrounds(2), size=(64, 80), disturb=True)[1]
    assert np.array_equal(plain.src, blend(plain.fgr, plain.pha, plain.bgr))
    assert np.array_equal(plain.src, varied.src) and not np.array_equal(plain.bgr, varied.bgr)


@pytest.mark.parametrize("seed", range(3))
def test_the_subject_keeps_its_shape_and_fits(seed):
    pha = np.zeros((50, 70), np.uint8)
    pha[10:30, 20:60] = 255   # twice as wide as high, away from every side
    _, placed = place(np.full((50, 70, 3), 90, np.uint8), pha, (100, 200), np.random.default_rng(seed))
    _, _, width, height = cv2.boundingRect((placed > 0).astype(np.uint8))
    assert width == pytest.approx(2 * height, abs=2) and 150 <= width <= 200
    assert (placed > 0).sum() == width * height


def test_a_cut_side_stays_at_the_side_of_the_frame():
    pha = np.zeros((50, 70), np.uint8)
    pha[20:, 20:60] = 255
    for seed in range(3):
        _, placed = place(np.zeros((50, 70, 3), np.uint8), pha, (100, 100), np.random.default_rng(seed))
        assert placed[-1].max() == 255 and placed[0].max() == 0


def test_colours_without_alpha_do_not_bleed_into_the_edge():
    fgr, pha = Pairs(1).load(0)[1:]
    fgr[pha == 0] = 0, 255, 255
    placed_fgr, placed_pha = place(fgr, pha, (37, 41), np.random.default_rng(0))
    assert np.abs(placed_fgr[placed_pha > 20].astype(int) - [200, 0, 40]).max() <= 1


def test_a_foreground_without_subject_gives_an_empty_matte():
    fgr, pha = place(np.ones((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8), (16, 20), np.random.default_rng(0))
    assert fgr.shape == (16, 20, 3) and pha.max() == 0


def drawn(seed, scales):
    """(angle, shift x, shift y, scale, shear) of a ``turned`` placement: degrees, shares of the covering image's sides."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-5, 5), rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1), rng.uniform(*scales), rng.uniform(-5, 5)


@pytest.mark.parametrize("seed", range(2))
def test_a_turned_subject_is_shifted_scaled_turned_and_sheared(seed):
    pha = np.zeros((90, 60), np.uint8)
    pha[25:65, 28:32] = 255
    _, placed = place_turned(np.full((90, 60, 3), 200, np.uint8), pha, (120, 120), np.random.default_rng(seed))
    angle, right, down, scale, shear = drawn(seed, (0.55, 0.9))
    rows, columns = np.nonzero(placed > 127)
    assert abs(columns.mean() - 59.5 - right * 120) < 0.6 and abs(rows.mean() - 59.5 - down * 180) < 0.6
    assert abs(placed.sum() / 255 / 160 - (2 * scale) ** 2) < 0.1 * 4 * scale ** 2
    lean = np.polyfit(rows, columns, 1)[0]   # columns a row of the bar, which stood upright
    turn, slant = np.deg2rad(angle), np.tan(np.deg2rad(shear))
    expected = (np.cos(turn) * slant - np.sin(turn)) / (np.sin(turn) * slant + np.cos(turn))
    assert abs(lean - expected) < 0.03


@pytest.mark.parametrize("seed", range(2))
def test_a_turned_scene_is_moved_too_and_black_where_it_ends(seed):
    scene = np.full((80, 80, 3), 200, np.uint8)
    scene[38:42, 38:42] = 0, 0, 255
    moved = scene_turned(scene, (120, 120), np.random.default_rng(seed))
    _, right, down, scale, _ = drawn(seed, (1, 1.2))
    rows, columns = np.nonzero(moved[..., 2].astype(int) - moved[..., 0] > 127)
    assert abs(columns.mean() - 59.5 - right * 120) < 0.6 and abs(rows.mean() - 59.5 - down * 120) < 0.6
    reach = (1 - scale) / 2 + max(abs(right), abs(down))   # of the sides: what stays black, but for turn and shear
    assert (moved == 0).all(axis=2).any() == (reach > 0) or abs(reach) < 0.06


def test_the_disturbance_is_small_and_within_its_bounds():
    means = []
    for seed in range(40):
        flat = disturb_background(np.full((64, 64, 3), 128, np.uint8), np.random.default_rng(seed)) / 255
        means.append(flat.mean())
        assert 0.004 < flat.std() < 0.02
    middle = 128 / 255
    assert middle ** 1.15 - 0.021 < min(means) < middle - 0.02 and middle + 0.02 < max(means) < middle ** 0.85 + 0.021


@pytest.mark.parametrize("options, message", (
    ({"size": (0, 8)}, "size is 8x0"), ({"seed": -1}, "seed is -1"), ({"limit": 0}, "limit is 0"),
    ({"size": (32, 32), "clips": True}, "frames of clips"), ({"size": None, "clips": True, "each": 2}, "frames of clips")))
def test_what_cannot_be_used_is_named(options, message):
    with pytest.raises(UserError, match=message):
        EvaluationSet(Pairs(1), Backgrounds(1), **options)
