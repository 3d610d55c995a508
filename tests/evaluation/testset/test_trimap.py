import numpy as np
import pytest

from bgmatting.evaluation.testset.trimap import band_trimap, make_trimap, soft_trimap, square_trimap, trimap_of


@pytest.mark.parametrize("rule, reach", (("paper", 10), ("square", 10), ("soft", 10), ("paddleseg", 12)))
def test_an_edge_is_unknown_both_ways(rule, reach):
    pha = np.zeros((50, 80), np.uint8)
    pha[:, 40:] = 255
    trimap = trimap_of(pha, rule)
    assert (trimap == trimap[0]).all()  # the border of the picture does not widen the band
    assert trimap[0].tolist() == [0] * (40 - reach) + [128] * 2 * reach + [255] * (40 - reach)
    assert trimap_of(pha, "whole") is None


@pytest.mark.parametrize("rule, around, point, metric", (
    (make_trimap, 0, 255, np.add), (square_trimap, 0, 255, np.maximum), (soft_trimap, 255, 254, np.add)))
def test_a_point_grows_to_a_diamond_or_to_a_square(rule, around, point, metric):
    """The soft rule sees what is almost opaque."""
    pha = np.full((41, 41), around, np.uint8)
    pha[20, 20] = point
    y, x = np.mgrid[:41, :41]
    assert ((rule(pha) == 128) == (metric(abs(y - 20), abs(x - 20)) <= 10)).all()


@pytest.mark.parametrize("value, expected", ((0, 0), (15, 0), (16, 128), (244, 128), (245, 255), (255, 255)))
def test_thresholds(value, expected):
    """0.06 and 0.96 of 255 are 15.3 and 244.8."""
    assert (make_trimap(np.full((5, 7), value, np.uint8)) == expected).all()


def test_all_soft_alpha_is_unknown():
    pha = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    trimap = make_trimap(pha)
    assert trimap.dtype == np.uint8 and set(np.unique(trimap)) <= {0, 128, 255}
    assert (trimap[(pha > 16) & (pha < 244)] == 128).all()


def test_the_band_reading_needs_a_soft_pixel():
    pha = np.zeros((30, 60), np.uint8)
    pha[:, 30:] = 255
    assert not (band_trimap(pha) == 128).any()
    pha[:, 30] = 100
    assert (band_trimap(pha)[0] == 128).sum() == 21
