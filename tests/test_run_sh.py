"""run.sh with an interpreter that does nothing but note what it is asked for."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bgmatting.utils.files import PROJECT

STUB = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *"dataset kind"*) echo sample ;; *"dataset private"*) echo no ;; esac
"""


@pytest.fixture
def run(tmp_path):
    """run(*words) -> (exit code, [the scripts and modules that were called, with their flags])"""
    python, calls = tmp_path / "python", tmp_path / "calls"
    python.write_text(STUB)
    python.chmod(0o755)

    def run(*words, last=("--save-dir", str(tmp_path / "runs")), script=PROJECT / "run.sh"):
        calls.write_text("")
        done = subprocess.run(["sh", str(script), *words, *last], cwd=tmp_path,
                              env={**os.environ, "PYTHON": str(python), "CALLS": str(calls)}, capture_output=True)
        lines = [line for line in calls.read_text().splitlines() if ".py" in line and "utils/" not in line]
        return done.returncode, [line.partition(f"{script.parent}/")[2] for line in lines]

    return run


def test_it_can_be_run_as_a_program():
    assert os.access(PROJECT / "run.sh", os.X_OK)
    if (PROJECT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-s", "run.sh"], cwd=PROJECT, capture_output=True, text=True).stdout
        assert listed.startswith("100755")


def test_a_dry_run_ends_as_done_and_a_stage_without_results_as_interrupted(run):
    code, calls = run("stage1", "--dry-run")
    assert code == 0 and len(calls) == 1 and calls[0].endswith("--dry-run")
    assert run("stage1")[0] == 130


@pytest.mark.parametrize("flag", ["--save-dir", "--save_dir", "--checkpoint-path", "--checkpoint_path="])
def test_where_a_stage_goes(run, tmp_path, flag):
    words = [f"{flag}{tmp_path / 'here'}"] if flag.endswith("=") else [flag, str(tmp_path / "here")]
    code, calls = run("stage1", *words, last=())
    assert code == 130 and calls[0].endswith(f"--save-dir {tmp_path / 'here' / 'stage1'}")
    (tmp_path / "here" / "stage1").mkdir(parents=True)
    (tmp_path / "here" / "stage1" / "results.json").touch()
    assert run("stage1", *words, last=())[0] == 0


def test_weights_of_the_sample_data_are_scored_and_used_for_nobodys_photos(run, tmp_path):
    for stage in ("stage1", "stage2"):
        (tmp_path / "runs" / stage).mkdir(parents=True)
        (tmp_path / "runs" / stage / "results.json").touch()
    best = str(tmp_path / "runs" / "stage2" / "best_model")
    assert [best in call for call in run()[1]] == [False, False, True, True]  # stages, eval, predict
    (tmp_path / "log").mkdir()
    (tmp_path / "runs").rename(tmp_path / "log" / "sample")
    script = Path(shutil.copy(PROJECT / "run.sh", tmp_path))
    for part, used in (("eval", True), ("predict", False), ("web", False)):
        (call,) = run(part, last=(), script=script)[1]
        assert ("--weights" in call) is used


def test_a_dry_run_of_everything_neither_evaluates_nor_predicts(run):
    code, calls = run("--dry-run")
    assert code == 0 and len(calls) == 2 and all("--dry-run" in call for call in calls)
