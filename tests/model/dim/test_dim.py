"""DIM: PaddleSeg's numbers and names, its losses, and what it refuses."""
import numpy as np
import paddle
import pytest

from bgmatting.model import DIM
from bgmatting.model.dim.losses import WEIGHTS, dim_loss
from bgmatting.model.dim.network import DimOutput
from bgmatting.model.weights import load_paddleseg_state
from bgmatting.utils.errors import UserError
from tests.model.paddleseg import assert_alike, assert_losses_alike, seeded_batch, seeded_network, stored, stored_names


@pytest.fixture(scope="module")
def network():
    return seeded_network("dim_vgg16")


@pytest.fixture(autouse=True)
def evaluating(network):
    network.eval()


def pictures(height, width, batch=1):
    rng = np.random.default_rng(3)
    img = rng.random((batch, 3, height, width), dtype=np.float32) * 2 - 1
    trimap = rng.choice(np.array([0, 128, 255], np.float32), (batch, 1, height, width)) / 255
    return paddle.to_tensor(img), paddle.to_tensor(trimap)


def answer(network, arrays, **kwargs):
    with paddle.no_grad():
        return network(*arrays, **kwargs)


def test_names_and_shapes(network):
    assert {name: list(x.shape) for name, x in network.state_dict().items()} == stored_names("dim_vgg16")


@pytest.mark.slow
def test_alpha_losses_and_gradients(network):
    case, batch = stored("dim_vgg16"), seeded_batch()
    assert_alike(answer(network, (batch["img"], batch["trimap"])), case["alpha"])
    before = {name: x.numpy() for name, x in network.state_dict().items()}
    network.train()
    pred = network(batch["img"], batch["trimap"], both_stages=True)
    terms = dim_loss(pred, batch["img"], batch["pha"], batch["unknown"], batch["fgr"], batch["bgr"])
    assert set(terms) == set(WEIGHTS)
    assert_losses_alike(network, terms, WEIGHTS, case, 1e-5, 1e-3)
    load_paddleseg_state(network, before)  # training moves the statistics
    with pytest.raises(UserError, match="'vgg16'"):
        DIM("vgg19")


@pytest.mark.parametrize("height, width, batch", [(64, 96, 2), (33, 75, 1)])
def test_outputs(network, height, width, batch):
    out = answer(network, pictures(height, width, batch), both_stages=True)
    pha = answer(network, pictures(height, width, batch))
    assert list(out.pha.shape) == list(out.pha_raw.shape) == list(pha.shape) == [batch, 1, height, width]
    assert 0 <= float(pha.min()) < float(pha.max()) <= 1
    assert float((out.pha - out.pha_raw).min()) >= 0, "the refinement adds alone"
    assert np.array_equal(pha.numpy(), out.pha.clip(0, 1).numpy())


@pytest.mark.parametrize("img, trimap, words", [
    ((1, 3, 64, 64), (1, 1, 64, 32), "trimap must have the shape"),
    ((1, 3, 64, 64), (1, 3, 64, 64), "trimap must have the shape"),
    ((2, 3, 64, 64), (1, 1, 64, 64), "trimap must have the shape"),
    ((1, 4, 64, 64), (1, 1, 64, 64), "img must have the shape"),
    ((3, 64, 64), (1, 64, 64), "img must have the shape"), ((1, 3, 31, 64), (1, 1, 31, 64), "at least 32, not 31 and 64")])
def test_wrong_inputs(network, img, trimap, words):
    with pytest.raises(ValueError, match=words):
        network(paddle.zeros(img), paddle.zeros(trimap))


def test_losses_are_means_over_the_unknown_pixels():
    true, unknown = paddle.zeros([1, 1, 8, 8]), paddle.zeros([1, 1, 8, 8])
    unknown[:, :, :2] = 1
    pred = DimOutput(0.25 * unknown + (1 - unknown), 0.5 * unknown + (1 - unknown))
    black, white = paddle.zeros([1, 3, 8, 8]), paddle.ones([1, 3, 8, 8])
    terms = dim_loss(pred, black, true, unknown, white, black)
    assert float(terms["alpha_pred"]) == pytest.approx(0.25, abs=1e-5)
    assert float(terms["alpha_raw"]) == pytest.approx(0.5, abs=1e-5)
    assert float(terms["comp"]) == pytest.approx(3 * 0.5, abs=1e-5)
