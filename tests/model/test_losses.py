"""Loss terms against formulas written out in numpy, and where their gradients go."""
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from bgmatting.model.losses import base_loss, patch_loss, refine_loss


def random(shape, seed):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def learnable(array):
    return paddle.to_tensor(array, stop_gradient=False)


def sobel_by_formula(x):
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    across = x[..., 2:] - x[..., :-2]
    across = (across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]) / 8
    down = x[..., 2:, :] - x[..., :-2, :]
    down = (down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]) / 8
    return np.sqrt(across ** 2 + down ** 2 + 1e-6)


@pytest.fixture
def base():
    """A prediction at 12 x 16 and what is true; the left half has alpha 0."""
    true_pha = random((2, 1, 12, 16), 1)
    true_pha[..., :8] = 0
    pred = SimpleNamespace(pha=learnable(random((2, 1, 12, 16), 2)), fgr=learnable(random((2, 3, 12, 16), 3)),
                           err=learnable(random((2, 1, 12, 16), 4)))
    return pred, paddle.to_tensor(true_pha), paddle.to_tensor(random((2, 3, 12, 16), 5))


def test_terms_of_the_base(base):
    pred, true_pha, true_fgr = base
    terms = {name: float(value) for name, value in base_loss(*base).items()}
    pha, fgr, err = (x.numpy().astype(np.float64) for x in (pred.pha, pred.fgr, pred.err))
    t_pha, t_fgr = true_pha.numpy(), true_fgr.numpy()
    assert terms == pytest.approx({
        "pha_l1": np.abs(pha - t_pha).mean(),
        "pha_sobel": np.abs(sobel_by_formula(pha) - sobel_by_formula(t_pha)).mean(),
        "fgr_l1": (np.abs(fgr - t_fgr) * (t_pha > 0)).mean(),
        "err_mse": ((err - np.abs(pha - t_pha)) ** 2).mean(),
    }, rel=1e-5)


def test_foreground_is_taught_only_where_there_is_one(base):
    pred, true_pha, true_fgr = base
    base_loss(pred, true_pha, true_fgr)["fgr_l1"].backward()
    grad = pred.fgr.grad.numpy()
    there = np.broadcast_to(true_pha.numpy() > 0, grad.shape)
    assert (grad[~there] == 0).all() and 0 < there.mean() < 1
    assert np.allclose(np.abs(grad[there]), 1 / grad.size)


def test_the_error_teaches_alpha_only_where_it_is_not_detached(base):
    pred, true_pha, _ = base
    base_loss(*base)["err_mse"].backward()
    assert pred.pha.grad is None or float(pred.pha.grad.abs().max()) == 0
    assert float(pred.err.grad.abs().min()) > 0
    pred.pha.clear_gradient()
    base_loss(*base, detach_error=False)["err_mse"].backward()
    pha, err, true = (x.numpy().astype(np.float64) for x in (pred.pha, pred.err, true_pha))
    expected = 2 * (np.abs(pha - true) - err) * np.sign(pha - true) / pha.size
    assert np.allclose(pred.pha.grad.numpy(), expected, rtol=1e-4, atol=1e-8)


def test_terms_of_the_whole_network():
    """Halving aligned pixels is the mean of 2 x 2, so the coarse terms can be written out."""
    true_pha, true_fgr = random((1, 1, 16, 16), 1), random((1, 3, 16, 16), 2)
    true_pha[..., :6] = 0
    pred = {name: random((1, channels, side, side), seed) for seed, (name, channels, side) in enumerate(
        [("pha", 1, 16), ("fgr", 3, 16), ("pha_sm", 1, 8), ("fgr_sm", 3, 8)], start=3)}
    pred["err_sm"] = np.full((1, 1, 8, 8), 0.5, np.float32)
    pred["pha_sm"] = np.full((1, 1, 8, 8), 0.25, np.float32)  # flat maps stay flat when enlarged
    terms = refine_loss(SimpleNamespace(**{name: paddle.to_tensor(x) for name, x in pred.items()}),
                        paddle.to_tensor(true_pha), paddle.to_tensor(true_fgr))

    def halved(x):
        return x.reshape(x.shape[0], x.shape[1], 8, 2, 8, 2).mean((3, 5))

    def l1(x, y):
        return np.abs(x - y).mean()

    assert {name: float(value) for name, value in terms.items()} == pytest.approx({
        "pha_l1": l1(pred["pha"], true_pha),
        "pha_sm_l1": l1(0.25, halved(true_pha)),
        "pha_sobel": l1(sobel_by_formula(pred["pha"]), sobel_by_formula(true_pha)),
        "pha_sm_sobel": l1(1e-3, sobel_by_formula(halved(true_pha))),
        "fgr_l1": (np.abs(pred["fgr"] - true_fgr) * (true_pha > 0)).mean(),
        "fgr_sm_l1": (np.abs(pred["fgr_sm"] - halved(true_fgr)) * (halved(true_pha) > 0)).mean(),
        "err_mse": ((0.5 - np.abs(0.25 - true_pha)) ** 2).mean(),
    }, rel=1e-4)


def test_patch_loss_looks_at_refined_pixels_alone():
    true_pha, true_fgr = random((1, 1, 8, 8), 1), random((1, 3, 8, 8), 2)
    true_pha[..., :2] = 0
    pred = SimpleNamespace(pha=learnable(random((1, 1, 8, 8), 3)), fgr=learnable(random((1, 3, 8, 8), 4)),
                           ref_sm=paddle.to_tensor([[[[1.0, 0.0], [0.0, 0.0]]]]))
    terms = patch_loss(pred, paddle.to_tensor(true_pha), paddle.to_tensor(true_fgr))
    off = (pred.pha.numpy() - true_pha)[0, 0, :4, :4]
    colour = np.abs(pred.fgr.numpy() - true_fgr)[0, :, :4, 2:4]
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        {"pha_l1": np.abs(off).sum() / 17, "pha_mse": (off ** 2).sum() / 17, "fgr_l1": colour.sum() / 25}, rel=1e-5)
    sum(terms.values()).backward()
    assert (pred.pha.grad.numpy()[0, 0, :4, :4] != 0).all()
    assert np.abs(pred.pha.grad.numpy()[0, 0]).sum() == pytest.approx(np.abs(pred.pha.grad.numpy()[0, 0, :4, :4]).sum())
