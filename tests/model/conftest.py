"""The bounds of these tests are those of a CPU; the convolutions of a GPU round otherwise."""
import paddle
import pytest


@pytest.fixture(scope="module", autouse=True)
def on_cpu():
    before = paddle.get_device()
    paddle.set_device("cpu")
    yield
    paddle.set_device(before)
