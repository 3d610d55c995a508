"""Choosing patches and refining them in blocks on the host gives what the network gives that refines patch by patch."""
import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from bgmatting.model import Matte, Matter, MattingRefine
from bgmatting.model.inference.blocks import shrink
from bgmatting.model.patch_layout import PATCH
from bgmatting.model.refinement import Refinement
from bgmatting.model.weights import save_weights
from tests.model.inference.engine_cases import HERE, photos
from tests.model.reference import reference_network

SIZES = [(96, 160), (100, 148), (60, 44), (16, 16), (8, 12)]  # whole blocks; cut ones; hardly a block inside; less
THRESHOLD = 0.42  # about half of the errors that the reference network predicts for noise lie above


def tensor(photo):
    return paddle.to_tensor(photo.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def shares(inputs, outputs):
    """(outputs, inputs): what each input adds to each output, bilinear without antialiasing."""
    place = np.clip((np.arange(outputs) + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(inputs)))


@pytest.mark.parametrize("size, to, bound", [
    ((96, 160), (24, 40), 1e-6), ((96, 160), (48, 80), 1e-6), ((8, 12), (2, 6), 1e-6), ((4, 4), (2, 2), 1e-6),
    # Paddle rounds the place of each sample, which adds up when it is no whole number of quarters.
    ((96, 160), (32, 52), 5e-5), ((100, 148), (30, 44), 5e-5),
    # Paddle takes the first row or column where one is left.
    ((4, 8), (1, 2), None), ((8, 4), (1, 1), None)])
def test_shrink(size, to, bound):
    photo = photos(*size)[0]
    found = shrink(photo, *to)
    assert found.dtype == np.float32 and found.shape == (*to, 3)
    down, across = (shares(*sides) for sides in zip(size, to))
    assert np.abs(found - np.einsum("hy,wx,yxc->hwc", down, across, photo / 255)).max() < 1e-6
    if bound:
        expected = F.interpolate(tensor(photo), size=list(to), mode="bilinear", align_corners=False)
        assert np.abs(found - expected.numpy()[0].transpose(1, 2, 0)).max() < bound
    assert np.abs(shrink(np.full_like(photo, 255), *to) - 1).max() < 1e-6


@pytest.mark.parametrize("kernel_size", (1, 3))
def test_refined_as_by_the_network(kernel_size, tmp_path, monkeypatch):
    monkeypatch.setattr("bgmatting.model.inference.pair.stride_of", lambda backbone: 1)  # the network pads nothing
    network = reference_network(MattingRefine, "mobilenetv2", refine_kernel_size=kernel_size)
    save_weights(network, tmp_path / "w.safetensors")
    matter = Matter(tmp_path / "w.safetensors", "paddle", "cpu", unmix=False)
    for scale, refinement in zip((0.25, 0.5, 0.3), (Refinement("sampling", 3200), Refinement("thresholding", 0, THRESHOLD),
                                                    Refinement("full"))):
        mode, count, threshold = refinement
        other = matter.with_settings(backbone_scale=scale, refine_mode=mode, sample_pixels=count, threshold=threshold)
        for height, width in SIZES:
            src, bgr = photos(height, width)
            matte = other.predict(src, bgr)
            with paddle.no_grad():
                out = network(tensor(src), tensor(bgr), scale, refinement)
            ref = out.ref_sm.numpy()[0, 0].repeat(PATCH, 0).repeat(PATCH, 1)
            same = matte.ref == ref
            assert same.mean() > 0.99
            assert np.abs(matte.pha - out.pha.numpy()[0, 0])[same].max() < 1e-5
            assert np.abs(matte.fgr - out.fgr.numpy()[0].transpose(1, 2, 0))[same].max() < 1e-5
            assert height < 60 or {"full": ref.all(), "thresholding": 0.2 < ref.mean() < 0.8,
                                   "sampling": ref.sum() == min(3200, ref.size // 16 * 16)}[mode]


@pytest.mark.slow
@pytest.mark.parametrize("backend", [name for name in HERE if name != "paddle-inference"])
def test_the_result_does_not_depend_on_the_memory(weights, shared, backend):
    pair = photos(100, 148)
    for scale, memory in ((0.25, 3), (0.5, 0.8)):
        with Matter(weights, backend, "cpu", scale, "full", max_memory=memory, unmix=False) as bounded:
            for one, other in zip(shared(backend, backbone_scale=scale, refine_mode="full").predict(*pair),
                                  bounded.predict(*pair)):
                assert np.array_equal(one, other)


def test_batches_and_only_what_is_wanted(shared):
    matter, pairs = shared(), [photos(50, 75), photos(32, 44)]
    whole = matter.predict_batch(*zip(*pairs))
    for matte, pair in zip(whole, pairs):
        assert np.array_equal(matte.pha, matter.predict(*pair).pha)
    assert matter.predict_batch([], []) == []
    with pytest.raises(ValueError):
        matter.predict_batch([pairs[0][0]], [])
    for want in (("pha",), ("fgr",), ("err", "ref"), ["ref", "pha"], ()):
        for name, found, expected in zip(Matte._fields, matter.predict(*pairs[0], want), whole[0]):
            assert np.array_equal(found, expected) if name in want else found is None
