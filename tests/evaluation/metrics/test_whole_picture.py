import json
from pathlib import Path

import numpy as np
import pytest

from bgmatting.evaluation.metrics import (
    conn,
    dtssd,
    fg_mse,
    fg_mse_inside,
    grad,
    mad,
    mse,
    mse_paddle2021,
    sad,
    sad_paddle2021,
)
from bgmatting.media import read_gray

CASES = Path(__file__).parents[2] / "data" / "metrics"
VALUES = json.loads((CASES / "values_whole.json").read_text())  # what Robust Video Matting's evaluation prints
TIMES = {mad: 1e3, mse: 1e3, grad: 1e-3, conn: 1e-3}


def case(name):
    return [read_gray(CASES / f"{name}_{part}.png") for part in ("pred", "target")]


@pytest.mark.parametrize("metric", TIMES)
@pytest.mark.parametrize("name", VALUES)
def test_agrees_with_robust_video_matting(name, metric):
    assert metric(*case(name)) * TIMES[metric] == pytest.approx(VALUES[name][metric.__name__], rel=1e-6)


@pytest.mark.parametrize("metric", (sad, mse, mad, grad, conn))
def test_nothing_has_no_value(metric):
    for shape in ((0, 0), (0, 5)):
        assert metric(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) is None


@pytest.mark.parametrize("name", VALUES)
def test_dtssd_agrees_with_robust_video_matting(name):
    """The frame before is another prediction, and the target three pixels to the left."""
    after = {"blur": "shift", "shift": "noise", "noise": "hole", "hole": "blur"}
    (pred, target), (before, _) = case(name), case(name[:2] + after[name[2:]])
    value = dtssd(pred, before, target, np.roll(target, 3, 1))
    assert value * 100 == pytest.approx(VALUES[name]["dtssd"], rel=1e-6)


@pytest.mark.parametrize("metric", (sad, *TIMES))
def test_the_whole_picture_is_a_trimap_of_unknown(metric):
    pred, target = case("0_shift")
    assert metric(pred, target) == metric(pred, target, np.full_like(pred, 128)) > 0
    assert metric(target, target) == 0


def test_foreground_inside_leaves_the_rest_out():
    true_fgr = np.zeros((2, 4, 3), np.uint8)
    pred_fgr = true_fgr.copy()
    pred_fgr[0, 0], pred_fgr[1, 3] = (255, 0, 0), 255
    pha = np.zeros((2, 4), np.uint8)
    pha[0, :2] = 7, 255
    assert fg_mse_inside(pred_fgr, true_fgr, pha) == pytest.approx(1 / 6)
    assert fg_mse(pred_fgr, true_fgr, pha) == pytest.approx(1 / 24)
    assert fg_mse_inside(pred_fgr, true_fgr, np.zeros_like(pha)) is None


def test_paddle2021_is_twice_the_plain_value_over_one_pixel_more():
    target, pred = np.zeros((4, 4), np.uint8), np.full((4, 4), 51, np.uint8)
    trimap = np.zeros((4, 4), np.uint8)
    trimap[0] = 128
    assert sad_paddle2021(pred, target, trimap) == pytest.approx(2 * 4 * 0.2 / 1000)
    assert mse_paddle2021(pred, target, trimap) == pytest.approx(2 * 4 * 0.04 / 5)
    for nothing in (pred, pred / 255):
        assert sad_paddle2021(nothing, target, np.zeros_like(trimap)) is None
        assert mse_paddle2021(nothing, target, np.zeros_like(trimap)) is None


def test_paddle2021_takes_alpha_that_is_not_rounded():
    rng = np.random.default_rng(3)
    target, pred = (rng.integers(0, 256, (9, 7), dtype=np.uint8) for _ in range(2))
    trimap = np.where(rng.random((9, 7)) < 0.5, np.uint8(128), np.uint8(0))
    for error in (sad_paddle2021, mse_paddle2021):
        assert error(pred / 255, target, trimap) == pytest.approx(error(pred, target, trimap), rel=1e-9)
        assert error(pred / 255, target, None) == pytest.approx(error(pred, target, None), rel=1e-9)
    flat, trimap = np.zeros((4, 4), np.uint8), np.full((4, 4), 128, np.uint8)
    assert sad_paddle2021(np.full((4, 4), 0.001, np.float32), flat, trimap) == pytest.approx(2 * 16 * 0.001 / 1000)
    with pytest.raises(ValueError, match="shapes differ"):
        sad_paddle2021(np.zeros((4, 5)), flat, trimap)
