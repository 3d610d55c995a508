"""The command itself: killed, stopped and started again, it ends with the weights of an undisturbed run."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint

PROJECT = Path(__file__).resolve().parent.parent
STEPS = 6  # three in each phase

# train.py that is killed while it writes the second file of a checkpoint, telling who its workers were
KILLED = """
import multiprocessing, os, signal, sys
from bgmatting.training import checkpoint_files
write = checkpoint_files._write_synced
def cut(path, data):
    if path.parent.name == sys.argv[1] and path.name.startswith("optimizer"):
        print("workers", *(child.pid for child in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, data)
checkpoint_files._write_synced = cut
from bgmatting.commands import train
train.main(sys.argv[2:])
"""


def command(path, *flags):
    return [sys.executable, str(PROJECT / "train.py"), "--config", str(path), *flags]


def run(arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=100, cwd=PROJECT)


def complaints(stderr):
    """What was said on stderr; some builds of OpenCV remark on an image of scikit-image."""
    return [line for line in stderr.splitlines() if not line.startswith("libpng warning")]


def same(folder, other, step):
    one, two = (load_checkpoint(where / f"iter_{step}") for where in (folder, other))
    for arrays, expected in zip(one[:2], two[:2]):
        assert set(arrays) == set(expected)
        for name, value in arrays.items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert one[2]["scores"] == two[2]["scores"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The save folder of a run from beginning to end."""
    return tmp_path_factory.mktemp("whole") / "run"


@pytest.fixture
def path(stage, undisturbed):
    """A stage of six steps, run once from beginning to end by whichever test comes first."""
    path = stage(stream_length=6)
    if not undisturbed.exists():
        done = run(command(path, "--save-dir", str(undisturbed)))
        assert done.returncode == 0 and complaints(done.stderr) == []  # none of paddle's own lines either
    return path


def alive(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # empty for a zombie
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("workers, killed_at", [(1, 4)])
def test_killed_in_the_middle_of_a_checkpoint(path, tmp_path, undisturbed, workers, killed_at):
    flags = ("--config", str(path), "--num-workers", str(workers))
    ended = run([sys.executable, "-c", KILLED, f".iter_{killed_at}.tmp", *flags])
    assert ended.returncode == -signal.SIGKILL
    assert [folder.name for folder in checkpoints(tmp_path / "run")][-1] == f"iter_{killed_at - 1}"
    assert (tmp_path / "run" / f".iter_{killed_at}.tmp").exists()

    done = run(command(path, "--num-workers", str(workers)))
    assert done.returncode == 0, done.stderr
    assert f"[RESUME] from iteration {killed_at - 1} of {STEPS}" in done.stdout
    assert not list((tmp_path / "run").glob(".*"))
    same(tmp_path / "run", undisturbed, STEPS)

    pids = next(line.split()[1:] for line in ended.stdout.splitlines() if line.startswith("workers"))
    assert len(pids) == workers
    if Path("/proc").exists():
        limit = time.monotonic() + 20
        while any(map(alive, pids)) and time.monotonic() < limit:
            time.sleep(0.1)
        assert not any(map(alive, pids))


@pytest.mark.slow
@pytest.mark.parametrize("number, workers", [(signal.SIGTERM, 1)])
def test_a_signal_to_the_whole_group_saves_and_says_how_to_go_on(path, tmp_path, undisturbed, number, workers):
    process = subprocess.Popen(command(path, "--num_workers", str(workers)), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, cwd=PROJECT, start_new_session=True)
    try:
        for line in process.stdout:
            if "[TRAIN] base epoch: 1/2, iter: 1/" in line:
                os.killpg(process.pid, number)
                break
        out, err = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 0 and complaints(err) == []
    step = int(checkpoints(tmp_path / "run")[-1].name.split("_")[1])
    assert step < STEPS and f"[STOPPED] saved iteration {step} in" in out and "the same command goes on" in out

    done = run(command(path))
    assert done.returncode == 0 and f"[RESUME] from iteration {step} of {STEPS}" in done.stdout
    same(tmp_path / "run", undisturbed, STEPS)


@pytest.mark.slow
def test_bad_input_from_another_folder(stage, tmp_path):
    done = subprocess.run(command(stage(dataset_name="VideoMatte")), capture_output=True, text=True, timeout=100,
                          cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and "Did you mean 'VideoMatte240K'" in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
