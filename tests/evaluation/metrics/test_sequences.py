import numpy as np
import pytest

from bgmatting.evaluation.metrics import dtssd, messddt
from bgmatting.evaluation.metrics.temporal import followed


def disc(x=32, radius=14.0, height=48, width=64):
    down, across = np.mgrid[:height, :width]
    return (np.clip((radius - np.hypot(down - height / 2, across - x)) / 4 + 0.5, 0, 1) * 255).astype(np.uint8)


def flat(value, size=(4, 6)):
    return np.full(size, value, np.uint8)


def test_dtssd_by_hand():
    assert dtssd(disc(34), disc(30), disc(34), disc(30)) == 0  # the truth
    pred, before = flat(0), flat(0)
    pred[0, 0], before[0, 1] = 51, 102   # changes by 0.2 and by -0.4 where nothing should change
    assert dtssd(pred, before, flat(9), flat(9)) == pytest.approx(((0.04 + 0.16) / 24) ** 0.5)
    trimap = flat(0)
    trimap[0, 0] = 128
    assert dtssd(pred, before, flat(9), flat(9), trimap) == pytest.approx(0.2)
    assert dtssd(pred, before, flat(9), flat(9), flat(0)) is None


def test_messddt_by_hand():
    assert messddt(disc(34), disc(30), disc(34), disc(30)) == 0  # the truth
    before = flat(0)
    before[0, 0] = 51
    assert messddt(flat(0), before, flat(0), flat(0)) == pytest.approx(0.04 / 24)
    trimap = flat(0)
    assert messddt(flat(0), before, flat(0), flat(0), trimap) is None
    assert messddt(flat(0), flat(0), flat(0), flat(0), trimap) is None
    trimap[0, :2] = 128
    assert messddt(flat(0), before, flat(0), flat(0), trimap) == pytest.approx(0.02)


def test_motion_is_followed_to_the_pixel():
    rows, columns = followed(disc(28), disc(31))
    edge = (disc(28) > 20) & (disc(28) < 235)
    assert np.median(columns[edge] - np.nonzero(edge)[1]) == 3 and np.median(rows[edge] - np.nonzero(edge)[0]) == 0
    assert columns.min() >= 0 and columns.max() < 64 and rows.min() >= 0 and rows.max() < 48


def test_messddt_forgives_an_error_that_moves_with_the_subject():
    """A bite out of the subject's edge that moves with it, against one that stays where it is in the frame."""
    def bitten(x, bite):
        pha = disc(x)
        pha[22:26, bite - 16:bite - 10] = 0
        return pha

    moving = messddt(bitten(34, 34), bitten(30, 30), disc(34), disc(30))
    staying = messddt(bitten(34, 30), bitten(30, 30), disc(34), disc(30))
    assert moving < 0.5 * staying
