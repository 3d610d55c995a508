"""Limits on the cost of reading a weights file, whatever the file says."""
import os
from typing import BinaryIO

MOST_STEPS = 300_000   # opcodes, and items copied by calls; 40 for each array would be many
LONGEST_LINE = 1000    # of the opcodes whose argument is a line of text


class Bounded:
    """A file whose reads never ask for more than it has left, and whose lines have an end."""

    def __init__(self, file: BinaryIO):
        self._file = file
        place = file.tell()
        self.left = file.seek(0, os.SEEK_END) - place
        file.seek(place)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self.left:
            raise ValueError("it ends before what it announces")
        data = self._file.read(size)
        self.left -= len(data)
        return data

    def readline(self) -> bytes:
        line = self._file.readline(LONGEST_LINE + 1)
        self.left -= len(line)
        if len(line) > LONGEST_LINE:
            raise ValueError("a line of it has no end")
        return line


class Budget:
    """Counts down the steps that the pickles of one file may take."""

    def __init__(self):
        self._left = MOST_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueError(f"it takes more than {MOST_STEPS} steps to read; it is no weights file")
