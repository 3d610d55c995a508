"""Losses, gradients and Adam steps are those of the authors' implementation."""
import json

import numpy as np
import paddle
import pytest

from model.losses import base_loss, refine_loss
from model.matting import MattingBase, MattingRefine
from reference import reference_network, reference_tensors, stored, torch_name


def train(case, dtype="float32"):
    """Five Adam steps on one batch: the first loss terms, the first gradients' norms {name: norm}, the losses."""
    whole = "pha_sm_l1" in json.loads(str(case["terms"]))
    if whole:
        network = reference_network(MattingRefine, "mobilenetv2", refine_mode="full", dtype=dtype)
    else:
        network = reference_network(MattingBase, "mobilenetv2", dtype=dtype)
    src, bgr = reference_tensors(case["seeds"][:2], case["shape"], dtype)
    true_fgr, = reference_tensors(case["seeds"][3:], case["shape"], dtype)
    true_pha = paddle.to_tensor(case["true_pha"].astype(dtype))
    adam = paddle.optimizer.Adam(float(case["lr"]), parameters=network.parameters())
    terms, norms, losses = [], [], []
    for _ in range(5):
        out = network(src, bgr)
        if whole:
            terms.append(refine_loss(out, true_pha, true_fgr, detach_error=False))
        else:
            terms.append(base_loss(out, true_pha, true_fgr))
        loss = sum(terms[-1].values())
        loss.backward()
        losses.append(float(loss))
        norms.append({torch_name(name): float(np.linalg.norm(x.grad.numpy().astype(np.float64)))
                      for name, x in network.named_parameters() if x.grad is not None})
        adam.step()
        adam.clear_grad()
    return {name: float(value) for name, value in terms[0].items()}, norms[0], losses


def relative(values, expected):
    return np.abs(np.asarray(values) / np.asarray(expected) - 1).max()


def in_order(norms, names):
    assert set(norms) == set(map(str, names))
    return [norms[str(name)] for name in names]


@pytest.mark.parametrize("kind", ("base", "refine"))
def test_loss_terms_and_gradients(kind):
    case = stored(f"train_{kind}_mobilenetv2")
    terms, norms, losses = train(case)
    expected = json.loads(str(case["terms"]))
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert terms[name] == pytest.approx(value, rel=1e-5), name
    # The base alone is steep: the stored float32 gradients lie 4e-3 from the authors' own in float64 and the losses
    # after the first step 3e-3, and ours are as far. The float64 test below holds the tight bounds.
    assert relative(in_order(norms, case["grad_names"]), case["grad_norms"]) < (2e-2 if kind == "base" else 1e-3)
    assert losses[0] == pytest.approx(case["losses"][0], rel=1e-5)
    assert relative(losses, case["losses"]) < (2e-2 if kind == "base" else 1e-4)


def test_base_in_float64():
    case = stored("train_base_mobilenetv2")
    _, norms, losses = train(case, "float64")
    assert relative(in_order(norms, case["grad_names"]), case["grad_norms64"]) < 1e-6
    assert relative(losses, case["losses64"]) < 1e-8
