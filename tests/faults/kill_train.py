"""Kill a tiny training run again and again, at moments drawn by a seed and in the middle of writing checkpoints.

    python tests/faults/kill_train.py [--kills 25] [--seed 1] [--folder FOLDER]

Each time the same command is started again. It must go on from the newest checkpoint, never from an older one, and the
weights at the end must be those of a run that nobody disturbed. Ends with a tally; exit code 1 where it is not clean.
"""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint  # noqa: E402  (the project lies two folders up)

STAGE = {
    "dataset_name": "stream", "stream_length": 100, "num_workers": 1, "log_train_loss_interval": 1, "ema": 0.9,
    "log_images_interval": 1000, "valid_interval": 25, "valid_count": 1, "valid_size": 64, "checkpoint_interval": 1,
    "phases": {"base": {"epochs": 1, "batch_size": 2, "crop": [64, 64], "size": 64},
               "joint": {"epochs": 1, "batch_size": 2, "crop": [64, 64], "size": 64}}}
START_SECONDS, RUN_SECONDS = 6.0, 3.0  # the longest waits before a kill: from the start, and from the first iteration
LIMIT = 300  # seconds without the awaited event: the run hangs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the runs are written (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(0 if clean(args.folder or Path(temporary), args.kills, random.Random(args.seed)) else 1)


def clean(folder, kills, rng):
    """Do all of it in ``folder``, print what happens, and tell whether nothing was lost."""
    folder.mkdir(parents=True, exist_ok=True)
    stage = folder / "stage.yml"
    stage.write_text(yaml.safe_dump(STAGE))
    start(stage, folder / "whole", folder / "whole.txt").wait(LIMIT * 3)
    survived = lost = writing = 0
    for number in range(kills):
        before = newest(folder / "killed")
        moment = ("start", "iteration", "write")[number % 3]
        old = half_written(folder / "killed")
        left = [name for name in kill_once(stage, folder, moment, rng) if name not in old]
        writing += bool(left)
        after = newest(folder / "killed")
        kept = after >= before and went_on(folder / "killed.txt", before)
        survived, lost = survived + kept, lost + (not kept)
        print(f"kill {number + 1:2d} ({moment}): iteration {before} -> {after}{', cut off ' if left else ''}"
              f"{', '.join(left)}{'' if kept else '  LOST'}", flush=True)
    start(stage, folder / "killed", folder / "killed.txt").wait(LIMIT * 3)
    same = identical(folder / "whole", folder / "killed")
    print(f"{survived} survived, {lost} lost, final weights {'identical' if same else 'DIFFERENT'} "
          f"({writing} of the kills in the middle of writing a checkpoint)")
    return lost == 0 and same


def start(stage, save_dir, output):
    """Start train.py, its output in a file."""
    with open(output, "w", encoding="utf-8") as file:
        return subprocess.Popen([sys.executable, str(PROJECT / "train.py"), "--config", str(stage), "--save-dir",
                                 str(save_dir)], stdout=file, stderr=subprocess.STDOUT, cwd=PROJECT)


def kill_once(stage, folder, moment, rng):
    """Start the run and kill it; returns the names of half-written checkpoints that it left."""
    process = start(stage, folder / "killed", folder / "killed.txt")
    if moment == "start":
        time.sleep(rng.uniform(0, START_SECONDS))
    else:
        await_event(process, lambda: "[TRAIN]" in (folder / "killed.txt").read_text(encoding="utf-8"))
        time.sleep(rng.uniform(0, RUN_SECONDS))
    if moment == "write":
        await_event(process, lambda: half_written(folder / "killed"))
        time.sleep(rng.uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    process.wait()
    return half_written(folder / "killed")


def await_event(process, happened):
    limit = time.monotonic() + LIMIT
    while not happened() and process.poll() is None:
        if time.monotonic() > limit:
            process.kill()
            raise TimeoutError("the run hangs")
        time.sleep(0.001)


def half_written(save_dir):
    return sorted(path.name for pattern in (".*.tmp", ".*.old") for path in save_dir.glob(pattern))


def newest(save_dir):
    """Iteration of the newest checkpoint; 0: none."""
    found = checkpoints(save_dir)
    return int(found[-1].name.split("_")[1]) if found else 0


def went_on(output, before):
    """Whether the run that wrote ``output`` took up iteration ``before``, or was killed before it could."""
    text = output.read_text(encoding="utf-8")
    if "Traceback" in text or "error:" in text or "[WARNING]" in text:
        return False
    resumed = re.search(r"\[RESUME\] from iteration (\d+)", text)
    return int(resumed.group(1)) == before if resumed else before == 0 or "[TRAIN]" not in text


def identical(one, other):
    """Whether two finished runs have the same weights, averages and optimizer, to the bit."""
    step = newest(one)
    if step == 0 or newest(other) != step:
        return False
    pairs = zip(*(load_checkpoint(folder / f"iter_{step}") for folder in (one, other)))
    return all(set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)
               for position, (a, b) in enumerate(pairs) if position != 2)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
