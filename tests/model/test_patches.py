"""Which patches are refined: by arrays, by tensors, and the largest of many."""
import numpy as np
import paddle
import pytest

from bgmatting.model.patches import choose_patches, largest
from bgmatting.model.refinement import Refinement


@pytest.mark.parametrize("mode, sample_pixels", [
    ("full", 0), ("thresholding", 0), ("sampling", 0), ("sampling", 15), ("sampling", 16), ("sampling", 160),
    ("sampling", 10 ** 9)])
@pytest.mark.parametrize("zeros", (0, 0.5, 1))
def test_arrays_and_tensors_choose_the_same_patches(mode, sample_pixels, zeros):
    rng = np.random.default_rng(0)
    err = rng.permutation(15 * 22).astype(np.float32).reshape(15, 22) / 330  # no two alike
    err[rng.random(err.shape) < zeros] = 0
    refinement = Refinement(mode, sample_pixels, 0.4)
    chosen = choose_patches(err, refinement)
    assert chosen.dtype == bool and chosen.shape == err.shape
    sampled = min(sample_pixels // 16, (err > 0).sum())
    count = {"full": err.size, "thresholding": (err > 0.4).sum(), "sampling": sampled}[mode]
    assert chosen.sum() == count and (mode == "full" or not chosen[err == 0].any())
    assert mode == "full" or count in (0, err.size) or err[chosen].min() > err[~chosen].max()
    by_tensor = choose_patches(paddle.to_tensor(np.stack([err, err[::-1].copy()])[:, None]), refinement).numpy()
    assert np.array_equal(by_tensor, np.stack([chosen, chosen[::-1]])[:, None])


@pytest.mark.parametrize("length", (1, 30, 31, 32, 1000, 12345))
def test_largest(length):
    rng = np.random.default_rng(length)
    mostly_zero = np.where(rng.random(length) < 0.02, rng.random(length), 0)
    hidden = np.zeros(length)  # what is large lies between the samples
    hidden[1::31] = 1 + rng.random(len(hidden[1::31]))
    for values in (rng.random(length), np.zeros(length), np.full(length, 0.25), mostly_zero, hidden, np.arange(length),
                   -np.arange(length), rng.integers(0, 3, length)):
        values = values.astype(np.float32)
        for count in {0, 1, 2, length // 100, length // 3, length - 1, length}:
            found = largest(values, min(count, length))
            assert len(set(found.tolist())) == len(found) == min(count, length)
            assert np.array_equal(np.sort(values[found]), np.sort(values)[length - len(found):])
