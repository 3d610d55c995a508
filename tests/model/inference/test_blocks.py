"""Choosing patches and refining them in blocks on the host gives what the network gives that refines patch by patch."""
import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from bgmatting.model import Matte, Matter, MattingRefine
from bgmatting.model.geometry import BLOCK, CHANNELS, PATCH, coarse_side, photo_side, spread_matrix
from bgmatting.model.inference.blocks import Blocks, shrink, windows
from bgmatting.model.refinement import Refinement
from bgmatting.model.weights import save_weights
from tests.model.inference.engine_cases import HERE, photos
from tests.model.reference import reference_network

SIZES = [(96, 160), (100, 148), (60, 44), (8, 12)]  # whole blocks; cut ones; hardly a block inside; less than a window
THRESHOLD = 0.42  # about half of the errors that the reference network predicts for noise lie above


def tensor(photo):
    return paddle.to_tensor(photo.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def shares(inputs, outputs):
    """(outputs, inputs): what each input adds to each output, bilinear without antialiasing."""
    place = np.clip((np.arange(outputs) + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(inputs)))


def doubled(image):
    """(h, w, C) -> (2h, 2w, C) as the network does it."""
    size = [2 * side for side in image.shape[:2]]
    x = paddle.to_tensor(image.transpose(2, 0, 1)[None])
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False).numpy()[0].transpose(1, 2, 0)


def window(image, top, left, side):
    """Cut out of an image that goes on with zeros."""
    padded = np.pad(image, ((side, side), (side, side), (0, 0)))
    return padded[top + side:top + 2 * side, left + side:left + 2 * side]


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


@pytest.mark.parametrize("reach", (0, 1))
@pytest.mark.parametrize("length", (1, 2, 5, 6, 8, 15, 16))
def test_spread_matrix(reach, length):
    coarse = np.random.default_rng(length).random((length, 1, 1)).astype(np.float32)
    half = doubled(coarse)[:, :1]
    side, c_side = photo_side(reach) // 2, coarse_side(reach, True)
    for block in range(-(-length // 4)):
        given = window(coarse, block * 4 - 1 - reach, 0, c_side)[:, 0, 0]
        expected = window(half, block * 8 - 3 * reach, 0, side)[:, 0, 0]
        matrix = spread_matrix(block, reach, length)
        assert matrix.shape == (side, c_side) and matrix.dtype == np.float32
        assert np.abs(matrix @ given - expected).max() < 1e-6
        in_photo = [0 <= row < 2 * length for row in range(block * 8 - 3 * reach, block * 8 - 3 * reach + side)]
        assert np.array_equal(matrix.sum(1), np.float32(in_photo))


@pytest.mark.parametrize("size", [(1, 1), (3, 20), (24, 32), (20, 9)])
def test_windows_at_the_border_go_on_with_zeros(size):
    image = np.random.default_rng(0).integers(1, 256, (*size, 3), dtype=np.uint8)
    rows, columns = (x.reshape(-1) for x in np.mgrid[:-(-size[0] // 8), :-(-size[1] // 8)])
    found = windows(image, rows, columns, 8, 3, 14, False)
    assert found.dtype == np.uint8 and len(found) == len(rows)
    for cut, row, column in zip(found, rows, columns):
        assert np.array_equal(cut, window(image, row * 8 - 3, column * 8 - 3, 14))
    assert np.count_nonzero(found) < found.size


@pytest.mark.parametrize("quarter", (True, False))
@pytest.mark.parametrize("reach", (0, 1))
@pytest.mark.parametrize("height, width", [*SIZES, (16, 16), (28, 32), (48, 64), (4, 4)])
def test_inputs_of_every_block(height, width, reach, quarter):
    rng = np.random.default_rng(0)
    src, bgr = photos(height, width)
    factor = 4 if quarter else 2
    coarse = rng.random((height // factor, width // factor, CHANNELS)).astype(np.float32)
    half = doubled(coarse) if quarter else coarse
    blocks = Blocks(np.ones((height // 4, width // 4), bool), reach, quarter)
    side, seen = photo_side(reach), set()
    for batch in blocks.batches(5):
        given = blocks.inputs(batch, coarse, src, bgr)
        count = batch.stop - batch.start
        assert 1 <= count <= 5 and {len(given[name]) for name in ("coarse", "src", "bgr")} == {count}
        c_side = coarse_side(reach, quarter)
        assert given["coarse"].shape[1:] == (c_side, c_side, CHANNELS)
        found = given["coarse"]
        if quarter:
            found = (given["spread"] @ found.reshape(count, -1, CHANNELS)).reshape(count, side // 2, side // 2, CHANNELS)
        for number, place in enumerate(zip(blocks.rows[batch], blocks.columns[batch])):
            seen.add(place)
            top, left = (at * BLOCK - 6 * reach for at in place)
            assert np.array_equal(given["src"][number], window(src, top, left, side))
            assert np.array_equal(given["bgr"][number], window(bgr, top, left, side))
            assert np.abs(found[number] - window(half, top // 2, left // 2, side // 2)).max() < 1e-6
    assert len(seen) == len(blocks) == -(-height // BLOCK) * -(-width // BLOCK)


def test_only_the_chosen_patches_are_pasted():
    rng = np.random.default_rng(0)
    chosen = rng.random((25, 37)) < 0.1
    pha, fgr = np.zeros((100, 148), np.float32), np.zeros((100, 148, 3), np.float32)
    drawn = np.zeros((112, 160, 4), np.float32)
    blocks = Blocks(chosen, 1, True)
    for batch in blocks.batches(7):
        values = rng.random((batch.stop - batch.start, BLOCK, BLOCK, 4)).astype(np.float32) + 1
        blocks.paste(batch, values, pha, fgr)
        for value, row, column in zip(values, blocks.rows[batch], blocks.columns[batch]):
            drawn[row * BLOCK:(row + 1) * BLOCK, column * BLOCK:(column + 1) * BLOCK] = value
    where = chosen.repeat(PATCH, 0).repeat(PATCH, 1)
    assert np.array_equal(pha, np.where(where, drawn[:100, :148, 0], 0))
    assert np.array_equal(fgr, np.where(where[..., None], drawn[:100, :148, 1:], 0))
    assert len(Blocks(np.zeros((25, 37), bool), 1, True)) == 0


@pytest.mark.parametrize("kernel_size", (1, 3))
def test_refined_as_by_the_network(kernel_size, tmp_path):
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
