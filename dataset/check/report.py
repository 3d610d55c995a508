"""Findings as lines, as they come, and the table at the end."""
from dataset.check.item import ERROR, WARNING


class Report:
    """Prints findings, a line each, and keeps their counts.

    Args:
        most: lines of one kind in one split before the rest are only counted; None prints all.
        show: function that prints a line.
    """

    def __init__(self, most, show=print):
        self._most, self._show = most, show
        self._counts = {}  # {split name: {(level, kind): count}}

    def add(self, split, findings):
        """Print the findings of one split, named ``split``."""
        counts = self._counts.setdefault(split, {})
        for finding in findings:
            key = finding.level, finding.kind
            counts[key] = counts.get(key, 0) + 1
            if self._most is None or counts[key] <= self._most:
                self._show(f"{finding.level}: {finding.kind}: {finding.text}")
            elif counts[key] == self._most + 1:
                self._show(f"{finding.level}: {finding.kind}: more in {split}, counted below; --all names them.")

    def total(self, level, split=None):
        """How many findings of a level there are, in one split or in all."""
        chosen = self._counts.values() if split is None else [self._counts.get(split, {})]
        return sum(count for counts in chosen for key, count in counts.items() if key[0] == level)

    def by_kind(self):
        """One line for each kind of finding, errors first: 'error    unusable  train 3, valid 1'."""
        keys = sorted({key for counts in self._counts.values() for key in counts})
        width = max((len(kind) for _, kind in keys), default=0)
        return [f"{level:8} {kind:{width}}  " + ", ".join(
            f"{split} {counts[level, kind]}" for split, counts in self._counts.items() if (level, kind) in counts)
            for level, kind in keys]


def table(splits, report):
    """The summary: a line per split with counts and sizes (width x height; the smallest, middle, largest by area)."""
    rows = [("split", "items", "subjects", "smallest", "median", "largest", "errors", "warnings")]
    for split in splits:
        rows.append((split.name, len(split.items), len(set(split.items.subjects)), *_sizes(split.sizes),
                     report.total(ERROR, split.name), report.total(WARNING, split.name)))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell!s:{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]


def _sizes(sizes):
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = (ordered[0], ordered[len(ordered) // 2], ordered[-1]) if ordered else ()
    return [f"{width}x{height}" for height, width in chosen] or ["-"] * 3
