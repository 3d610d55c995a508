"""Parts of an enlarged image are those of the whole one, and large photos come out in strips as they do whole."""
from types import SimpleNamespace

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


@pytest.mark.parametrize("size, coarse", [((60, 96), [(32, 48), (64, 96)]), ((61, 95), [(32, 48), (64, 96)]),
                                          ((128, 192), [(32, 48), (64, 96)]), ((90, 200), [(32, 64), (64, 112)])])
def test_how_large_the_coarse_network_sees_a_photo_in_multiples_of_its_stride(shared, size, coarse, monkeypatch):
    monkeypatch.setattr(scale, "SEEN", 64 * 96)
    matter, seen = shared(), []
    run = matter._engine.run
    monkeypatch.setattr(matter._engine, "run", lambda graph, given: (
        graph == "coarse" and seen.append(given["src"].shape[1:3])) or run(graph, given))
    assert matter.predict(*photos(*size)).pha.shape == size
    assert seen == coarse


def test_the_looks_of_large_photos_and_the_scale_of_frames():
    for size, scales in (((1080, 1920), (1, 0.5)), ((2160, 3840), (0.5, 0.25)), ((3024, 4032), (0.375, 0.1875)),
                         ((20_000, 30_000), (0.0625, 0.03125)), ((10 ** 6, 4), (0.6875, 0.34375))):
        assert scale.looks(size) == scales and scale.looks(size, 0.3) == (0.3,)
        assert scales[0] == 0.0625 or scales[0] ** 2 * size[0] * size[1] <= scale.SEEN
    widths = 720, 1280, 2559, 2560, 9999, 10_000
    assert [scale.frame_scale((720, width)) for width in widths] == [0.5, 0.25, 0.25, 0.25, 0.25, 0.125]
    assert [scale.frame_scale((720, width), finest=True) for width in widths] == [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_looks_are_weighed_by_the_error_that_they_expect():
    fine, other = np.float32([[0.2, 0.2, 0.2]]), np.float32([[0.8, 0.8, 0.8]])
    seen = scale.weighed(fine, other, np.float32([[0, 1, 0.5]]), np.float32([[1, 0, 0.5]]))
    near, far = (1 / (1 + share) for share in (2 * 51, 2 / 51))  # the second look counts half
    np.testing.assert_allclose(seen, [[0.2 + 0.6 * near, 0.2 + 0.6 * far, 0.4]], rtol=1e-5)


def test_the_second_look_at_a_photo_is_mirrored():
    """A network that takes the left half for subject, whatever it is shown."""
    class Left:
        @staticmethod
        def run(name, inputs):
            coarse = np.zeros((1, *inputs["src"].shape[1:3], 37), np.float32)
            coarse[:, :, :coarse.shape[2] // 2, 0] = 1
            return coarse
    photo = np.zeros((64, 96, 3), np.uint8)
    looked = pair.PairMatting(Left, SimpleNamespace(backbone_scale="auto", backbone="mobilenetv2"), None, None, None)
    pha = looked._coarse(photo, photo)[2][..., 0]
    np.testing.assert_allclose(pha[:, [0, 95]], np.float32([[2 / 3, 1 / 3]] * 64), rtol=1e-5)

