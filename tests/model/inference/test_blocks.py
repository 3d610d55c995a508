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
from bgmatting.utils.errors import UserError
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


@pytest.fixture(scope="module", params=(1, 3), ids="kernel {}".format)
def refined(request, tmp_path_factory):
    """A network whose refiner has kernels of 1 or 3, and its weights file."""
    network = reference_network(MattingRefine, "mobilenetv2", refine_kernel_size=request.param)
    path = tmp_path_factory.mktemp("weights") / "refine.safetensors"
    save_weights(network, path)
    return network, path


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


@pytest.mark.parametrize("mode", ("sampling", "thresholding", "full"))
@pytest.mark.parametrize("scale", (0.25, 0.5, 0.3))
def test_refined_as_by_the_network(refined, scale, mode):
    network, path = refined
    refinement = Refinement(mode, 3200, THRESHOLD)
    matter = Matter(path, "paddle", "cpu", scale, *refinement, unmix=False)
    for height, width in SIZES:
        src, bgr = photos(height, width)
        matte = matter.predict(src, bgr)
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
@pytest.mark.parametrize("scale", (0.25, 0.5))
def test_the_result_does_not_depend_on_the_memory(weights, backend, scale):
    src, bgr = photos(100, 148)
    first, *others = (Matter(weights, backend, "cpu", scale, "full", max_memory=memory, unmix=False).predict(src, bgr)
                      for memory in (None, 3, 0.8))
    for other in others:
        for name, one, two in zip(Matte._fields, first, other):
            assert np.array_equal(one, two), name


def test_too_little_memory(weights):
    with pytest.raises(UserError, match="0.8.*0.1"):
        Matter(weights, "paddle", "cpu", max_memory=0.1)


def test_batches(weights):
    matter = Matter(weights, "paddle", "cpu", unmix=False)
    (src, bgr), pair = photos(32, 48), photos(32, 44)
    for matte, one in zip(matter.predict_batch((src, pair[0]), (bgr, pair[1])), ((src, bgr), pair)):
        assert np.array_equal(matte.pha, matter.predict(*one).pha)
    assert matter.predict_batch([], []) == []
    with pytest.raises(ValueError, match="as many src as bgr"):
        matter.predict_batch([src], [])


def test_only_what_is_wanted_is_made(weights):
    matter = Matter(weights, "paddle", "cpu", sample_pixels=480, unmix=False)
    src, bgr = photos(50, 75)
    whole = matter.predict(src, bgr)
    for want in (("pha",), ("fgr",), ("err", "ref"), ["ref", "pha"], ()):
        matte = matter.predict(src, bgr, want)
        assert [name for name in Matte._fields if getattr(matte, name) is not None] == sorted(want, key=Matte._fields.index)
        for name in want:
            assert np.array_equal(getattr(matte, name), getattr(whole, name)), name
