"""Findings as lines, as they come, and the table at the end."""
from __future__ import annotations

from collections.abc import Callable, Iterable

from bgmatting.dataset.check.inspection import ERROR, WARNING, Facts, Finding
from bgmatting.dataset.layouts.sets import BackgroundSet, PairSet
from bgmatting.utils.errors import one_line


class Report:
    """Prints findings, a line each, and keeps their counts.

    ``most``: lines of one kind in one split before the rest are only counted; None prints all.
    """

    def __init__(self, most: int | None, show: Callable[[str], None] = print):
        self._most, self._show = most, show
        self._counts = {}  # {split name: {(level, kind): count}}

    def add(self, split: str, findings: Iterable[Finding]) -> None:
        """Print the findings of one split, named ``split``."""
        counts = self._counts.setdefault(split, {})
        for finding in findings:
            key = finding.level, finding.kind
            counts[key] = counts.get(key, 0) + 1
            if self._most is None or counts[key] <= self._most:
                self._show(one_line(f"{finding.level}: {finding.kind}: {finding.text}"))
            elif counts[key] == self._most + 1:
                self._show(f"{finding.level}: {finding.kind}: more in {split}, counted below; --all names them.")

    def total(self, level: str, split: str | None = None) -> int:
        """Return how many findings of a level there are, in one split or in all."""
        chosen = self._counts.values() if split is None else [self._counts.get(split, {})]
        return sum(count for counts in chosen for key, count in counts.items() if key[0] == level)

    def by_kind(self) -> list[str]:
        """One line for each kind of finding, errors first: 'error    unusable  train 3, valid 1'."""
        keys = sorted({key for counts in self._counts.values() for key in counts})
        width = max((len(kind) for _, kind in keys), default=0)
        return [f"{level:8} {kind:{width}}  " + ", ".join(
            f"{split} {counts[level, kind]}" for split, counts in self._counts.items() if (level, kind) in counts)
            for level, kind in keys]


def table(splits: list[Split], report: Report) -> list[str]:
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


class Split:
    """One split: its set, the sizes (height, width) of its items in order, and which image is whose."""

    def __init__(self, name: str, items: PairSet | BackgroundSet):
        self.name, self.items = name, items
        self.sizes = []
        self._owners = items.subjects if hasattr(items, "read") else items.names
        self._first = {}  # {digest: index of the first item with this image}

    def add(self, facts: Facts) -> list[Finding]:
        """Take in one item; returns its findings and, where its image was there before, one more.

        The same foreground twice in one subject is a still moment of a clip, and no finding.
        """
        findings = list(facts.findings)
        if facts.size is not None:
            self.sizes.append(facts.size)
        if facts.digest is not None:
            first = self._first.setdefault(facts.digest, facts.index)
            if self._owners[first] != self._owners[facts.index]:
                findings.append(Finding(WARNING, "duplicate", f"{self.items.names[facts.index]} shows the same image "
                                                              f"as {self.items.names[first]}."))
        return findings

    def shared_with(self, other: Split) -> list[Finding]:
        """An error for each image of this split that the other one has too."""
        return [Finding(ERROR, "shared image", f"{self.name}: {self.items.names[index]} is also in {other.name}: "
                                                 f"{other.items.names[other._first[digest]]}.")
                for digest, index in self._first.items() if digest in other._first]
