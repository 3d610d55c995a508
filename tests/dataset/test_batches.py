"""What goes wrong while batches are made ends in one line, and never in waiting."""
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bgmatting.dataset.batches import Batches, WorkersFailed, read_batches
from bgmatting.dataset.samples import CompositeSet, SampleKey, StreamSet
from bgmatting.training.config import DEFAULT, load_config
from bgmatting.utils.errors import UserError

AUGMENT = load_config(DEFAULT)["augment"]
PROJECT = Path(__file__).resolve().parents[2]


class Broken(StreamSet):
    """Samples of which one raises, or is of another shape."""

    def __init__(self, error):
        super().__init__(8, AUGMENT)
        self.error = error

    def __getitem__(self, key):
        sample = super().__getitem__(key)
        if key.number != 3:
            return sample
        if self.error is None:
            return tuple(image[..., :8] for image in sample)
        raise self.error


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("error, words", [
    (OverflowError("cannot convert inf to integer"), "generated sample 3 of epoch 1 cannot be made: OverflowError"),
    (None, "cannot be put into a batch"),
    (UserError("mine"), "mine")])
def test_any_error_of_a_sample_is_one_line(error, words, workers):
    with pytest.raises(UserError, match=words) as raised:
        list(read_batches(Broken(error), Batches(8, 2, (32, 32), 1, 0), workers))
    assert "\n" not in str(raised.value) and not isinstance(raised.value, WorkersFailed)
    assert multiprocessing.active_children() == []


def test_batches_are_copied_ahead_to_the_device_in_use_and_workers_end_with_the_reader(monkeypatch):
    """Paddle's queue of batches on a device is asked for one that copies ahead, to the device that is current."""
    from paddle.base import core
    asked, real = [], core.create_py_reader

    def reader(*args):
        asked.append(args)
        return real(*args)

    monkeypatch.setattr(core, "create_py_reader", reader)
    samples = StreamSet(2, AUGMENT)
    reader = read_batches(samples, Batches(2, 1, (32, 32), 1, 0), 1)
    batch = next(reader)
    assert len(multiprocessing.active_children()) == 1
    reader.close()
    assert multiprocessing.active_children() == []
    places, ahead = asked[0][5:7]
    assert len(asked) == 1 and ahead is True and [str(place) for place in places] == [str(batch[0].place)]


@pytest.mark.slow
def test_a_killed_worker_is_named():
    reader = read_batches(StreamSet(100, AUGMENT), Batches(100, 1, (16, 16), 1, 0), 1)
    next(reader)
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    with pytest.raises(WorkersFailed, match=r"ended \(killed by signal 9\), .* with --num-workers 0\.$"):
        list(reader)
    assert multiprocessing.active_children() == []


CODE = """
from bgmatting.dataset.badfiles import BadFiles
from bgmatting.dataset.batches import Batches, read_batches
from bgmatting.dataset.samples import StreamSet
from bgmatting.training.config import DEFAULT, load_config
marks = BadFiles([[1, 2]], 1)
marks._marks[0][1] = 1
assert marks.count == 1
for workers in (0, 1):
    try:
        print(len(list(read_batches(StreamSet(4, load_config(DEFAULT)["augment"]), Batches(4, 2, (32, 32), 1, 0), workers))))
    except ValueError as error:
        print(error)
"""


@pytest.mark.slow
def test_shared_memory_that_is_full():
    mount = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=4k,nr_inodes=1 none /dev/shm || exit 77; exec "$@"', "sh"]
    try:
        done = subprocess.run([*mount, sys.executable, "-c", CODE], capture_output=True, text=True, cwd=PROJECT, timeout=100)
    except FileNotFoundError:
        pytest.skip("needs unshare")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("needs the right to mount a file system")
    first, second = done.stdout.splitlines()
    assert first == "2" and "/dev/shm may be full or not writable" in second and second.endswith("which needs none.")
    assert "Traceback" not in done.stderr


class Numbered:
    """A set of names alone."""

    def __init__(self, kind, count):
        self.names = [f"{kind}{number}" for number in range(count)]

    def __len__(self):
        return len(self.names)


@pytest.mark.parametrize("pairs, backgrounds, longer, length", [(3, 8, True, 8), (8, 3, True, 8), (3, 8, False, 3)])
def test_an_epoch_is_the_longer_of_foregrounds_and_backgrounds(pairs, backgrounds, longer, length):
    samples = CompositeSet(Numbered("f", pairs), Numbered("b", backgrounds), 64, (0.4, 1.0), AUGMENT, longer=longer)
    assert len(samples) == length
    epochs = [[samples.describe(SampleKey(5, epoch, number, 32, 32)).split(" on ") for number in range(length)]
              for epoch in range(3)]
    for drawn in epochs:
        fgrs, bgrs = zip(*drawn)
        if length == backgrounds:
            assert sorted(bgrs) == samples.backgrounds.names and {fgrs.count(name) for name in set(fgrs)} <= {2, 3}
        else:
            assert sorted(fgrs) == samples.pairs.names
    assert len({tuple(map(tuple, drawn)) for drawn in epochs}) > 1  # not always the same together
    assert (f"each of {backgrounds} backgrounds once" in samples.epoch) == (length == backgrounds)
