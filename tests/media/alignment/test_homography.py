import cv2
import numpy as np
import pytest

from bgmatting.media.alignment import homography
from bgmatting.media.alignment.homography import corner_shift, find_homography, warp
from bgmatting.media.alignment.level import ROW, sample
from tests.faults.align_trials import make_pair
from tests.prediction import pairs

MOVED = pairs.turned(pairs.SIZE, (6, -4), 1.5, 0.004)


@pytest.mark.parametrize("name, gain", [("chelsea.png", 1.0), ("motorcycle_left.png", 0.85), ("coffee.png", 1.1)])
def test_finds_a_movement_behind_a_subject(name, gain):
    src, bgr, _ = pairs.pair(name, 1, MOVED, gain)
    found = find_homography(src, bgr)
    assert found.matrix is not None, found.reason
    assert corner_shift(found.matrix, pairs.SIZE, MOVED) < 0.5 < 8 < corner_shift(MOVED, pairs.SIZE)
    assert found.moved == pytest.approx(corner_shift(MOVED, pairs.SIZE), abs=0.5)
    assert found.score > found.unmoved_score + 0.2


def test_weak_texture_counts_in_the_end():
    """A pair with little texture: the strongest points alone are off by 1.14 pixels."""
    src, bgr, _, _, matrix = make_pair((1, 130), 480, 640)
    off = corner_shift(find_homography(src, bgr).matrix, (480, 640), matrix)
    assert off < 0.4


def test_a_polish_that_runs_away_is_dropped(monkeypatch):
    src, bgr, _ = pairs.pair("chelsea.png", 1, MOVED)
    away = pairs.turned(pairs.SIZE, (30, 0), 0)
    monkeypatch.setattr(homography, "polish", lambda level, fit: fit._replace(matrix=fit.matrix @ away, error=0.1))
    assert corner_shift(find_homography(src, bgr).matrix, pairs.SIZE, MOVED) < 0.5


@pytest.mark.parametrize("count", [3, ROW, ROW + 1, 3 * ROW - 1])
def test_many_places_are_sampled_as_few_are(count):
    rng = np.random.default_rng(0)
    image = rng.random((40, 50), np.float32)
    place = np.stack([rng.uniform(2, 45, count), rng.uniform(2, 35, count)]).astype(np.float32)
    seen = sample(image, place, cv2.INTER_LINEAR)
    assert seen.shape == (count,)
    few = np.r_[:3, count - 3:count]
    np.testing.assert_array_equal(seen[few], cv2.remap(image, place[0][few], place[1][few], cv2.INTER_LINEAR).ravel())


def test_a_subject_that_hides_most_of_the_scene_has_no_say():
    src, bgr, pha = pairs.pair("motorcycle_left.png", 1, MOVED, subject=0.42)
    assert (pha > 127).mean() > 0.5
    assert corner_shift(find_homography(src, bgr).matrix, pairs.SIZE, MOVED) < 0.5


def test_a_tripod_did_not_move():
    src, bgr, _ = pairs.pair("motorcycle_left.png", 2)
    found = find_homography(src, bgr)
    assert found.moved < 0.3 and found.score == pytest.approx(found.unmoved_score, abs=0.02)


def test_a_repeated_pattern_is_not_found_one_period_off():
    rng = np.random.default_rng(0)
    tile = np.kron(rng.integers(60, 190, (6, 6)), np.ones((4, 4)))
    wall = np.tile(tile, (12, 14))[..., None].repeat(3, 2)
    src, bgr = (pairs.noisy(rng, wall[:180, start:start + 240]) for start in (0, 3))
    found = find_homography(src, bgr)
    assert found.matrix is not None
    assert corner_shift(found.matrix, pairs.SIZE, pairs.turned(pairs.SIZE, (3, 0), 0)) < 0.3


def test_says_why_nothing_was_found():
    rng = np.random.default_rng(0)
    flat = np.full((*pairs.SIZE, 3), 128, np.uint8)
    for src, bgr in ((pairs.noisy(rng, flat), pairs.noisy(rng, flat)),
                     (pairs.pair("coffee.png", 3)[0], pairs.pair("motorcycle_left.png", 3)[1])):
        found = find_homography(src, bgr)
        assert found.matrix is None and found.reason and "\n" not in found.reason


def test_warp_brings_bgr_to_src():
    src, bgr, pha = pairs.pair("motorcycle_left.png", 4, MOVED, subject=0)
    warped = warp(bgr, MOVED, pairs.SIZE)
    inner = np.s_[15:-15, 15:-15]
    assert warped.dtype == np.uint8 and warped.shape == src.shape
    assert np.abs(warped.astype(int) - src)[inner].mean() < 6 < np.abs(bgr.astype(int) - src)[inner].mean() / 2


def test_warp_continues_the_border():
    bgr = np.full((20, 30, 3), 200, np.uint8)
    assert (warp(bgr, pairs.turned((20, 30), (5, 3), 0), (20, 30)) == 200).all()
