"""Bad files are replaced, the same way in every process, named once, counted, and too many of them end the run."""
import multiprocessing

import pytest

from bgmatting.dataset.badfiles import BadFiles
from bgmatting.utils.errors import UserError


class Items:
    """A set of numbers, some of which cannot be read."""

    def __init__(self, length, bad=()):
        self.names, self.bad, self.reads = [f"item{i}" for i in range(length)], set(bad), []

    def __len__(self):
        return len(self.names)

    def load(self, index, factor=1):
        self.reads.append(index)
        if index in self.bad:
            raise UserError(f"{self.names[index]} is damaged.")
        return index * factor


def test_a_replacement_follows_from_the_seed_and_the_files_alone():
    first = BadFiles([Items(50, {3, 7})], 5)
    chosen = [first.load(0, 3, [9, epoch]) for epoch in range(20)]
    other = BadFiles([Items(50, {3, 7})], 5)
    other.load(0, 7, [1])
    assert [other.load(0, 3, [9, epoch]) for epoch in range(20)] == chosen
    assert len(set(chosen)) > 5 and not set(chosen) & {3, 7}


def test_a_bad_item_is_read_once_and_named_once():
    items, scenes = Items(10, {4, 5}), Items(4, {0})
    watch = BadFiles([items, scenes], 5)
    for epoch in range(8):
        watch.load(0, 4, [epoch])
    assert items.reads.count(4) == 1
    watch.load(1, 0, [0])
    lines = watch.news()
    assert lines[0] == "bad file 1 (bad_files_max is 5), another takes its place: item4 is damaged."
    assert "item0 is damaged" in lines[-1]
    assert watch.news() == [] and watch.count == len(lines)
    again = BadFiles([items], 5)
    items.bad.add(4)
    again.load(0, 4, [0])
    items.bad.clear()
    assert "item4 could not be read before" in again.news()[0]


@pytest.mark.parametrize("most", [0, 2])
def test_too_many(most):
    watch = BadFiles([Items(1000, range(most + 1))], most)
    for index in range(most):
        assert watch.load(0, index, [12, 4]) > most
    with pytest.raises(UserError, match=f"bad_files_max.*{most}.*{most}"):
        watch.load(0, most, [12, 4])


def test_a_small_set_without_a_good_file():
    watch = BadFiles([Items(3, range(3))], 20)
    for index in (0, 0, 2):  # the first sample, and those that find all of it marked
        with pytest.raises(UserError, match="not one file of the set can be used. The last: item. is damaged"):
            watch.load(0, index, [1])


def test_marks_of_a_forked_worker_are_seen():
    watch = BadFiles([Items(10, {4})], 5)
    worker = multiprocessing.get_context("fork").Process(target=watch.load, args=(0, 4, [0]), daemon=True)
    worker.start()
    worker.join(30)
    assert worker.exitcode == 0 and watch.count == 1 and "item4" in watch.news()[0]
