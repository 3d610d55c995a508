"""Uncertainty of a mean over few images: bootstrap intervals and paired tests.

Images are taken to be drawn independently from what the benchmark stands for. Where they are not, as frames of one clip
or one foreground before several backgrounds, their groups are: then whole groups are drawn (the cluster bootstrap;
Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). Intervals say how far the mean would
move with other images of that kind; they say nothing about images of another kind, or about training again.
"""
from __future__ import annotations

import warnings
from collections.abc import Iterable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bgmatting.evaluation.page.load import Results
from bgmatting.evaluation.protocols import Column

RESAMPLES = 10_000
LEVEL = 0.95
SURE = 1 - LEVEL  # below it a difference is called one
AT_ONCE = 2 ** 20  # indices drawn at a time: bounds the memory, 8 MiB


class Interval(NamedTuple):
    """A mean and its interval; low and high are None where fewer than two values leave nothing to resample."""
    mean: float
    low: float | None
    high: float | None


class Paired(NamedTuple):
    """Another method against the first, image by image; differences are other - first, of errors."""
    count: int                # images that both have a value for
    units: int                # groups of them, where images are grouped; else the same
    mean: float
    low: float | None
    high: float | None
    better: int               # images where the other method's error is lower
    worse: int
    equal: int
    p: float                  # Wilcoxon signed-rank, two-sided


def resampled_means(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0,
                    counts: np.ndarray | None = None) -> np.ndarray:
    """Means of bootstrap samples: n of the n values, drawn with replacement (Efron, "Bootstrap Methods: Another Look
    at the Jackknife", Annals of Statistics 7, 1979).

    Args:
        values: float (n,), n >= 1; with ``counts`` the sums of n groups.
        seed: of the draws; the same seed gives the same means.
        counts: None, or how many images each group has, (n,).
    Returns float64 (resamples,)
    """
    values = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    means, step = np.empty(resamples), max(1, AT_ONCE // len(values))
    for start in range(0, resamples, step):
        part = means[start:start + step]
        drawn = rng.integers(0, len(values), (len(part), len(values)))
        part[:] = values[drawn].sum(axis=1) / (len(values) if counts is None else counts[drawn].sum(axis=1))
    return means


def mean_interval(values: np.ndarray, groups: Iterable | None = None, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Mean and its bootstrap interval, bias-corrected and accelerated (BCa: Efron, "Better Bootstrap Confidence
    Intervals", Journal of the American Statistical Association 82, 1987).

    The plain percentile interval is too short on the side of the long tail, and matting errors have one. BCa moves
    both ends by the share of resampled means below the mean and by the skewness that the jackknife sees.

    Args:
        values: float (n,), n >= 1, finite.
        groups: None, or (n,) labels of what belongs together.
        resamples, seed: as ``resampled_means``.
    Raises ValueError: no values, or one is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"values must be finite numbers (n,), n >= 1, got shape {values.shape}")
    mean = float(values.mean())
    sums, counts = _grouped(values, groups)
    if len(sums) < 2:
        return Interval(mean, None, None)
    if np.ptp(sums / counts) == 0:
        return Interval(mean, mean, mean)
    means = resampled_means(sums, resamples, seed, counts)
    without = (sums.sum() - sums) / (counts.sum() - counts)  # the jackknife: the mean without each group
    low, high = np.quantile(means, _bca_shares(mean, without, means))
    return Interval(mean, float(low), float(high))


def paired_difference(first: np.ndarray, other: np.ndarray, groups: Iterable | None = None) -> Paired | None:
    """Compare two methods' errors on the same images.

    The interval is that of ``mean_interval`` on the differences: images are resampled as pairs, so how hard an image
    is cancels out. Of groups, the signed-rank test takes each group's mean difference.

    Args:
        first, other: float (n,) errors, NaN where there is none; such images are left out.
        groups: as ``mean_interval``.
    Returns ``Paired``, or None where no image has both values.
    """
    difference = np.asarray(other, np.float64) - np.asarray(first, np.float64)
    known = np.isfinite(difference)
    difference, groups = difference[known], None if groups is None else np.asarray(groups)[known]
    if len(difference) == 0:
        return None
    sums, counts = _grouped(difference, groups)
    better, worse = int((difference < 0).sum()), int((difference > 0).sum())
    return Paired(len(difference), len(sums), *mean_interval(difference, groups), better, worse,
                  len(difference) - better - worse, wilcoxon_p(sums / counts))


def wilcoxon_p(differences: np.ndarray) -> float:
    """Two-sided p value of the signed-rank test (Wilcoxon, "Individual Comparisons by Ranking Methods", 1945).

    Zero differences are left out, as Wilcoxon did. Where nothing is left, 1.0.

    ``differences``: float (n,).
    Returns float in 0..1.
    """
    from scipy.stats import wilcoxon  # slow to load
    differences = np.asarray(differences, np.float64)
    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small samples: older versions say that they approximate
        return float(wilcoxon(differences).pvalue)


def holm(p_values: Iterable[float]) -> list[float]:
    """p values that allow for so many tests at once (Holm, "A Simple Sequentially Rejective Multiple Test Procedure",
    Scandinavian Journal of Statistics 6, 1979).

    ``p_values``: list of floats.
    Returns list of adjusted values, in the order given.
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, (p, place) in enumerate(sorted((p, place) for place, p in enumerate(p_values))):
        highest = max(highest, min(1.0, p * (len(p_values) - rank)))
        adjusted[place] = highest
    return adjusted


def _grouped(values, groups):
    """Sums and sizes of the groups, float (groups,) each; of single values where there are no groups."""
    if groups is None:
        return values, np.ones(len(values))
    _, place = np.unique(groups, return_inverse=True)
    return np.bincount(place, values), np.bincount(place).astype(np.float64)


def _bca_shares(mean, without, means):
    """Which quantiles of the resampled means end the interval; ``without`` are the jackknife's means."""
    normal, count = NormalDist(), len(means)
    below = ((means < mean).sum() + 0.5 * (means == mean).sum()) / count
    bias = normal.inv_cdf(min(max(below, 0.5 / count), 1 - 0.5 / count))
    away = without.mean() - without
    acceleration = (away ** 3).sum() / (6 * (away ** 2).sum() ** 1.5)
    shares = []
    for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        moved = bias + normal.inv_cdf(share)
        shares.append(normal.cdf(bias + moved / (1 - acceleration * moved)))
    return shares


class Comparison(NamedTuple):
    """One method and metric against the first method."""
    method: str
    metric: str
    column: Column
    paired: Paired
    p: float             # allowing for all the tests of the page


def compare_all(results: Results) -> list[Comparison]:
    """[``Comparison``] of every method but the first, for every metric that both have values for."""
    first, *others = results.errors
    compared = [(other, metric, column, paired_difference(results.errors[first][metric], results.errors[other][metric],
                                                          results.groups))
                for other in others for metric, column in results.columns.items()]
    compared = [row for row in compared if row[-1] is not None]
    return [Comparison(*row, p) for row, p in zip(compared, holm([row[-1].p for row in compared]))]


def sentence(comparison: Comparison, first: str) -> str:
    """A comparison in plain words.

    Two things must agree before a difference is called one: the interval of the mean difference leaves out zero, and
    the signed-rank test gives p < 0.05 after Holm's correction.
    """
    other, _, column, paired, p = comparison
    name, counted = column.title, f"{paired.better} of {paired.count} images"
    if paired.better == paired.worse == 0:
        return f"{name}: {other} and {first} are equal on every image."
    lead = (f"{name}: {other} is better than {first} on {counted} and worse on {paired.worse}; its mean error is "
            f"{column.text(abs(paired.mean))} {'lower' if paired.mean < 0 else 'higher'}")
    if paired.low is None:
        return f"{lead}. One image or clip says nothing about others."
    apart = paired.low > 0 or paired.high < 0
    ranks = p < SURE
    agree = paired.better > paired.worse if paired.mean < 0 else paired.worse > paired.better
    if apart and ranks and agree:
        end = f"chance alone hardly explains that: {other} is {'better' if paired.mean < 0 else 'worse'} on such images"
    elif apart or ranks:
        end = "but interval and signed-rank test do not agree on that, so take it with care"
    else:
        end = "but chance may explain that: these images do not tell the two apart"
    few = " A signed-rank test cannot be sure with fewer than six images or clips." if paired.units < 6 else ""
    return f"{lead}; {end}.{few}"
