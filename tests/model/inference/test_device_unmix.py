"""The last step in Paddle's operations is the host's to the last digits."""
import cv2
import numpy as np
import paddle
import pytest

from bgmatting.model.inference.device_unmix import TensorUnmix, _area, _blur, _linear
from bgmatting.model.inference.unmix import unmix

BOUND = 1e-6 if int(cv2.__version__.split(".")[0]) >= 5 else 2e-3  # before, it rounds places to a 32nd of a pixel


def rough(rng, height, width, channels, step):
    """A smooth random picture in 0..1."""
    small = rng.random((max(height // step, 1), max(width // step, 1), channels), np.float32)
    return cv2.resize(small, (width, height)).reshape(height, width, channels)


def scene(height, width, coarse):
    """src, bgr uint8; a soft alpha; a residual of the size ``coarse``."""
    rng = np.random.default_rng(height + width)
    src, bgr = ((rough(rng, height, width, 3, 8) * 255).astype(np.uint8) for _ in range(2))
    pha = np.clip(rough(rng, height, width, 1, min(40, height // 4 + 1))[..., 0] * 2 - 0.5, 0, 1)
    return src, bgr, np.ascontiguousarray(pha), rng.normal(0, 0.2, (*coarse, 3)).astype(np.float32)


def tensor(image):
    image = image.reshape(*image.shape[:2], -1).astype(np.float32)
    return paddle.to_tensor(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))


@pytest.mark.slow
@pytest.mark.parametrize("size, coarse", [
    ((200, 300), (50, 75)), ((500, 731), (125, 183)), ((720, 960), (360, 480)), ((3, 9), (1, 3)), ((1, 1), (1, 1)),
    ((37, 1200), (9, 300))])
@pytest.mark.parametrize("most", (None, 5000))
def test_the_same_as_on_the_host(size, coarse, most):
    src, bgr, pha, residual = scene(*size, coarse)
    expected = unmix(src, bgr, pha.copy(), residual)
    given = tensor(pha)
    found = TensorUnmix(paddle.CPUPlace(), most)(tensor(src), tensor(bgr), given, tensor(residual)).numpy()[0, 0]
    assert np.abs(found - expected).mean() < BOUND
    assert size[0] < 10 or np.abs(expected - pha).mean() > 0.03  # it does something
    assert np.array_equal(given.numpy()[0, 0], pha)


def test_nothing_open_and_another_size_afterwards():
    step = TensorUnmix(paddle.CPUPlace())
    src, bgr, pha, residual = scene(64, 96, (16, 24))
    for closed in (np.zeros_like(pha), np.ones_like(pha)):
        assert np.array_equal(step(tensor(src), tensor(bgr), tensor(closed), tensor(residual)).numpy()[0, 0], closed)
    for size in ((64, 96), (80, 56), (64, 96)):
        src, bgr, pha, residual = scene(*size, (16, 24))
        found = step(tensor(src), tensor(bgr), tensor(pha), tensor(residual)).numpy()[0, 0]
        assert np.abs(found - unmix(src, bgr, pha.copy(), residual)).mean() < BOUND


@pytest.mark.parametrize("side, to", [(1080, 270), (1000, 267), (7, 3), (3, 1), (5, 5)])
def test_the_matrices_are_opencvs(side, to):
    column = np.random.default_rng(side).random((side, 1)).astype(np.float32)
    for matrix, how in ((_area(side, to), cv2.INTER_AREA), (_linear(side, to), cv2.INTER_LINEAR)):
        expected = cv2.resize(column, (1, to), interpolation=how)
        assert np.abs(matrix @ column - expected).max() < 5e-5  # OpenCV rounds the place of each sample
    for sigma in (1.5, 2.0):
        expected = cv2.GaussianBlur(np.repeat(column[:240], 3, 1), (0, 0), sigma)
        assert np.abs(_blur(len(column[:240]), sigma) @ column[:240] - expected[:, :1]).max() < 1e-5
