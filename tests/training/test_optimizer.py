"""Each part of the network learns at its own rate, and the optimizer's state survives another naming."""
import numpy as np
import paddle
import pytest
from paddle import nn

from bgmatting.training.optimizer import build_optimizer, learning_parts, load_optimizer_arrays, optimizer_arrays, part_rates
from bgmatting.utils.errors import UserError


class Net(nn.Layer):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(3, 4), nn.BatchNorm1D(4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.norm(self.first(x)))


def make_net(seed=0):
    paddle.seed(seed)
    return Net()


def step(net, optimizer, seed, rate=0.01):
    x = paddle.to_tensor(np.random.default_rng(seed).standard_normal((8, 3)).astype(np.float32))
    (net(x) - 1).square().mean().backward()
    optimizer.set_lr(rate)
    optimizer.step()
    optimizer.clear_grad()


def values(net):
    return {name: value.numpy().copy() for name, value in net.state_dict().items()}


def moves(net, optimizer, **options):
    before = values(net)
    step(net, optimizer, 1, **options)
    return {name: np.abs(value - before[name]) for name, value in values(net).items()}


def test_one_step_moves_each_part_by_rate_times_factor():
    """Adam's first step is rate * g / (|g| + 1e-8), so its size is the rate wherever the gradient is not tiny."""
    net = make_net()
    moved = moves(net, build_optimizer(net, {"first": 0.5, "norm": 2.0, "last": 3.0}), rate=0.01)
    assert np.median(moved["first.weight"]) == pytest.approx(0.005, rel=1e-3)
    assert np.median(moved["norm.weight"]) == pytest.approx(0.02, rel=1e-3)
    assert np.median(moved["last.weight"]) == pytest.approx(0.03, rel=1e-3)


def test_clipping_bounds_the_norm_over_all_parts():
    net = make_net()
    optimizer = build_optimizer(net, {"first": 1.0, "norm": 1.0, "last": 1.0}, clip_norm=1e-3)
    step(net, optimizer, 1)
    gradients = [value for name, value in optimizer_arrays(optimizer, net).items() if "|moment1" in name]
    norm = np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in gradients)) / 0.1  # the moment is (1 - 0.9) g
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_unknown_part():
    with pytest.raises(UserError, match="'frist'.*'first'"):
        build_optimizer(make_net(), {"frist": 1.0})


@pytest.mark.parametrize("optimizers_before", [0, 2])
def test_state_goes_on_bit_by_bit_under_other_names(optimizers_before):
    """Names change with the layers built before, and with the optimizers that parameters had in earlier phases."""
    rates = {"first": 1.0, "norm": 2.0, "last": 3.0}
    net = make_net()
    for _ in range(optimizers_before):
        step(net, build_optimizer(net, {"first": 1.0, "norm": 1.0}), 9)
    optimizer = build_optimizer(net, rates)
    for seed in range(3):
        step(net, optimizer, seed)
    model, arrays = values(net), optimizer_arrays(optimizer, net)
    assert len(arrays) == 6 * 4  # six parameters, two moments and two powers of beta each
    step(net, optimizer, 3)

    [nn.Linear(2, 2) for _ in range(3)]  # moves paddle's counters on
    other = make_net(seed=5)
    assert other.first.weight.name != net.first.weight.name
    other.set_state_dict({name: paddle.to_tensor(value) for name, value in model.items()})
    again = build_optimizer(other, rates)
    load_optimizer_arrays(again, other, arrays)
    step(other, again, 3)
    for name, value in values(net).items():
        np.testing.assert_array_equal(values(other)[name], value, err_msg=name)


def test_sgd_with_momentum_and_decay_is_as_written():
    net = make_net()
    parameter = next(iter(net.parameters()))
    start, speed = parameter.numpy().astype(float), 0.0
    optimizer = build_optimizer(net, part_rates({"rest": 1.0}, learning_parts(net)), kind="sgd", momentum=0.9, decay=0.1)
    optimizer.set_lr(0.01)
    for _ in range(3):
        net.clear_gradients()
        (parameter * 2.0).sum().backward()
        optimizer.step()
        speed = 0.9 * speed + 2.0 + 0.1 * start
        start = start - 0.01 * speed
    np.testing.assert_allclose(parameter.numpy(), start, rtol=1e-5, atol=1e-6)
    arrays = optimizer_arrays(optimizer, net)
    assert arrays and {name.split("|")[1] for name in arrays} == {"velocity_0"}
    other = make_net()
    again = build_optimizer(other, part_rates({"rest": 1.0}, learning_parts(other)), kind="sgd")
    load_optimizer_arrays(again, other, arrays)
    for name, value in optimizer_arrays(again, other).items():
        np.testing.assert_array_equal(value, arrays[name])


def test_rates_of_named_parts_and_of_the_rest():
    net = make_net()
    parts = learning_parts(net)
    assert parts == ["first", "norm", "last"]
    assert part_rates({"first": 0.5, "rest": 2.0}, parts) == {"first": 0.5, "norm": 2.0, "last": 2.0}
    assert part_rates({"first": 0.0, "last": 1.0}, parts) == {"last": 1.0}
    for value in net.last.parameters():
        value.stop_gradient = True
    assert learning_parts(net) == ["first", "norm"]  # what is fixed does not learn as part of the rest
