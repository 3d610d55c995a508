"""The whole job on trees of the real sets' shapes, with two interruptions on the way.

    python tests/faults/real_shapes.py [--folder FOLDER] [--seed 0]

A clone of this project (its last commit) trains all three stages by ``sh run.sh --data-root ...``, called from another
folder by a relative path, on small pictures in the layouts of VideoMatte240K, Distinctions-646, PhotoMatte85, Backgrounds
and a private set; only lengths and sizes of the stages are cut down. Stage 1 gets a SIGTERM, stage 2 a SIGKILL; the same
command is called again each time. Prints what was checked; exit code 1 where something is missing.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import yaml

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
from bgmatting.dataset.generate import make_background, make_subject  # noqa: E402  (the project lies two folders up)

SIDE = 96            # pixels of a picture
CLIPS, FRAMES = 5, 8
LIMIT = 1800         # seconds a call of run.sh may take
PHASE = {"batch_size": 2, "size": 96, "crop": [64, 96]}
CUT = {1: {"phases": {"base": {"epochs": 2, **PHASE}, "joint": {"epochs": 1, **PHASE}}},
       2: {"phases": {"joint": {"epochs": 2, **PHASE}}}, 3: {"phases": {"joint": {"epochs": 2, **PHASE}}}}
SHARED = {"num_workers": 1, "valid_count": 5, "valid_size": 64, "checkpoint_interval": 5, "log_train_loss_interval": 5}


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise OSError(f"cannot write {path}")


def make_trees(root, seed):
    """All sets below ``root``, in the layouts that they are published in."""
    rng = np.random.default_rng(seed)

    def subject():
        pha, fgr = make_subject(rng, SIDE, SIDE)
        return pha, fgr[..., ::-1]

    sd = root / "VideoMatte240K_JPEG_SD"
    for split, clips in (("train", CLIPS), ("test", 2)):
        for clip in range(clips):
            pha, fgr = subject()
            for frame in range(FRAMES):
                shift = np.float32([[1, 0, frame], [0, 1, 0]])
                for kind, image in (("pha", pha), ("fgr", fgr)):
                    write(sd / split / kind / f"{clip:04d}" / f"{frame:05d}.jpg", cv2.warpAffine(image, shift, (SIDE, SIDE)))
    for split, count in (("Train", 24), ("Test", 4)):
        for number in range(count):
            pha, fgr = subject()
            write(root / "Distinctions646_person" / split / "FG" / f"{number}.jpg", fgr)
            write(root / "Distinctions646_person" / split / "GT" / f"{number}.png", pha)
    for number in range(8):
        pha, fgr = subject()
        write(root / "PhotoMatte85" / f"{number:04d}.png", np.dstack([fgr, pha]))
    for number in range(12):
        pha, fgr = subject()
        write(root / "mine" / "fgr" / f"{number}.png", fgr)
        write(root / "mine" / "pha" / f"{number}.png", pha)
    for number in range(40):
        write(root / "Backgrounds" / f"{number % 3}" / f"{number}.jpg", make_background(rng, SIDE, SIDE)[..., ::-1])


def make_clone(folder):
    """A clone of the project whose stages are short, with a private set named."""
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{PROJECT}", str(folder)], check=True)
    for number, cut in CUT.items():
        path = folder / "configs" / f"stage{number}.yml"
        path.write_text(yaml.safe_dump(_over(yaml.safe_load(path.read_text()), {**SHARED, **cut})))
    catalogue = folder / "configs" / "datasets.yml"
    text = catalogue.read_text()
    changed = re.sub(r"(private:\n(?:  .*\n)*?  path: )null", r"\1mine", text)
    if changed == text:
        raise ValueError("configs/datasets.yml has no private set to name")
    catalogue.write_text(changed)


def _over(old, new):
    return {**old, **{key: _over(old.get(key) or {}, value) if isinstance(value, dict) else value
                      for key, value in new.items()}}


def call(clone, folder, until=None, number=None):
    """Run run.sh; send the signal ``number`` to the training under way after ``until``, a pattern of its output, appeared.

    Returns:
        (exit code, all that was printed)
    """
    command = ["sh", str(clone / "run.sh"), "--data-root", "sets", "--save-dir", "runs"]
    process = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**os.environ, "PYTHON": sys.executable})
    said, sent, waiting, end = [], [], False, time.monotonic() + LIMIT
    for line in process.stdout:
        said.append(line)
        print("   ", line, end="", flush=True)
        waiting = waiting or until is not None and re.search(until, line) is not None
        if waiting and not sent and re.search(r"\[(TRAIN|EVAL)\]", line):
            sent = [os.kill(child, number) for child in _trainings(clone)]
        if time.monotonic() > end:
            process.kill()
            break
    return process.wait(), "".join(said)


def _trainings(clone):
    """Ids of the processes that run this clone's train.py."""
    wanted = str(clone / "train.py").encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)[:1]


def check(what, holds):
    print(f"{'ok ' if holds else 'BAD'} {what}", flush=True)
    return holds


def run(folder, seed):
    """Do all of it in ``folder``; True where everything is as it should be."""
    clone, runs = folder / "a clone", folder / "runs"
    make_trees(folder / "sets", seed)
    make_clone(clone)
    first, said = call(clone, folder, r"\[EVAL\] base iter: [1-9]", signal.SIGTERM)
    good = check("SIGTERM in stage 1: run.sh says that it was interrupted, exit code 130",
                 first == 130 and "stage 1 was interrupted" in said and "[STOPPED] saved iteration" in said)
    good &= check("an interrupted stage is not marked as finished", not (runs / "stage1" / "results.json").exists())
    code, said = call(clone, folder, r"== stage 2", signal.SIGKILL)
    good &= check("stage 1 goes on from there", "[RESUME] from iteration" in said and _finished(runs, 1))
    good &= check("SIGKILL in stage 2: a step failed, and is named",
                  code not in (0, 130) and "step 'stage 2' failed" in said)
    code, said = call(clone, folder)
    good &= check("the same command ends all stages, evaluates and predicts",
                  code == 0 and all(_finished(runs, number) for number in (1, 2, 3)) and "== predict" in said)
    good &= check("stage 2 began with stage 1's best weights, stage 3 with stage 2's",
                  all(f"runs/stage{number}/best_model" in said for number in (1, 2)))
    table = json.loads((runs / "eval" / "results.json").read_text())
    good &= check("the 8 pictures of PhotoMatte85 were scored", "PhotoMatte85" in json.dumps(table) and "mean of 8" in said)
    code, said = call(clone, folder)
    return good & check("once more: nothing is trained again", code == 0 and said.count("is finished") == 3)


def _finished(runs, number):
    mark = runs / f"stage{number}" / "results.json"
    return mark.is_file() and json.loads(mark.read_text())["iterations"] > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where all of it is written (default: a temporary folder)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(0 if run((args.folder or Path(temporary)).resolve(), args.seed) else 1)


if __name__ == "__main__":
    main()
