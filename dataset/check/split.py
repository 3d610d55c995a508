"""What there is to say about a whole split, and about splits side by side, from the ``Facts`` of their items."""
from dataset.check.item import ERROR, WARNING, Finding


class Split:
    """One split: its set, the sizes (height, width) of its items in order, and which picture is whose.

    Args:
        name: such as 'train'.
        items: ``PairSet`` or ``BackgroundSet``.
    """

    def __init__(self, name, items):
        self.name, self.items = name, items
        self.sizes = []
        self._owners = items.subjects if hasattr(items, "read") else items.names
        self._first = {}  # {digest: index of the first item with this picture}

    def add(self, facts):
        """Take in one item; returns its findings and, where its picture was there before, one more.

        The same foreground twice in one subject is a still moment of a clip, and no finding.
        """
        findings = list(facts.findings)
        if facts.size is not None:
            self.sizes.append(facts.size)
        if facts.digest is not None:
            first = self._first.setdefault(facts.digest, facts.index)
            if self._owners[first] != self._owners[facts.index]:
                findings.append(Finding(WARNING, "duplicate", f"{self.items.names[facts.index]} shows the same picture "
                                                              f"as {self.items.names[first]}."))
        return findings

    def shared_with(self, other):
        """An error for each picture of this split that the other one has too."""
        return [Finding(ERROR, "shared picture", f"{self.name}: {self.items.names[index]} is also in {other.name}: "
                                                 f"{other.items.names[other._first[digest]]}.")
                for digest, index in self._first.items() if digest in other._first]
