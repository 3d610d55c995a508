"""The trimap that is made of a matte, and two networks in turn."""
from types import SimpleNamespace

import numpy as np
import pytest

from bgmatting.model.inference.matte import Matte
from bgmatting.model.inference.trimap import AutoTrimap, trimap_from_matte


def soft_disc(side=200, radius=60, soft=4.0):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip((radius - np.hypot(x, y)) / soft + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize("side, reach", [(200, 3), (900, 9)])
def test_the_band_lies_around_the_edge_and_grows_with_the_photo(side, reach):
    pha = soft_disc(side, 0.3 * side)
    trimap = trimap_from_matte(pha)
    assert set(np.unique(trimap)) == {0, 128, 255}
    soft = (pha > 0) & (pha < 1)
    assert (trimap[soft] == 128).all()
    row = trimap[side // 2]
    assert abs((row == 128).sum() - 2 * (2 * reach + 4)) <= 4
    assert (pha[trimap == 255] == 1).all() and (pha[trimap == 0] == 0).all()


def test_beyond_the_border_nothing_is_unsure():
    pha = np.zeros((100, 100), np.float32)
    pha[40:] = 1
    trimap = trimap_from_matte(pha)
    assert (trimap[-1] == 255).all() and (trimap[:, 0] == trimap[:, 50]).all()
    for level in (0, 1):
        assert (trimap_from_matte(np.full((30, 30), level, np.float32)) == 255 * level).all()


class Fake:
    """Keeps what it was asked, and answers ``pha``."""

    def __init__(self, pha, outputs):
        self.pha, self.method, self.settings, self.closed = pha, SimpleNamespace(outputs=outputs), {"backend": "none"}, 0

    def predict(self, src, bgr=None, want=None, rows=None, dtype="float32", trimap=None):
        self.asked = bgr, tuple(want), trimap
        made = {"pha": self.pha, "fgr": np.full((*self.pha.shape, 3), 0.25, np.float32)}
        return Matte(*(made[name] if name in want else None for name in Matte._fields))

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("outputs, asked", [(("pha", "fgr"), ("pha",)), (("pha",), ("pha", "fgr"))])
def test_the_first_makes_the_trimap_and_its_colours_count_where_it_has_some(outputs, asked):
    first, second = Fake(soft_disc(), outputs), Fake(soft_disc() ** 2, ("pha",))
    src, bgr = np.zeros((200, 200, 3), np.uint8), np.ones((200, 200, 3), np.uint8)
    with AutoTrimap(first, second) as both:
        matte = both.predict(src, bgr, ("pha", "fgr"))
        assert both.settings["trimap"] == {"backend": "none"}
    assert first.asked[0] is bgr and first.asked[1] == outputs
    assert second.asked[0] is None and second.asked[1] == asked
    np.testing.assert_array_equal(second.asked[2], trimap_from_matte(first.pha))
    np.testing.assert_array_equal(matte.pha, second.pha)
    assert matte.fgr.mean() == 0.25 and matte.err is None
    assert (first.closed, second.closed) == (1, 1)
