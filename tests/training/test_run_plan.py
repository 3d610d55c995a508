"""What a run will do, told before it does anything."""
import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from bgmatting.commands import train
from bgmatting.model.weights import read_weights, weights_path
from bgmatting.training.config import load_config
from bgmatting.training.memory import Division
from bgmatting.training.plan import outline
from bgmatting.training.plan.__main__ import main
from bgmatting.training.plan.outline import Cost, _most, cost_of
from bgmatting.training.plan.probe import measure_apart
from bgmatting.utils.errors import UserError


@pytest.fixture
def probes(monkeypatch):
    """Steps that need 1 GiB and another for each sample, and a second for each; returns what was asked for."""
    asked = []

    def answer(config, phase, batch, side):
        asked.append((phase, batch, side))
        return {"seconds": float(batch), "memory": (1 + batch) << 30, "device": "cpu"}

    monkeypatch.setattr(outline, "measure_apart", answer)
    return asked


def test_the_plan_of_a_stage(stage, tmp_path, capsys, probes):
    path = stage(base=2, joint=1, keep_checkpoint_max=2)
    main(["--config", str(path), "--gpu-memory", "16"])
    lines = capsys.readouterr().out.splitlines()
    kinds = [line.split(":")[0].split()[0] for line in lines]
    phase = ["[PLAN]", "memory", "memory"]
    assert kinds == ["data", *phase, *phase, "disk", "time", "next", "then", "and"]
    assert lines[0] == "data: generated samples, 4 an epoch."
    assert "iterations 1 to 4, 2 epochs of 2" in lines[1] and "iterations 5 to 6, 1 epochs of 2" in lines[4]
    assert lines[2].startswith("memory: base batches of 2 x 64x64 take about 3.0 GiB, ")
    assert lines[3] == lines[6] == "memory: that fits in 16 GiB."
    assert "2 checkpoints of" in lines[7] and f"--config {path}" in lines[9]
    assert lines[8].startswith("time: about 0:00:12 for 6 iterations")  # of two samples, a second each
    assert probes == [("base", 1, 64), ("base", 2, 64), ("joint", 1, 64), ("joint", 2, 64)]
    assert not (tmp_path / "run").exists()


def test_a_card_that_is_too_small(stage, capsys, probes):
    path = stage(base=1, joint=0, phases={"base": {"epochs": 1, "batch_size": 8, "crop": [64, 64], "size": 64},
                                          "joint": {"epochs": 0}}, stream_length=8)
    main(["--config", str(path), "--gpu-memory", "6", "--amp", "O1"])  # which a CPU cannot
    said = capsys.readouterr().out
    assert "take about 9.0 GiB" in said and "for 6 GiB use --batch-size 4 --accumulate 2" in said
    assert [batch for _, batch, _ in probes] == [4, 8]


def test_a_set_smaller_than_a_batch_is_planned_for_as_it_is_trained(stage, capsys, probes):
    main(["--config", str(stage(joint=0, stream_length=1))])
    said = capsys.readouterr().out
    assert "1 x 1 x 1 samples an iteration" in said and "memory: base batches of 1 x 64x64" in said
    assert "time: about 0:00:01 for 1 iterations" in said


def test_mixed_precision_on_a_gpu_is_tried_and_on_a_cpu_refused(stage, capsys, monkeypatch):
    tried = []
    monkeypatch.setattr(outline, "measure_apart",
                        lambda config, *_: tried.append(config["amp"]) or {"seconds": 1.0, "memory": 1 << 30})
    with pytest.raises(UserError, match="--amp O1 needs a GPU"):
        main(["--config", str(stage(joint=0)), "--device", "cpu", "--amp", "O1"])
    assert tried == []
    monkeypatch.setattr(outline, "find_device", lambda name: "gpu:0")
    main(["--config", str(stage(joint=0)), "--amp", "O1"])
    assert tried == ["O1", "O1"] and "iterations on gpu:0" in capsys.readouterr().out


def test_weights_to_start_from_are_looked_at(stage, tmp_path, capsys, probes):
    arrays = read_weights(weights_path())[0]
    main(["--config", str(stage(base=1)), "--pretrain", str(weights_path())])
    assert "weights: " in capsys.readouterr().out
    arrays["decoder.conv1.weight"][0, 0, 0, 0] = np.nan
    save_file(arrays, tmp_path / "nan.safetensors")
    (tmp_path / "os.pdparams").write_bytes(b"\x80\x02cposix\nsystem\nX\x02\0\0\0ls\x85R.")
    for command, more, name, words in (
            (main, [], "nan.safetensors", "decoder.conv1.weight holds numbers that are not finite"),
            (train.main, ["--dry-run"], "os.pdparams", "it asks for posix.system")):
        with pytest.raises(UserError, match=words):
            command(["--config", str(stage(base=1)), "--pretrain", str(tmp_path / name), *more])


@pytest.mark.parametrize("flags, words", (
    (("--gpu-memory", "nan"), "not nan"), (("--gpu-memory", "-4"), "not -4"), (("--gpu-memory", "inf"), "not inf"),
    (("--save-dir", os.devnull), "is no folder to save in")))
def test_what_no_run_can_have(stage, flags, words):
    with pytest.raises(UserError, match=words):
        main(["--config", str(stage(base=1)), *flags])


def test_steps_that_cannot_be_tried(stage, capsys, monkeypatch):
    path = str(stage(base=1, joint=0))
    monkeypatch.setattr(outline, "measure_apart", lambda *_: {"error": "does not fit in memory"})
    main(["--config", path])
    said = capsys.readouterr().out
    assert "base batches of 2 x 64x64: not known" in said and "time: not known for 2 iterations" in said
    monkeypatch.setattr(outline, "measure_apart", lambda *_: {"error": "failed: KeyError"})
    with pytest.raises(UserError, match="base: training steps could not be tried: failed: KeyError"):
        main(["--config", path])


@pytest.mark.slow
def test_the_memory_is_what_a_batch_takes(stage):
    config = load_config(stage())
    taken = measure_apart(config, "base", 8, 128)["memory"]  # first: what it leaves behind must not hide the small ones
    cost = cost_of(config, "base", 128)
    assert cost.memory(8) == pytest.approx(taken, rel=0.15)
    assert taken > 1.2 * cost.memory(2) > 0 and cost.sample_seconds > 0


@pytest.mark.parametrize("room, division", [(9e9, (8, 1)), (8.9e9, (4, 2)), (2e9, (1, 8)), (1.9e9, None)])
def test_what_fits(room, division):
    cost = Cost(1e9, 1e9, 0.0)
    fitting = _most(cost, Division(8, 1), room)
    assert (None if fitting is None else tuple(fitting)) == division
