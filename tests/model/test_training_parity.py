"""Losses, gradients and Adam steps are those of the authors' implementation."""
import json

import pytest

from tests.model.reference import in_order, relative, stored, train


@pytest.mark.slow
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
    assert relative(in_order(norms, case["grad_names"]), case["grad_norms"]).max() < (2e-2 if kind == "base" else 1e-3)
    assert losses[0] == pytest.approx(case["losses"][0], rel=1e-5)
    assert relative(losses, case["losses"]).max() < (2e-2 if kind == "base" else 1e-4)


@pytest.mark.slow
def test_base_in_float64():
    case = stored("train_base_mobilenetv2")
    _, norms, losses = train(case, "float64")
    assert relative(in_order(norms, case["grad_names"]), case["grad_norms64"]).max() < 1e-6
    assert relative(losses, case["losses64"]).max() < 1e-8
