"""The scale on the loss, and what devices cannot do. The 16-bit kernels themselves need a GPU and are not run here."""
import numpy as np
import paddle
import pytest

from bgmatting.training import precision as module
from bgmatting.training.precision import FIRST_SCALE, GROWTH_AFTER, Precision, Statistics
from bgmatting.utils.errors import UserError


@pytest.fixture
def gpu(monkeypatch):
    """make(level, dtype) -> Precision as on a GPU that can do everything."""
    monkeypatch.setattr(paddle.amp, "is_float16_supported", lambda device: True)
    monkeypatch.setattr(paddle.amp, "is_bfloat16_supported", lambda device: True)
    return lambda level="O1", dtype="float16": Precision(level, dtype, "gpu:0")


@pytest.mark.parametrize("level", ["O1", "O2"])
def test_a_cpu_refuses_before_training(level):
    with pytest.raises(UserError, match=f"--amp.*{level}"):
        Precision(level, "bfloat16", "cpu")


def test_a_gpu_that_lacks_the_type_refuses(monkeypatch):
    monkeypatch.setattr(paddle.amp, "is_bfloat16_supported", lambda device: False)
    with pytest.raises(UserError, match="gpu:1 cannot compute in bfloat16"):
        Precision("O1", "bfloat16", "gpu:1")


def test_the_network_runs_in_what_was_asked_for(gpu, monkeypatch):
    asked = []
    monkeypatch.setattr(module.paddle.amp, "auto_cast", lambda **settings: asked.append(settings))
    gpu("O2", "bfloat16").autocast()
    assert asked == [{"level": "O2", "dtype": "bfloat16"}]


def test_the_scale_is_taken_back_out_of_the_gradients(gpu):
    found = []
    for precision in (gpu(), Precision(None, "float16", "cpu")):
        layer = paddle.nn.Linear(2, 1)
        precision.scaled((layer(paddle.to_tensor([[3.0, 4.0]])) * 2).sum()).backward()
        found.append((precision.unscale(layer.parameters()).item(), layer.weight.grad.numpy()))
    for norm, gradient in found:
        assert norm == pytest.approx((6 ** 2 + 8 ** 2 + 2 ** 2) ** 0.5)  # weights and bias together
        np.testing.assert_allclose(gradient, [[6], [8]])


def test_the_scale_falls_at_once_and_grows_slowly(gpu):
    precision = gpu()
    precision.update(False)
    assert precision.scale == FIRST_SCALE / 2
    for _ in range(GROWTH_AFTER - 1):
        precision.update(True)
    assert precision.scale == FIRST_SCALE / 2
    precision.update(True)
    assert precision.scale == FIRST_SCALE
    for _ in range(40):
        precision.update(False)
    assert precision.scale == 1


def test_a_saved_scale_goes_on_as_if_never_saved(gpu):
    one, other = gpu(), gpu()
    for finite in [False, False] + [True] * 7:
        one.update(finite)
    other.load(one.state())
    assert other.state() == one.state() == {"scale": FIRST_SCALE / 4, "good": 7}


def test_statistics_are_put_back():
    network = paddle.nn.Sequential(paddle.nn.Conv2D(3, 2, 1), paddle.nn.BatchNorm2D(2))
    network(paddle.rand([2, 3, 4, 4]))
    before = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    kept = Statistics(network)
    network(paddle.full([2, 3, 4, 4], float("nan")))
    assert np.isnan(network[1]._mean.numpy()).all()
    kept.restore()
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
