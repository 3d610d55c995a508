import numpy as np
import pytest

from bgmatting.evaluation.testset.trimap import (
    TRIMAPS,
    band_trimap,
    make_trimap,
    paddleseg_trimap,
    soft_trimap,
    square_trimap,
    trimap_of,
)


def test_an_edge_gets_ten_pixels_each_way():
    pha = np.zeros((50, 80), np.uint8)
    pha[:, 40:] = 255
    trimap = make_trimap(pha)
    assert (trimap == trimap[0]).all()  # the border of the picture does not widen the band
    assert (trimap[0, :30] == 0).all() and (trimap[0, 30:50] == 128).all() and (trimap[0, 50:] == 255).all()


def test_a_point_grows_to_a_diamond():
    pha = np.zeros((41, 41), np.uint8)
    pha[20, 20] = 255
    y, x = np.mgrid[:41, :41]
    assert ((make_trimap(pha) == 128) == (abs(y - 20) + abs(x - 20) <= 10)).all()


@pytest.mark.parametrize("value, expected", ((0, 0), (15, 0), (16, 128), (244, 128), (245, 255), (255, 255)))
def test_thresholds(value, expected):
    """0.06 and 0.96 of 255 are 15.3 and 244.8."""
    assert (make_trimap(np.full((5, 7), value, np.uint8)) == expected).all()


def test_all_soft_alpha_is_unknown():
    pha = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    trimap = make_trimap(pha)
    assert trimap.dtype == np.uint8 and set(np.unique(trimap)) <= {0, 128, 255}
    assert (trimap[(pha > 16) & (pha < 244)] == 128).all()


def test_the_square_reading_reaches_further_at_corners():
    pha = np.zeros((41, 41), np.uint8)
    pha[20, 20] = 255
    assert (square_trimap(pha) == 128).sum() == 21 * 21 > (make_trimap(pha) == 128).sum() == 221


def test_the_band_reading_needs_a_soft_pixel():
    pha = np.zeros((30, 60), np.uint8)
    pha[:, 30:] = 255
    assert not (band_trimap(pha) == 128).any()
    pha[:, 30] = 100
    assert (band_trimap(pha)[0] == 128).sum() == 21


def test_the_soft_rule_sees_what_is_almost_opaque():
    pha = np.full((41, 41), 255, np.uint8)
    pha[20, 20] = 254
    y, x = np.mgrid[:41, :41]
    assert ((soft_trimap(pha) == 128) == (abs(y - 20) + abs(x - 20) <= 10)).all()
    assert (make_trimap(pha) == 255).all()


def test_trimaps_by_name():
    pha = np.random.default_rng(1).integers(0, 256, (30, 40), dtype=np.uint8)
    assert trimap_of(pha, "whole") is None and np.array_equal(trimap_of(pha, "paper"), make_trimap(pha))
    assert set(TRIMAPS) == {"paper", "square", "band", "soft", "paddleseg", "whole"}


def test_paddleseg_s_trimap_reaches_twelve_pixels():
    pha = np.zeros((60, 80), np.uint8)
    pha[:, 40:] = 255
    row = paddleseg_trimap(pha)[30]
    assert (row[:28] == 0).all() and (row[28:52] == 128).all() and (row[52:] == 255).all()
    np.testing.assert_array_equal(trimap_of(pha, "paddleseg")[30], row)
