"""Dividing by subject: shares are met, nobody is in two parts, and nobody moves when others join."""

import pytest

from bgmatting.dataset.splits import part_of
from bgmatting.utils.errors import UserError

PARTS = {"train": 0.8, "valid": 0.1, "test": 0.1}


def test_a_subject_has_one_part_and_keeps_it():
    few = [f"clip{i}" for i in range(200)]
    before, after = part_of(few * 2, PARTS, "own"), part_of(few + [f"new{i}" for i in range(300)], PARTS, "own")
    assert set(before) == set(few)
    assert all(after[subject] == before[subject] for subject in few)


def test_known_places():
    """crc32 is the same on every machine: these are written down, not computed by the code under test."""
    chosen = part_of([f"{i:04d}" for i in range(40)], {"train": 0.5, "valid": 0.5}, "own")
    assert [chosen[name] for name in ("0000", "0001", "0002")] == ["train", "train", "valid"]


def test_no_part_of_a_small_set_is_empty():
    for count in (3, 4, 7, 12):
        chosen = part_of([f"{i}" for i in range(count)], PARTS, "own")
        assert len(chosen) == count and set(chosen.values()) == set(PARTS)
    with pytest.raises(UserError, match="1 subject"):
        part_of(["one", "one", "one"], PARTS, "own")
