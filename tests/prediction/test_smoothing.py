import numpy as np
import pytest

from bgmatting.model import Matter
from bgmatting.prediction.smoothing import Smoother
from tests.prediction.films import make_film

FRAMES, SIZE = 10, (144, 192)


def dtssd(phas, truth):
    """Erofeev et al., "Perceptually Motivated Benchmark for Video Matting" (BMVC 2015), whole picture, times 100."""
    wrong = np.diff(phas, axis=0) - np.diff(truth, axis=0)
    return 100 * np.sqrt(np.square(wrong).mean((1, 2))).mean()


def sad(phas, truth):
    return np.abs(phas - truth).sum((1, 2)).mean() / 1000


@pytest.fixture(scope="module")
def film():
    return make_film((3, 1), FRAMES, *SIZE)


def flickering(truth, seed, depth):
    """Alpha with holes and patches that come and go with every frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, depth, (len(truth), SIZE[0] // 8, SIZE[1] // 8)).astype(np.float32)
    return truth + np.kron(coarse, np.ones((8, 8), np.float32))


def test_takes_flicker_out(film):
    truth = np.float32(0.3) + np.stack(film.phas) * np.float32(0.4 / 255)  # so that nothing has to be cut off
    phas = flickering(truth, 1, 0.06)
    smoother = Smoother()
    smooth = np.stack([smoother(src, pha) for src, pha in zip(film.srcs, phas)])
    assert smooth.dtype == np.float32 and phas.min() - 1e-6 <= smooth.min() and smooth.max() <= phas.max() + 1e-6
    assert dtssd(smooth, truth) < 0.55 * dtssd(phas, truth)
    assert sad(smooth, truth) < 0.7 * sad(phas, truth)


def test_true_alpha_is_hardly_smeared(film):
    truth = np.stack(film.phas) / np.float32(255)
    smoother = Smoother()
    smooth = np.stack([smoother(src, pha) for src, pha in zip(film.srcs, truth)])
    assert np.abs(truth[:-1] - truth[1:]).mean() > 0.002 and np.abs(smooth - truth).mean() < 0.0018


def test_mattes_of_the_network_flicker_less(film):
    truth = np.stack(film.phas) / np.float32(255)
    with Matter(backend="paddle", threads=1) as matter:
        phas = np.stack([matter.predict(src, film.bgr, ("pha",)).pha for src in film.srcs])
    smoother = Smoother()
    smooth = np.stack([smoother(src, pha) for src, pha in zip(film.srcs, phas)])
    assert dtssd(smooth, truth) < 0.85 * dtssd(phas, truth)
    assert sad(smooth, truth) <= 1.01 * sad(phas, truth)


def test_the_first_matte_and_the_one_after_a_reset_a_cut_or_in_another_size_stay(film):
    smoother = Smoother()
    pha = np.random.default_rng(0).random(SIZE, dtype=np.float32)
    kept = pha.copy()
    assert np.array_equal(smoother(film.srcs[0], pha), pha)
    assert not np.array_equal(smoother(film.srcs[1], 1 - pha), 1 - pha)
    smoother.reset()
    assert np.array_equal(smoother(film.srcs[0], pha), pha) and np.array_equal(pha, kept)
    other = make_film((3, 5), 1, *SIZE)  # a cut, and then another size
    for src, new in ((other.srcs[0], other.phas[0] / np.float32(255)),
                     (np.zeros((20, 30, 3), np.uint8), np.full((20, 30), 0.5, np.float32))):
        assert np.array_equal(smoother(src, new), new)
    with pytest.raises(ValueError, match="one size"):
        smoother(film.srcs[0], np.zeros((20, 30), np.float32))
