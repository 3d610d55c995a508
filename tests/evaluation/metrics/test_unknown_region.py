import json
from pathlib import Path

import numpy as np
import pytest

from bgmatting.evaluation.metrics import conn, fg_mse, grad, mse, sad
from bgmatting.media import read_gray

CASES = Path(__file__).parents[2] / "data" / "metrics"
VALUES = json.loads((CASES / "values.json").read_text())
TOLERANCE = {sad: 1e-5, mse: 1e-5, grad: 1e-4, conn: 1e-3}


def case(name):
    return [read_gray(CASES / f"{name}_{part}.png") for part in ("pred", "target", "trimap")]


def everywhere(pha):
    return np.full(pha.shape, 128, np.uint8)


@pytest.mark.parametrize("metric", TOLERANCE)
@pytest.mark.parametrize("name", VALUES)
def test_agrees_with_the_authors_scripts(name, metric):
    assert metric(*case(name)) == pytest.approx(VALUES[name][metric.__name__], rel=TOLERANCE[metric])


@pytest.mark.parametrize("metric", TOLERANCE)
@pytest.mark.parametrize("known", (0, 127, 129))
def test_an_empty_unknown_region_has_no_error(metric, known):
    pred, target, trimap = case("0_shift")
    assert metric(pred, target, np.full_like(trimap, known)) is None


@pytest.mark.parametrize("metric", (sad, mse))
def test_what_lies_outside_the_unknown_region_is_ignored(metric):
    pred, target, trimap = case("1_blur")
    other = np.where(trimap == 128, pred, 255 - pred)
    assert metric(other, target, trimap) == metric(pred, target, trimap)


def test_grad_of_the_box_around_the_unknown_region_is_that_of_the_whole_picture():
    pred, target, _ = case("0_noise")
    parts = []
    for rows in (slice(0, 41), slice(41, None)):
        trimap = np.zeros_like(pred)
        trimap[rows] = 128
        parts.append(grad(pred, target, trimap))
    assert sum(parts) == pytest.approx(grad(pred, target, everywhere(pred)), rel=1e-6)


@pytest.mark.parametrize("target, pred, expected", (
    ("####.. ####.. ...... ...... ......", "####.. ####.. ...... ...... ....##", 2),  # an island of 2 that the target lacks
    ("##.... ##.... ..#... ...... ......", "##.... ##.... ..+... ...... ......", 127 / 255),  # diagonals do not join
    ("#..... ...... ...... ...... ......", "...... ...... ...... ...#.. ......", 2)))  # nothing in common
def test_conn_by_hand(target, pred, expected):
    images = [np.array([[{".": 0, "+": 128, "#": 255}[mark] for mark in row] for row in rows.split()], np.uint8)
              for rows in (pred, target)]
    assert conn(*images, everywhere(images[0])) == pytest.approx(expected)


def test_conn_takes_the_leftmost_of_two_equal_regions():
    target = np.zeros((4, 5), np.uint8)
    target[0, 3:] = 255     # first along the rows
    target[3, :2] = 255     # first down the columns: this is the body
    pred = target.copy()
    pred[0, 3] = 204
    # Outside the body the level is 0: the loose part is 1 against 0.8. Inside it would be 0.2 against 0, level 0.8.
    assert conn(pred, target, everywhere(pred)) == pytest.approx(0.2)
    pred = target.copy()
    pred[3, 0] = 242        # 0.949, in the body up to 0.9: both loose parts stay below 0.15
    assert conn(pred, target, everywhere(pred)) == 0


def test_fg_mse_by_hand():
    true_fgr = np.zeros((4, 4, 3), np.uint8)
    pred_fgr = true_fgr.copy()
    pred_fgr[0, 0] = 255, 0, 0
    pred_fgr[3, 3] = 255     # transparent: does not count, but its pixel does
    true_pha = np.zeros((4, 4), np.uint8)
    true_pha[0, 0] = 10
    trimap = np.zeros((4, 4), np.uint8)
    assert fg_mse(pred_fgr, true_fgr, true_pha, trimap) is None
    trimap[[0, 3], [0, 3]] = 128
    assert fg_mse(pred_fgr, true_fgr, true_pha, trimap) == pytest.approx(1 / 6)


@pytest.mark.parametrize("metric", TOLERANCE)
def test_input_that_does_not_fit(metric):
    pha = np.zeros((8, 8), np.uint8)
    with pytest.raises(ValueError, match="shapes differ"):
        metric(pha, pha[:4], pha)
    with pytest.raises(ValueError, match="pred must be a uint8 array, got float32"):
        metric(pha.astype(np.float32), pha, pha)
    with pytest.raises(ValueError, match="trimap must have 2 axes"):
        metric(pha, pha, np.zeros((8, 8, 1), np.uint8))
