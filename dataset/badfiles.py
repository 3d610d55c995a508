"""Going on without files that cannot be read: another item takes the place, and the trainer hears of it."""
from __future__ import annotations

import mmap
from collections.abc import Iterable
from multiprocessing.sharedctypes import RawArray

import numpy as np

from bgmatting.utils.errors import UserError


class BadFiles:
    """Items that could not be read, marked by whichever worker process met them and known to all of them.

    Workers are forked with this object and share its marks; one byte an item, set and never taken back.

    Args:
        sets: the sets whose items are loaded, each a ``PairSet`` or ``BackgroundSet``.
        most: how many bad items of all sets together are passed over before ``load`` gives up.
    """

    def __init__(self, sets: Iterable, most: int):
        self._sets, self._most = list(sets), most
        self._marks = [_shared_bytes(max(1, len(items))) for items in self._sets]
        self._told = set()

    @property
    def count(self) -> int:
        """How many items are marked, by any process."""
        return sum(int(np.count_nonzero(np.frombuffer(marks, np.int8))) for marks in self._marks)

    def load(self, which: int, index: int, seed: list[int], *args: object) -> object:
        """Load an item of set number ``which``; for a bad one another, which depends on ``seed`` and the files alone.

        Args:
            seed: list of whole numbers >= 0, drawn from where the item is bad.
            args: passed on to the set's ``load`` after the index.
        Raises UserError: more items are bad than ``most``, or all of this set.
        """
        items, marks, rng = self._sets[which], self._marks[which], None
        while True:
            if not marks[index]:
                try:
                    return items.load(index, *args)
                except UserError as error:
                    marks[index] = 1
                    if self.count > self._most:
                        raise UserError(f"more files than bad_files_max ({self._most}) cannot be used. The last: {error} "
                                        "`python -m bgmatting check` names all of them.") from None
            if np.frombuffer(marks, np.int8).all():  # perhaps since another sample, or another process, met the last one
                raise UserError(f"not one file of the set can be used. The last: {self._reason(which, index)}")
            rng = np.random.default_rng(seed) if rng is None else rng
            index = int(rng.integers(len(items)))

    def news(self) -> list[str]:
        """One line for each item marked since the last call: its file, what is wrong, and the count. Main process."""
        if self.count == len(self._told):
            return []
        lines = []
        for which, marks in enumerate(self._marks):
            for index in map(int, np.flatnonzero(np.frombuffer(marks, np.int8))):
                if (which, index) not in self._told:
                    self._told.add((which, index))
                    lines.append(f"bad file {len(self._told)} (bad_files_max is {self._most}), another takes its "
                                 f"place: {self._reason(which, index)}")
        return lines

    def _reason(self, which, index):
        # The worker that met the file has no way to hand its error on, so the file is tried once more.
        try:
            self._sets[which].load(index)
        except UserError as error:
            return str(error)
        return f"{self._sets[which].names[index]} could not be read before, though now it can."


def _shared_bytes(count):
    try:
        return RawArray("b", count)
    except OSError:  # /dev/shm is full or not writable
        return mmap.mmap(-1, count)  # shared with forked processes as well
