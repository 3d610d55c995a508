"""The averaged weights: what they are, where they are in use, and that they come back as they were saved."""
import numpy as np
import paddle
import pytest

from bgmatting.training.ema import Ema


def network(seed=1):
    paddle.seed(seed)
    return paddle.nn.Sequential(paddle.nn.Linear(2, 2), paddle.nn.BatchNorm1D(2))


def add(net, value):
    net[0].weight.set_value(net[0].weight + value)


def test_the_average_by_hand():
    net = network()
    expected = net[0].weight.numpy().astype(np.float64)
    ema = Ema(net, 0.5)
    for number in range(1, 9):
        add(net, 1.0)
        ema.update()
        keep = min(0.5, (1 + number) / (10 + number))
        expected = keep * expected + (1 - keep) * net[0].weight.numpy()
    np.testing.assert_allclose(ema.arrays()["0.weight"], expected, rtol=1e-6)
    assert ema.updates == {"0": 8, "1": 8}


def test_a_part_that_learns_later_has_a_warm_up_of_its_own():
    """It begins at its weights, and its average after so many steps is as if the network had begun to learn then."""
    averages = []
    for before in (0, 300):
        net = network()
        ema = Ema(net, 0.999)
        net[0].weight.stop_gradient = net[0].bias.stop_gradient = True
        for _ in range(before):
            ema.update()
        net[0].weight.stop_gradient = net[0].bias.stop_gradient = False
        assert ema.updates == {"0": 0, "1": before}
        for _ in range(5):
            add(net, 1.0)
            ema.update()
        averages.append(ema.arrays()["0.weight"])
    np.testing.assert_array_equal(*averages)
    assert ema.updates == {"0": 5, "1": 305}


@pytest.mark.parametrize("kept", [{"0": 0, "1": 40}, 40])  # as saved now, and by earlier versions
def test_what_was_saved_before_a_part_learns(kept):
    net = network()
    ema = Ema(net, 0.999)
    net[1].weight.set_value(net[1].weight + 1.0)
    arrays = {**ema.arrays(), "1.weight": net[1].weight.numpy() - 0.5}
    again = Ema(net, 0.999)
    again.load(arrays, kept)
    assert again.updates == {"0": 0, "1": 40}
    np.testing.assert_array_equal(again.arrays()["1.weight"], arrays["1.weight"])


def test_in_place_for_a_while_and_after_an_error():
    net = network()
    ema = Ema(net, 0.9)
    add(net, 1.0)
    own = net[0].weight.numpy().copy()
    with pytest.raises(KeyError), ema.in_place():
        np.testing.assert_allclose(net[0].weight.numpy(), own - 1, rtol=1e-5)
        raise KeyError
    np.testing.assert_array_equal(net[0].weight.numpy(), own)


def test_the_arrays_are_a_whole_network_with_the_statistics_of_now():
    net = network()
    ema = Ema(net, 0.9)
    net(paddle.rand([8, 2]) + 5)
    arrays = ema.arrays()
    assert set(arrays) == set(net.state_dict())
    np.testing.assert_array_equal(arrays["1._mean"], net[1]._mean.numpy())
