"""Cost of training steps, measured in a process of its own, so that its peak of memory is its own.

A step is the trainer's: both directions through the network, loss, and optimizer, on a batch that is there already.
"""
from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from bgmatting.training.memory import bounded_memory, out_of_memory
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT
from bgmatting.utils.machine import peak_memory

TOO_LARGE = "does not fit in memory"


def measure_apart(config: dict, phase: str, batch: int, side: int, steps: int = 1) -> dict:
    """``measure`` in a process of its own; {"error": text} where it did not come to its end. Raises UserError: the
    configuration cannot be used, such as an unknown backbone."""
    work = {"config": config, "phase": phase, "batch": batch, "side": side, "steps": steps}
    done = subprocess.run([sys.executable, "-m", "bgmatting.training.plan.probe", json.dumps(work)], cwd=PROJECT, text=True,
                          capture_output=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == 2 and last.startswith("error: "):
        raise UserError(last[len("error: "):])
    if done.returncode < 0 or out_of_memory(done.stderr):
        return {"error": TOO_LARGE}
    return {"error": f"failed: {last[:80]}"}


def measure(config: dict, phase: str, batch: int, side: int, steps: int) -> dict:
    """Train a few steps, after one for warming up, on ``batch`` samples of ``side`` pixels a side: {"seconds": median of
    a step, "memory": peak bytes or None, "device": where}."""
    import paddle

    from bgmatting.training.step import train_step
    from bgmatting.utils.machine import find_device
    device = find_device(config["device"])
    paddle.set_device(device)
    on_gpu = device.startswith("gpu")
    if not on_gpu:
        be_the_first_to_go()
    seconds = []
    with bounded_memory(device):  # this process is to fail, not the machine
        learner, images = _prepare(config, phase, batch, side, device)
        for step in range(steps + 1):
            begun = time.perf_counter()
            train_step(learner, _phase(phase, steps + 1), step, [images])  # reads the loss: waits for the device and update
            seconds.append(time.perf_counter() - begun)
    name = paddle.device.cuda.get_device_name() if on_gpu else device
    return {"seconds": statistics.median(seconds[1:]), "memory": peak_memory(device), "device": name}


def _prepare(config, phase, batch, side, device):
    """The learner that has entered the phase, and a batch of noise."""
    import paddle

    from bgmatting.training.distributed import Ranks
    from bgmatting.training.start import network_of
    from bgmatting.training.step import Learner
    learner = Learner(config, network_of(config), Ranks(0, 1, device))
    learner.single = batch == 1
    learner.begin()
    learner.enter(phase)
    rng = np.random.default_rng(0)
    shapes = [(batch, channels, side, side) for channels in (3, 3, 3, 1, 1)[:5 if learner.lesson.trimap else 4]]
    return learner, [paddle.to_tensor(rng.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]


def _phase(name, steps):
    from bgmatting.training.schedule import Phase
    return Phase(name, 0, 1, 0, steps, steps)


def be_the_first_to_go() -> None:
    """Where the system runs out of memory in spite of the bound, it is to end this process and no other."""
    with suppress(OSError):  # a system without such scores
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main(argv: list[str] | None = None) -> None:
    from bgmatting.utils.cpu import prepare_cpu
    work = json.loads((sys.argv[1:] if argv is None else argv)[0])
    prepare_cpu()
    print(json.dumps(measure(**work)))


if __name__ == "__main__":
    from bgmatting.utils.cli import run_main
    run_main(main)
