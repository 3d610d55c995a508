"""Two processes on a CPU: what one process with twice the batch learns, the same checkpoints, one stop for both."""
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from bgmatting.training.checkpoint import newest_checkpoint
from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint, save_checkpoint
from bgmatting.training.distributed import Ranks, join_ranks
from bgmatting.utils.errors import UserError

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
QUIET = {**os.environ, "FLAGS_call_stack_level": "0"}


def config(tmp_path, stage, folder, batch, **keys):
    """A stage of four iterations of four samples, two in each phase, divided into batches of ``batch``."""
    path = stage(folder, stream_length=8, valid_interval=9, schedule="cosine", **keys)
    content = yaml.safe_load(path.read_text())
    for phase in content["phases"].values():
        phase["batch_size"] = batch
    path.write_text(yaml.safe_dump(content))
    return path


def command(path, losses, processes, *flags):
    launch = ["-m", "paddle.distributed.launch", "--nproc_per_node", str(processes), "--backend", "gloo",
              "--log_dir", str(losses.parent / "launch")] if processes > 1 else []
    return [sys.executable, *launch, str(HERE / "fixed_train.py"), str(losses), "--config", str(path), *flags]


def run(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=150, cwd=PROJECT, env=QUIET)


def curve(losses):
    return np.array([float(line) for line in losses.read_text().split()])


@pytest.mark.slow
def test_two_processes_learn_what_one_does_with_twice_the_batch(tmp_path, stage):
    done = run(config(tmp_path, stage, "one", 4), tmp_path / "one.txt", 1)
    assert done.returncode == 0, done.stderr
    two = config(tmp_path, stage, "two", 2)
    done = run(two, tmp_path / "two.txt", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = curve(tmp_path / "one.txt"), curve(tmp_path / "two.txt")
    assert len(first) == len(second) == 4 and len(set(first)) == 4
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)

    assert [path.name for path in checkpoints(tmp_path / "two")] == ["iter_1", "iter_2", "iter_3", "iter_4"]
    assert (tmp_path / "two" / "train.log").read_text().count("iter: 3/4") == 1
    other = (tmp_path / "launch" / "workerlog.1").read_text()
    assert "[TRAIN]" not in other and "[EVAL]" not in other
    state = load_checkpoint(tmp_path / "two" / "iter_4").state
    assert state["processes"] == 2
    results = [json.loads((tmp_path / folder / "results.json").read_text()) for folder in ("one", "two")]
    alone, together = (result["valid"]["joint"]["best"]["sad"] for result in results)
    assert together == pytest.approx(alone, rel=1e-3)


@pytest.mark.slow
def test_the_end_of_the_launcher_stops_both_at_the_same_step(tmp_path, stage):
    path = config(tmp_path, stage, "run", 1, checkpoint_interval=1000)
    content = yaml.safe_load(path.read_text())
    content["stream_length"] = 2000
    path.write_text(yaml.safe_dump(content))
    process = subprocess.Popen(command(path, tmp_path / "losses.txt", 2), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd=PROJECT, env=QUIET)
    started = {}
    try:
        for line in process.stdout:
            if "[TRAIN] base epoch: 1/2, iter: 2/" in line:
                started = workers(process.pid)
                process.terminate()
                break
        process.communicate(timeout=60)
        limit = time.monotonic() + 60
        while any(map(alive, started.values())) and time.monotonic() < limit:
            time.sleep(0.1)
        assert not any(map(alive, started.values()))
    finally:
        for pid in filter(alive, started.values()):
            os.kill(pid, signal.SIGKILL)
        process.kill()
    assert process.returncode == -signal.SIGTERM
    step = int(re.search(r"\[STOPPED\] saved iteration (\d+)", (tmp_path / "run" / "train.log").read_text()).group(1))
    assert step > 1 and [folder.name for folder in checkpoints(tmp_path / "run")] == [f"iter_{step}"]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # empty for a zombie
    except OSError:
        return False


def workers(launcher):
    """{rank: process id} of what a launcher has started."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        rank = [value.split("=")[1] for value in environment if value.startswith("PADDLE_TRAINER_ID=")]
        if parent == launcher and rank:
            found[rank[0]] = int(folder.name)
    return found


class Mail(Ranks):
    """Two processes one after the other in this one: what the first shared, the second receives."""

    def share(self, value):
        if self.first:
            self.post.append(value)
            return value
        return self.post.pop(0)


def test_the_errors_of_the_first_are_everyones():
    Mail.post = []
    one, two = Mail(0, 2, "cpu"), Mail(1, 2, "cpu")
    assert one.on_first(lambda: 7) == 7 and two.on_first(pytest.fail) == 7

    def full():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        one.on_first(full)
    with pytest.raises(UserError, match="the first process stopped: .*No space left"):
        two.on_first(pytest.fail)


def test_all_go_on_from_the_checkpoint_that_the_first_found(tmp_path):
    for step in (1, 2):
        save_checkpoint(tmp_path / f"iter_{step}", {"a": np.ones(step, np.float32)}, None, {"step": step}, {})
    Mail.post = []
    one, two = (newest_checkpoint(tmp_path, Mail(rank, 2, "cpu"), pytest.fail) for rank in range(2))
    assert one.state == two.state == {"step": 2} and np.array_equal(one.model["a"], two.model["a"])


def launched(monkeypatch, **facts):
    """As if the launcher had started this process with these facts."""
    monkeypatch.setattr("bgmatting.training.distributed.distributed.ParallelEnv", lambda: SimpleNamespace(**facts))


@pytest.mark.parametrize("device, backend, gpus, words", [
    ("cpu", "auto", 0, "--backend gloo"), ("gpu:1", "auto", 2, "all processes on one GPU"),
    (None, "gloo", 2, "--backend gloo is for --device cpu")])
def test_devices_that_several_processes_cannot_use(monkeypatch, device, backend, gpus, words):
    launched(monkeypatch, rank=1, world_size=2, device_id=1)
    monkeypatch.setenv("PADDLE_DISTRI_BACKEND", backend)
    monkeypatch.setattr("bgmatting.training.distributed.find_device", lambda name: name or ("gpu:0" if gpus else "cpu"))
    with pytest.raises(UserError, match=words):
        join_ranks(device)


def test_each_process_takes_the_gpu_that_the_launcher_gave_it(monkeypatch):
    launched(monkeypatch, rank=0, world_size=1, device_id=3)
    monkeypatch.setattr("bgmatting.training.distributed.find_device", lambda name: name or "gpu:0")
    monkeypatch.setattr("bgmatting.training.distributed.paddle.set_device", lambda name: None)
    assert join_ranks(None).device == "gpu:3"
    assert join_ranks("gpu").device == "gpu:3"
    assert join_ranks("gpu:0").device == "gpu:0"  # a single process is where the user says
