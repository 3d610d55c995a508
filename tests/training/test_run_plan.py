"""What a run will do, told before it does anything."""
import pytest

import train
from training.memory import Division
from training.plan import Cost, _most, main


def test_the_plan_of_a_stage(stage, tmp_path, capsys):
    path = stage(base=2, joint=1, keep_checkpoint_max=2)
    main(["--config", str(path), "--gpu-memory", "16"])
    lines = capsys.readouterr().out.splitlines()
    kinds = [line.split(":")[0].split()[0] for line in lines]
    phase = ["[PLAN]", "memory", "memory"]
    assert kinds == ["data", *phase, *phase, "disk", "time", "next", "then", "and"]
    assert lines[0] == "data: generated samples, 4 an epoch."
    assert "iterations 1 to 4, 2 epochs of 2" in lines[1] and "iterations 5 to 6, 1 epochs of 2" in lines[4]
    assert lines[3] == lines[6] == "memory: that fits in 16 GiB."
    assert "2 checkpoints of" in lines[7] and f"--config {path}" in lines[9] and "for 6 iterations" in lines[8]
    assert not (tmp_path / "run").exists()


def test_dry_run_is_the_same(stage, tmp_path, capsys):
    train.main(["--config", str(stage(base=1, joint=0)), "--dry-run"])
    assert "[PLAN] base: iterations 1 to 2" in capsys.readouterr().out and not (tmp_path / "run").exists()


@pytest.mark.parametrize("room, division", [(9e9, (8, 1)), (8.9e9, (4, 2)), (2e9, (1, 8)), (1.9e9, None)])
def test_what_fits(room, division):
    cost = Cost(1e9, 1000.0, 0.0)  # a sample of 1000 x 1000 pixels takes 1e9 bytes, beside 1e9 for all
    fitting = _most(cost, Division(8, 1), 1000, room)
    assert (None if fitting is None else tuple(fitting)) == division
