"""How fast training steps are and how much memory they take: ``python benchmark.py train``.

A step is the trainer's own: both directions through the network, loss, and optimizer, on a batch that is there already.
Every combination runs in a process of its own, so that its peak memory is its own.
"""
import json
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from training.config import DEFAULT, load_config
from training.config.rules import LEAST_CROP
from training.memory import bounded_memory, out_of_memory
from utils.errors import UserError
from utils.files import PROJECT
from utils.machine import describe_machine, peak_memory

HELP = "training steps a second and peak memory, for each backbone, phase and crop"
CROPS = {"base": (256, 512), "joint": (512, 1024)}


def add_flags(parser):
    """The flags of ``benchmark.py train``."""
    add = parser.add_argument
    add("--backbone", nargs="+", default=["mobilenetv2"], help="default: mobilenetv2")
    add("--phase", nargs="+", default=["base", "joint"], choices=["base", "joint"], help="default: both")
    add("--crop", nargs="+", type=int, help="sides in pixels (default: 256 512 for base, 512 1024 for joint)")
    add("--batch", type=int, help="samples a batch (default: 8 for base, 4 for joint, as the stages)")
    add("--steps", type=int, default=5, help="to measure, after one for warming up (default: %(default)s)")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")


def run(args):
    """Measure each combination, and print its row at once. Raises UserError: a flag that cannot be used."""
    works = combinations(args)
    print("\n".join(describe_machine()))
    print("\n".join(heading(args.steps)), flush=True)
    for work in works:
        print(row(work, measure_apart(work)), flush=True)


def combinations(args):
    """What to measure: dicts of backbone, phase, crop, batch, steps and device."""
    if args.steps < 1 or args.batch is not None and args.batch < 1:
        raise UserError("--steps and --batch must be 1 or more.")
    works = []
    for backbone in args.backbone:
        for phase in args.phase:
            for crop in args.crop or CROPS[phase]:
                least = LEAST_CROP[phase]
                if crop < least or crop % 4:
                    raise UserError(f"--crop {crop} must be a multiple of 4, and {least} or more for {phase}.")
                batch = args.batch or load_config(DEFAULT)["phases"][phase]["batch_size"]
                works.append({"backbone": backbone, "phase": phase, "crop": crop, "batch": batch, "steps": args.steps,
                              "device": args.device})
    return works


def measure_apart(work):
    """``measure`` in a process of its own.

    Returns:
        its answer, or {"error": text} where it did not come to its end.
    Raises:
        UserError: the combination cannot be used, such as an unknown backbone.
    """
    done = subprocess.run([sys.executable, "-m", "benchmarks.train", json.dumps(work)], cwd=PROJECT, text=True,
                          capture_output=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == 2 and last.startswith("error: "):
        raise UserError(last[len("error: "):])
    if done.returncode < 0 or out_of_memory(done.stderr):
        return {"error": "does not fit in memory"}
    return {"error": f"failed: {last[:80]}"}


def measure(work):
    """Train a few steps.

    Args:
        work: one of ``combinations``.

    Returns:
        {"seconds": median of a step, "memory": peak bytes or None, "device": where}.
    """
    import paddle

    from training.step import train_step
    from utils.machine import find_device
    device = find_device(work["device"])
    paddle.set_device(device)
    on_gpu = device.startswith("gpu")
    if not on_gpu:
        be_the_first_to_go()
    seconds = []
    with bounded_memory(device):  # this process is to fail, not the machine
        learner, phase, batch = _prepare(work, device)
        for _ in range(work["steps"] + 1):
            begun = time.perf_counter()
            train_step(learner, phase, phase.start, [batch])  # reads the loss: waits for the device and the update before
            seconds.append(time.perf_counter() - begun)
    name = paddle.device.cuda.get_device_name() if on_gpu else device
    return {"seconds": statistics.median(seconds[1:]), "memory": peak_memory(device), "device": name}


def _prepare(work, device):
    """What a step needs: the learner, its phase, and a batch of noise."""
    import paddle

    from training.distributed import Ranks
    from training.schedule import plan
    from training.start import network_of
    from training.step import Learner
    config = load_config(DEFAULT, {"backbone": work["backbone"], "device": work["device"],
                                   "phases": {work["phase"]: {"batch_size": work["batch"]}}})
    learner = Learner(config, network_of(config), Ranks(0, 1, device))
    learner.enter(work["phase"])
    phase = next(part for part in plan(config, work["batch"]) if part.name == work["phase"])
    rng = np.random.default_rng(0)
    shapes = [(work["batch"], channels, work["crop"], work["crop"]) for channels in (3, 3, 3, 1)]
    return learner, phase, [paddle.to_tensor(rng.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]


def heading(steps):
    """The first lines of the table."""
    return [f"Median of {steps} steps after one for warming up.", "",
            "| backbone | phase | crop | batch | device | steps/s | images/s | peak memory |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |"]


def row(work, measured):
    """One line of the table, from one of ``combinations`` and what ``measure_apart`` said of it."""
    start = f"| {work['backbone']} | {work['phase']} | {work['crop']}x{work['crop']} | {work['batch']} |"
    if "error" in measured:
        return f"{start} {work['device'] or '-'} | {measured['error']} | - | - |"
    memory = "-" if measured["memory"] is None else f"{measured['memory'] / 2 ** 30:.2f} GiB"
    rate = 1 / measured["seconds"]
    return f"{start} {measured['device']} | {rate:.3f} | {work['batch'] * rate:.2f} | {memory} |"


def be_the_first_to_go():
    """Where the system runs out of memory in spite of the bound, it is to end this process and no other."""
    with suppress(OSError):  # a system without such scores
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main(argv=None):
    from utils.cpu import prepare_cpu
    work = json.loads((sys.argv[1:] if argv is None else argv)[0])
    prepare_cpu()
    print(json.dumps(measure(work)))


if __name__ == "__main__":
    from utils.cli import run_main
    run_main(main)
