"""MODNet: PaddleSeg's and the authors' numbers and names, its losses, and what it refuses."""
import numpy as np
import paddle
import pytest

from bgmatting.model import MODNet
from bgmatting.model.modnet import WEIGHTS
from bgmatting.model.modnet.losses import modnet_loss
from bgmatting.model.modnet.network import Blur, ModnetOutput
from bgmatting.model.weights import load_paddleseg_state
from bgmatting.utils.errors import UserError
from tests.model.paddleseg import (
    MODNETS,
    assert_alike,
    assert_losses_alike,
    noise,
    seeded_array,
    seeded_batch,
    seeded_network,
    stored,
    stored_names,
)


@pytest.fixture(scope="module")
def network():
    return seeded_network("modnet_mobilenetv2")


def tensor(value, shape):
    return paddle.full(shape, value, "float32")


def authors_state(prefix=""):
    """The reference state of the authors' network; the encoder lies in it twice, as in their files."""
    return {prefix + name: seeded_array(name.replace("lr_branch.backbone.", "backbone."), shape)
            for name, shape in stored_names("modnet_authors").items()}


# ---- parity

@pytest.mark.slow
@pytest.mark.parametrize("backbone", MODNETS)
def test_names_alpha_losses_and_gradients(backbone):
    case, batch = stored(f"modnet_{backbone}"), seeded_batch()
    network = seeded_network(f"modnet_{backbone}")
    assert {name: list(x.shape) for name, x in network.state_dict().items()} == stored_names(f"modnet_{backbone}")
    with paddle.no_grad():
        assert_alike(network(batch["img"]), case["alpha"])
    # In float64: float32 gradients of BatchNorm on two samples differ from one CPU to another by up to 6e-3.
    network.to(dtype="float64")
    network.train()
    batch = {name: x.astype("float64") for name, x in batch.items()}
    pred = network(batch["img"], every_branch=True)
    terms = modnet_loss(pred, batch["img"], batch["pha"], batch["unknown"], network.blurer)
    assert set(terms) == set(WEIGHTS)
    assert_losses_alike(network, terms, WEIGHTS, case, 1e-7, 1e-6)


# ---- the authors' weights

def test_the_authors_weights_give_the_authors_alpha():
    # In float64, where the rounding of two frameworks cannot hide a difference.
    network = MODNet("mobilenetv2")
    network.to(dtype="float64")
    for name, value in network.state_dict().items():  # nothing may stay of what the network held before
        if not name.startswith("blurer."):
            value.set_value(seeded_array(name, value.shape).astype(np.float64))
    report = load_paddleseg_state(network, authors_state("module."))
    assert not report.missing and not report.unexpected
    network.eval()
    with paddle.no_grad():
        pha = network(seeded_batch()["img"].astype("float64"))
    assert np.abs(pha.numpy() - stored("modnet_authors")["alpha"]).max() < 1e-6


def test_the_authors_weights_that_do_not_fit():
    state, unknown = authors_state(), "backbone.model.features.30.0.weight"
    network = MODNet("mobilenetv2")
    assert load_paddleseg_state(network, {**state, unknown: np.ones(1)}).unexpected == [unknown]
    del state["backbone.model.features.7.conv.3.weight"]
    with pytest.raises(ValueError, match="conv5._first_block._bottleneck_conv._conv.weight"):
        load_paddleseg_state(network, state)
    with pytest.raises(UserError, match="'resnet50_vd'"):
        MODNet("resnet50")


# ---- the network

def test_outputs(network):
    img = paddle.to_tensor(noise(7)[:, :, :64])
    with paddle.no_grad():
        out, pha = network(img, every_branch=True), network(img)
    assert {name: list(x.shape) for name, x in out._asdict().items()} == {
        "pha": [2, 1, 64, 128], "semantic": [2, 1, 4, 8], "detail": [2, 1, 64, 128]}
    assert all(0 <= float(x.min()) < float(x.max()) <= 1 for x in out)
    assert np.array_equal(out.pha.numpy(), pha.numpy())


@pytest.mark.parametrize("shape, words", [
    ((1, 3, 64, 80), "multiples of 32, not 64 and 80"), ((1, 3, 16, 64), "multiples of 32"),
    ((1, 3, 0, 32), "multiples of 32"),
    ((1, 6, 64, 64), r"\(B, 3, H, W\)"), ((3, 64, 64), r"\(B, 3, H, W\)")])
def test_wrong_inputs(network, shape, words):
    with pytest.raises(ValueError, match=words):
        network(paddle.zeros(shape))


def test_the_blur_is_a_gaussian_that_keeps_the_mean_and_does_not_learn():
    blur = Blur()
    kernel = blur.op[1].weight.numpy()[0, 0]
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    # scipy.ndimage.gaussian_filter of a single 1 in 3x3, sigma 0.8
    expected = [[0.06261056, 0.1249999, 0.06261056], [0.1249999, 0.24955813, 0.1249999], [0.06261056, 0.1249999, 0.06261056]]
    assert np.abs(kernel - expected).max() < 1e-7
    assert blur.op[1].weight.stop_gradient


# ---- losses

def test_detail_counts_where_unknown_alone_and_edges_count_more():
    true, unknown = tensor(0, [1, 1, 32, 32]), tensor(0, [1, 1, 32, 32])
    unknown[:, :, :, :8] = 1
    off = 0.5 * unknown
    pred = ModnetOutput(off, tensor(0, [1, 1, 2, 2]), 1 - 0.5 * unknown)
    terms = modnet_loss(pred, tensor(-1, [1, 3, 32, 32]), true, unknown, Blur())
    assert float(terms["detail"]) == pytest.approx(0.5, abs=1e-4)
    assert float(terms["fusion_l1"]) == float(terms["fusion_comp"]) == pytest.approx((1 + 4) * 0.5 / 4)


def test_consistency_lets_the_branches_differ_at_edges():
    true, pha = tensor(0, [1, 1, 32, 32]), tensor(1, [1, 1, 32, 32])
    pred = ModnetOutput(pha, tensor(0, [1, 1, 2, 2]), pha)
    for unknown, expected in ((0, 1), (1, 0)):
        terms = modnet_loss(pred, tensor(0, [1, 3, 32, 32]), true, tensor(unknown, [1, 1, 32, 32]), Blur())
        assert float(terms["fusion_con_sem"]) == pytest.approx(expected, abs=1e-6)
