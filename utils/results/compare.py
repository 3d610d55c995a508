"""Other methods against the first, picture by picture: the numbers and what they mean in words."""
from typing import NamedTuple, Optional

from utils.results.load import Column
from utils.results.statistics import LEVEL, Paired, holm, paired_difference

SURE = 1 - LEVEL


class Comparison(NamedTuple):
    """One method and metric against the first method."""
    method: str
    metric: str
    column: Column
    paired: Paired
    p: Optional[float]   # allowing for all the tests of the page


def compare_all(results):
    """[``Comparison``] of every method but the first, for every metric that both have values for."""
    first, *others = results.errors
    found = [(other, metric, column, paired_difference(results.errors[first][metric], results.errors[other][metric],
                                                       results.groups))
             for other in others for metric, column in results.columns.items()]
    found = [one for one in found if one[-1] is not None]
    return [Comparison(*one, p) for one, p in zip(found, holm([one[-1].p for one in found]))]


def sentence(comparison, first):
    """What a comparison means, in plain words.

    Two things must agree before a difference is called one: the interval of the mean difference leaves out zero, and
    the signed-rank test (where scipy is there) gives p < 0.05 after Holm's correction.
    """
    other, _, column, paired, p = comparison
    name, counted = column.title, f"{paired.better} of {paired.count} pictures"
    if paired.better == paired.worse == 0:
        return f"{name}: {other} and {first} are equal on every picture."
    lead = (f"{name}: {other} is better than {first} on {counted} and worse on {paired.worse}; its mean error is "
            f"{column.text(abs(paired.mean))} {'lower' if paired.mean < 0 else 'higher'}")
    if paired.low is None:
        return f"{lead}. One picture or clip says nothing about others."
    apart = paired.low > 0 or paired.high < 0
    ranks = p is None or p < SURE
    agree = paired.better > paired.worse if paired.mean < 0 else paired.worse > paired.better
    if apart and ranks and agree:
        end = f"chance alone hardly explains that: {other} is {'better' if paired.mean < 0 else 'worse'} on such pictures"
    elif apart or (p is not None and ranks):
        end = "but interval and signed-rank test do not agree on that, so take it with care"
    else:
        end = "but chance may explain that: these pictures do not tell the two apart"
    few = " A signed-rank test cannot be sure with fewer than six pictures or clips." if paired.units < 6 else ""
    return f"{lead}; {end}.{few}"
