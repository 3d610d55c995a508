"""Parts of an enlarged image are those of the whole one, and large photos come out in strips as they do whole."""
import numpy as np
import pytest

from bgmatting.model import Matte
from bgmatting.model.inference import pair, scale
from tests.model.inference.engine_cases import photos


@pytest.mark.parametrize("scale, mode, size", [
    (0.5, "sampling", (96, 160)), (0.25, "thresholding", (101, 147)), (0.125, "sampling", (96, 160)),
    (0.2, "full", (101, 147)), (0.3, "sampling", (101, 147))])
def test_strips_are_the_rows_of_the_whole(shared, scale, mode, size, monkeypatch):
    monkeypatch.setattr(pair, "STRIP", 32)
    matter, strips, only = shared(backbone_scale=scale, refine_mode=mode, threshold=0.42, unmix=True, fill=True), [], []
    expected = matter.predict(*photos(*size))
    assert matter.predict(*photos(*size), rows=lambda top, matte: strips.append((top, matte))) is None
    matter.predict(*photos(*size), ("pha",), lambda top, matte: only.append(matte))
    assert [top for top, _ in strips] == list(range(0, size[0], 32)) and all(matte.fgr is None for matte in only)
    for name in Matte._fields:
        made = np.concatenate([getattr(matte, name) for _, matte in strips])
        np.testing.assert_allclose(made, getattr(expected, name), atol=1e-4)
    np.testing.assert_allclose(np.concatenate([matte.pha for matte in only]), expected.pha, atol=1e-4)


@pytest.mark.parametrize("scale", (0.1, 0.5))
@pytest.mark.parametrize("there", (None, True))
def test_pictures_of_a_few_rows_or_columns(shared, scale, there):
    """Their coarse image is no part of them to the pixel: a side of it has one pixel at least."""
    matter = shared(on_device=there, backbone_scale=scale, refine_mode="full")
    for size in ((1, 300), (3, 100), (7, 1)):
        src, bgr = np.full((*size, 3), 200, np.uint8), np.zeros((*size, 3), np.uint8)
        matte = matter.predict(src, bgr)
        assert matte.pha.shape == size and matte.fgr.shape == (*size, 3) and matte.ref.all()
        more = ((0, -size[0] % 4), (0, -size[1] % 4), (0, 0))
        larger = matter.predict(np.pad(src, more, "edge"), np.pad(bgr, more, "edge"))
        np.testing.assert_array_equal(matte.pha, larger.pha[:size[0], :size[1]])


@pytest.mark.parametrize("size, coarse", [((90, 200), (12, 25)), ((90, 197), (12, 25)), ((90, 196), (23, 49)),
                                          ((60, 96), (30, 48))])
def test_how_large_the_coarse_network_sees_a_photo(shared, size, coarse, monkeypatch):
    monkeypatch.setattr(scale, "QUARTER_FROM", 100)
    monkeypatch.setattr(scale, "EIGHTH_FROM", 200)
    matter, seen = shared(), []
    run = matter._engine.run
    monkeypatch.setattr(matter._engine, "run", lambda graph, given: (
        graph == "coarse" and seen.append(given["src"].shape[1:3])) or run(graph, given))
    assert matter.predict(*photos(*size)).pha.shape == size
    assert seen == [coarse]
