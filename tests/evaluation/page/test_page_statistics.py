import numpy as np
import pytest
import scipy.stats

from bgmatting.evaluation.page.statistics import holm, mean_interval, paired_difference, resampled_means, wilcoxon_p

# Law school data (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, table 3.1): LSAT of 15 schools.
LSAT = np.array([576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594], float)


def skewed(count=40, seed=3):
    return np.random.default_rng(seed).lognormal(0, 1, count)


def test_resampled_means_do_not_depend_on_how_many_are_drawn_at_once(monkeypatch):
    whole = resampled_means(LSAT, 1000)
    monkeypatch.setattr("bgmatting.evaluation.page.statistics.AT_ONCE", 64)
    assert np.array_equal(resampled_means(LSAT, 1000), whole)
    assert not np.array_equal(resampled_means(LSAT, 1000, seed=1), whole)


@pytest.mark.parametrize("values", (LSAT, -skewed(25, 5)))
def test_interval_is_that_of_scipy(values):
    expected = scipy.stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa",
                                     random_state=np.random.default_rng(9)).confidence_interval
    found = mean_interval(values, resamples=20_000)
    width = expected.high - expected.low
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(expected.low, abs=0.03 * width)
    assert found.high == pytest.approx(expected.high, abs=0.03 * width)


def test_interval_of_few_or_equal_values():
    assert mean_interval([4.0]) == (4.0, None, None)
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)
    mean, low, high = mean_interval([1.0, 3.0])
    assert 1 <= low <= mean <= high <= 3
    for bad in ([], [1.0, float("nan")], [[1.0]]):
        with pytest.raises(ValueError, match="finite"):
            mean_interval(bad)


def test_paired_difference_ignores_how_hard_the_pictures_are():
    hard = np.random.default_rng(1).uniform(1, 100, 30)
    paired = paired_difference(hard, hard + 0.5 + 0.1 * np.sin(np.arange(30)))
    assert paired[:3] == (30, 30, pytest.approx(0.5, abs=0.02))
    assert 0.45 < paired.low < paired.mean < paired.high < 0.55
    assert (paired.better, paired.worse, paired.equal) == (0, 30, 0)


def test_groups_are_drawn_as_wholes():
    rng = np.random.default_rng(2)
    clips = rng.normal(5, 1, 30)
    alone, frames = mean_interval(clips), mean_interval(np.repeat(clips, 8), np.repeat(np.arange(30), 8))
    assert frames == pytest.approx(alone)                            # frames that are all alike add nothing
    careless = mean_interval(np.repeat(clips, 8))
    assert careless.high - careless.low < 0.5 * (frames.high - frames.low)
    assert mean_interval([1.0, 2.0, 3.0], ["a", "a", "a"]) == (2.0, None, None)


def test_groups_of_different_sizes_hold_the_true_mean_as_often_as_they_say():
    rng = np.random.default_rng(4)
    sizes, held = rng.integers(1, 6, 40), 0
    for trial in range(100):
        groups = np.repeat(np.arange(40), sizes)
        values = rng.normal(0, 1, 40)[groups] + rng.normal(0, 0.3, len(groups))
        _, low, high = mean_interval(values, groups, resamples=400, seed=trial)
        held += low <= 0 <= high
    assert 0.86 <= held / 100 <= 0.99


def test_paired_difference_of_groups():
    groups = ["x", "x", "y", "y", "z", "z"]
    paired = paired_difference([0] * 6, [1, 1, 2, 2, 3, -1], groups)
    assert (paired.count, paired.units, paired.worse, paired.better) == (6, 3, 5, 1)
    assert paired.p == pytest.approx(2 / 8)                          # means 1, 2, 1: all of one sign


def test_paired_difference_counts_only_pictures_with_both_values():
    nan = float("nan")
    paired = paired_difference([1, 2, nan, 4, 5], [2, 2, 3, nan, 1])
    assert (paired.count, paired.better, paired.worse, paired.equal) == (3, 1, 1, 1)
    assert paired.mean == pytest.approx(-1)
    assert paired_difference([nan], [1.0]) is None


def test_wilcoxon_by_hand():
    # All n differences of one sign: of the 2^n signs two are as extreme, so p = 2 / 2^n.
    assert wilcoxon_p([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 32)
    assert wilcoxon_p([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]) == pytest.approx(2 / 64)
    # Ranks 1, 2, 3 with signs +, -, +: rank sums 4 and 2; of 8 signs 6 are at least as extreme.
    assert wilcoxon_p([1.0, -2.0, 3.0]) == pytest.approx(6 / 8)
    assert wilcoxon_p([0.0, 0.0]) == 1.0
    assert wilcoxon_p([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 32)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
