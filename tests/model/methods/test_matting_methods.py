"""Methods as objects: what they need, how a photo becomes their input and alpha the photo's size, their losses."""
import dataclasses

import cv2
import numpy as np
import paddle
import pytest

from bgmatting.model.methods import METHODS, find_method
from bgmatting.model.methods.input_rule import InputRule
from bgmatting.utils.errors import UserError

NEEDS = {"background": "bgr", "modnet": None, "dim": "trimap"}
SMALL = {"background": "mobilenetv2", "modnet": "mobilenetv2", "dim": "vgg16"}
TERMS = {"modnet": {"semantic", "detail", "fusion_l1", "fusion_comp", "fusion_con_sem"},
         "dim": {"alpha_raw", "comp", "alpha_pred"},
         "background": {"pha_l1", "pha_sm_l1", "pha_sobel", "pha_sm_sobel", "fgr_l1", "fgr_sm_l1", "err_mse"}}


def photo(height, width, channels=(3,)):
    return np.random.default_rng(height).integers(0, 256, (height, width, *channels), dtype=np.uint8)


def extra(name, height, width):
    if NEEDS[name] is None:
        return ()
    if NEEDS[name] == "bgr":
        return (photo(height, width),)
    return (np.random.default_rng(1).choice(np.array([0, 128, 255], np.uint8), (height, width)),)


def batch(side=64):
    rng = np.random.default_rng(0)
    arrays = {name: rng.random((2, channels, side, side), dtype=np.float32)
              for name, channels in (("src", 3), ("bgr", 3), ("fgr", 3), ("pha", 1))}
    arrays["trimap"] = rng.choice(np.array([0, 128, 255], np.float32), (2, 1, side, side)) / 255
    return {name: paddle.to_tensor(x) for name, x in arrays.items()}


@pytest.fixture(scope="module", params=METHODS)
def method(request):
    return find_method(request.param)


def test_from_a_photo_to_alpha_of_its_size(method):
    paddle.seed(0)
    network = method.build(SMALL[method.name])
    network.eval()
    rule = dataclasses.replace(method.rule, short=method.rule.short and 64)  # as the method has it, but small
    small = dataclasses.replace(method, rule=rule)
    given = extra(method.name, 90, 117)
    inputs = small.inputs(photo(90, 117), *given)
    with paddle.no_grad():
        out = small.answer(network, *map(paddle.to_tensor, inputs))
    assert set(out) == set(method.outputs)
    trimap = given[0] if method.needs == "trimap" else None
    pha = small.matte(out["pha"][0, 0].numpy(), 90, 117, trimap)
    assert pha.shape == (90, 117) and pha.dtype == np.float32
    assert 0 <= pha.min() <= pha.max() <= 1
    if trimap is not None:
        assert (pha[trimap == 0] == 0).all() and (pha[trimap == 255] == 1).all()


def test_losses_are_named_and_teach_the_network(method):
    paddle.seed(0)
    network = method.build(SMALL[method.name])
    terms = method.terms(network, batch())
    assert set(terms) == TERMS[method.name]
    assert all(x.size == 1 and float(x) >= 0 for x in terms.values())
    loss = method.loss(terms)
    assert float(loss) == pytest.approx(sum(method.weights.get(name, 1) * float(x) for name, x in terms.items()), rel=1e-5)
    loss.backward()
    assert any(float(x.grad.abs().max()) > 0 for x in network.parameters() if x.grad is not None)


def test_weights_are_those_of_paddleseg():
    assert find_method("dim").loss({"alpha_raw": 2.0, "comp": 4.0, "alpha_pred": 1.0}) == 4
    assert find_method("modnet").loss({"semantic": 1.0, "detail": 0.5, "fusion_l1": 2.0}) == 8
    with pytest.raises(UserError, match="'modnet'"):
        find_method("modnets")


@pytest.mark.parametrize("method, size, steps", [
    ("modnet", (700, 1003), [(512, 734), (512, 704)]), ("modnet", (512, 512), []), ("modnet", (200, 100), [(1024, 512)]),
    ("dim", (77, 101), []), ("dim", (7680, 4320), [(3840, 2160)])])
def test_sizes(method, size, steps):
    assert find_method(method).rule.sizes(*size) == steps


def test_padding_repeats_the_border_and_is_cut_off_again():
    rule = InputRule(multiple=4, padded=True)
    picture = photo(6, 9)
    x = rule.photo(picture)
    assert x.shape == (1, 3, 8, 12)
    assert np.array_equal(np.round(x[0] * 255).transpose(1, 2, 0)[:6, :9], picture)
    assert (x[0, :, 6:, :9] == x[0, :, 5:6, :9]).all() and (x[0, :, :, 9:] == x[0, :, :, 8:9]).all()
    assert np.array_equal(rule.restore(x[0, 0], 6, 9), x[0, 0, :6, :9])


def test_photos_are_resized_step_by_step_and_ranged():
    x = find_method("modnet").inputs(photo(300, 431))[0]
    steps = cv2.resize(cv2.resize(photo(300, 431), (736, 512)), (736, 512))
    assert x.shape == (1, 3, 512, 736) and x.dtype == np.float32
    assert np.abs((x[0].transpose(1, 2, 0) + 1) * 127.5 - steps).max() < 1e-3
    assert x.min() >= -1 and x.max() <= 1


def test_trimaps_keep_their_three_values():
    trimap = np.random.default_rng(0).choice(np.array([0, 128, 255], np.uint8), (60, 90))
    x = InputRule(longest=50).trimap(trimap)
    assert x.shape == (1, 1, 33, 50)
    assert set(np.unique(np.round(x * 255))) == {0, 128, 255}


@pytest.mark.parametrize("name, pictures, words", [
    ("modnet", (photo(40, 40), photo(40, 40)), "needs"),
    ("dim", (photo(40, 40),), "needs"),
    ("background", (photo(40, 40),), "needs"),
    ("dim", (photo(40, 40), photo(40, 40)), r"trimap must be uint8 \(H, W\)"),
    ("dim", (photo(40, 40), photo(40, 41, ())), "must have one size"),
    ("background", (photo(40, 40), photo(41, 40)), "must have one size"),
    ("modnet", (photo(40, 40, (4,)),), r"photo must be uint8 \(H, W, 3\)"),
    ("modnet", (photo(40, 40).astype(np.float32),), r"photo must be uint8 \(H, W, 3\), not float32"),
    ("modnet", (np.zeros((0, 4, 3), np.uint8),), "photo is empty")])
def test_wrong_pictures(name, pictures, words):
    with pytest.raises(ValueError, match=words):
        find_method(name).inputs(*pictures)
