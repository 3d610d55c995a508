"""Tiny runs of a stage inside this process: what is learnt, logged, saved and taken up again."""
import errno
import itertools
import json
import re
import shutil

import numpy as np
import pytest

from bgmatting.commands import train as script
from bgmatting.model.inference.matter import Matter
from bgmatting.model.weights import read_weights, weights_path
from bgmatting.training import checkpoint_files, trainer
from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint
from bgmatting.training.config import load_config
from bgmatting.training.config.flags import FLAGS
from bgmatting.training.step import Learner
from bgmatting.utils.errors import UserError
from tests.training.runs import changed, fails, names, run

NUMBER = r"[0-9.]+"
LINE = re.compile(r"^\S+ \S+ \[INFO\] \[TRAIN\] (\w+) epoch: (\d+)/(\d+), iter: (\d+)/(\d+), "
                  rf"loss: ({NUMBER}) \((.*)\), lr: ([0-9.e-]+), reader_cost: {NUMBER}, batch_cost: {NUMBER}, "
                  rf"ips: {NUMBER} samples/sec "
                  r"\| ETA \d+:\d\d:\d\d$")


def train_lines(folder):
    return [match.groups() for match in map(LINE.match, (folder / "train.log").read_text().splitlines()) if match]


@pytest.mark.slow
def test_a_whole_stage(whole):
    lines = train_lines(whole.folder)
    assert [line[:5] for line in lines] == [("base", "1", "2", "1", "4"), ("base", "1", "2", "2", "4"),
                                            ("joint", "2", "2", "3", "4"), ("joint", "2", "2", "4", "4")]
    for line in lines:
        terms = dict(term.split(": ") for term in line[6].split(", "))
        assert len(terms) == (4 if line[0] == "base" else 7)
        assert float(line[5]) == pytest.approx(sum(map(float, terms.values())), abs=1e-3) and float(line[7]) == 1e-4
    assert [path.name for path in checkpoints(whole.folder)] == ["iter_1", "iter_2", "iter_3", "iter_4"]
    model, moments, state, ema = load_checkpoint(whole.folder / "iter_4")
    assert ema is None and (state["step"], state["phase"], set(state["scores"])) == (4, "joint", {"base", "joint"})
    assert any(name.startswith("refiner.") for name in moments)
    assert whole.said.count("[DONE]") == 2
    assert whole.records["train/grad_norm"] > 0 and whole.records["train/ips"] > 0
    assert 0.05 < whole.records["train/memory_gib"] < 64

    matte = Matter(whole.best / "model.safetensors", backend="paddle").predict(*np.zeros((2, 50, 70, 3), np.uint8))
    assert matte.pha.shape == (50, 70) and np.isfinite(matte.pha).all()
    best = load_checkpoint(whole.best)
    assert best.optimizer is None and best.state["phase"] == "joint"

    moved = changed(load_checkpoint(whole.folder / "iter_2").model, model)
    for part, found in moved.items():
        assert any(name.endswith("weight") for name in found) and any(name.endswith("._mean") for name in found), part
    assert {f"refiner.conv{number}.weight" for number in range(1, 5)} <= moved["refiner"]


@pytest.mark.slow
def test_a_phase_that_is_not_trained_keeps_its_weights(stage, capsys):
    """base alone from fresh weights gives a base network; from the starter's all of it."""
    def refiner(path, *flags):
        run(path, *flags)
        arrays = load_checkpoint(path.with_suffix("") / "best_model").model
        return {name: value for name, value in arrays.items() if name.startswith("refiner.")}

    starter = read_weights(weights_path())[0]
    assert not refiner(stage("fresh", joint=0))
    kept = refiner(stage("begun", pretrain="starter"), "--epoch-end", "1")
    assert kept and all((value == starter[name]).all() for name, value in kept.items())
    assert "base 1 of 1; joint none of 1" in capsys.readouterr().out


@pytest.mark.slow
def test_stage_2_begins_where_stage_1_was_best_and_parts_at_rate_0_stay(whole, stage, tmp_path, capsys):
    frozen = {"backbone": 0.0, "aspp": 0.0, "decoder": 0.0, "refiner": 1.0}
    run(stage("two", base=0, rates=frozen), "--pretrain", str(whole.best))
    said = capsys.readouterr().out
    assert re.search(r"\[PRETRAIN\] .*best_model/model.safetensors: \d{3} arrays taken, 0 of this network", said)
    end = load_checkpoint(tmp_path / "two" / "iter_2")
    before = load_checkpoint(whole.best)
    assert end.state["scores"]["joint"][0] == before.state["scores"]["joint"][1]  # the same images, the same weights
    differing = changed(before.model, end.model)
    assert {part for part, arrays in differing.items() if arrays} == {"refiner"}
    assert any(name.endswith("_mean") for name in differing["refiner"])  # its statistics are its own again


@pytest.mark.slow
def test_a_finished_run_is_marked_and_not_run_again_unless_forced(stage, tmp_path, capsys, monkeypatch):
    """run.sh goes by results.json: never there for a run that goes on, always for one with nothing left to do."""
    path, mark = stage(joint=0), tmp_path / "run" / "results.json"
    run(path)
    log, content = train_lines(tmp_path / "run"), mark.read_bytes()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    mark.unlink()  # as after a kill between the last checkpoint and the mark
    run(path)
    assert "is finished (2 iterations)" in capsys.readouterr().out and mark.read_bytes() == content
    assert train_lines(tmp_path / "run") == log
    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "run", lambda self, stop: mark.exists())
        assert not trainer.train(load_config(stage(base=2, joint=0))) and not mark.exists()
    run(stage(joint=0), "--force")
    assert len(train_lines(tmp_path / "run")) == 4 and "notes.txt" in names(tmp_path / "run")


def damage(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.slow
@pytest.mark.parametrize("lose, marked", [(shutil.rmtree, True), (damage, False)])
def test_a_finished_run_without_its_best_weights_gets_those_of_its_newest_checkpoint(stage, tmp_path, monkeypatch, lose,
                                                                                     marked):
    path, folder = stage(joint=0, ema=0.5), tmp_path / "run"
    scores = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(trainer, "validate", lambda *rest: {"sad": next(scores), "mse": 1.0})
    run(path, "--valid-interval", "1")
    assert load_checkpoint(folder / "best_model").state["step"] == 1
    lose(folder / "best_model")
    if not marked:
        (folder / "results.json").unlink()
    scores = iter([2.0])
    run(path)
    averaged = load_checkpoint(folder / "iter_2").ema
    for _ in range(2):  # the second time there is nothing to do
        best = load_checkpoint(folder / "best_model")
        assert best.state["step"] == 2 and best.model
        assert all((averaged[name] == value).all() for name, value in best.model.items())
        assert json.loads((folder / "results.json").read_text())["valid"]["base"]["best"] == {"sad": 2.0, "mse": 1.0}
        run(path)


@pytest.mark.slow
@pytest.mark.parametrize("lose", [shutil.rmtree, damage])
def test_a_run_that_has_lost_its_best_weights_goes_on_and_writes_others(stage, tmp_path, monkeypatch, lose):
    keys, folder = {"joint": 0, "stream_length": 8}, tmp_path / "run"
    scores = iter([9.0, 1.0, 2.0])
    monkeypatch.setattr(trainer, "validate", lambda *rest: {"sad": next(scores), "mse": 1.0})
    run(stage(**keys))
    for name in ("iter_3", "iter_4"):
        shutil.rmtree(folder / name)
    lose(folder / "best_model")
    scores = iter([2.0])
    run(stage(**keys, valid_size=96))  # what is not there is not scored on other images
    assert load_checkpoint(folder / "best_model").state["step"] == 4
    assert json.loads((folder / "results.json").read_text())["valid"]["base"]["best"]["sad"] == 2.0
    assert "[WARNING]" in (folder / "train.log").read_text()


@pytest.mark.slow
def test_force_deletes_nothing_when_the_new_run_cannot_begin(stage, tmp_path, capsys, monkeypatch):
    run(stage(joint=0))
    before = names(tmp_path / "run")
    assert "nowhere" in fails(capsys, stage(joint=0), "--force", "--pretrain", str(tmp_path / "nowhere"))
    fails(capsys, stage(joint=0), "--force", "--dataset-name", "unheard-of")
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "rehearse", no_memory)
        fails(capsys, stage(joint=0), "--force")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "validate", bad_image)
        fails(capsys, stage(joint=0), "--force")
    assert names(tmp_path / "run") == before and {"iter_2", "best_model", "results.json"} <= {*before}
    run(stage(joint=0), "--force", "--epochs", "2", "--phase", "base")  # only what is new remains
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["iter_1", "iter_2", "iter_3", "iter_4"]
    assert load_checkpoint(tmp_path / "run" / "best_model").state["config"]["phases"]["base"]["epochs"] == 2


def no_memory(*_):
    raise MemoryError


def bad_image(*_):
    raise UserError("an image cannot be read.")


@pytest.mark.slow
def test_a_full_disk_ends_in_one_line_and_the_run_goes_on_later(stage, tmp_path, capsys, monkeypatch):
    write = checkpoint_files._write_synced

    def full(path, data):
        if "iter_2" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr(checkpoint_files, "_write_synced", full)
    assert "no space left" in fails(capsys, stage(joint=0))
    assert "iter_1" in names(tmp_path / "run") and not [name for name in names(tmp_path / "run") if "iter_2" in name]
    monkeypatch.undo()
    run(stage(joint=0))
    assert "[RESUME] from iteration 1 of 2" in capsys.readouterr().out and "iter_2" in names(tmp_path / "run")


def test_bad_input_is_one_line_and_code_2(stage, tmp_path, capsys):
    said = fails(capsys, stage(), "--pretrain", str(tmp_path / "gone"))
    assert "no weights to start from" in said and "gone" in said and "--pretrain" in said
    assert "Did you mean 'VideoMatte240K'" in fails(capsys, stage(), "--dataset-name", "VideoMatte240")
    assert "Did you mean 'stream_length'" in fails(capsys, stage(stream_lenght=3))
    assert "Did you mean 'mobilenetv2'" in fails(capsys, stage(), "--backbone", "mobilenet2")
    assert "no epochs to train" in fails(capsys, stage(), "--epoch-end", "0")
    assert "'gpu:99'" in fails(capsys, stage(), "--device", "gpu:99")
    (tmp_path / "file").write_text("")
    assert "--save-dir" in fails(capsys, stage(), "--save-dir", str(tmp_path / "file"))


@pytest.mark.parametrize("name", [name for name, _, _ in FLAGS] + ["epoch_end", "batch_size"])
def test_hyphen_and_underscore(name):
    first, second = (script.parse(["--config", "c.yml", f"--{spelt}", "1"]) for spelt in
                     (name, name.replace("_", "-")))
    assert vars(first) == vars(second) and str(getattr(first, name)) in ("1", "1.0")


@pytest.mark.slow
def test_a_phase_may_end_when_it_gets_no_better_and_a_resumed_one_ends_at_the_same_iteration(stage, tmp_path, monkeypatch):
    worse = itertools.count()
    monkeypatch.setattr(trainer, "validate", lambda *rest: {"sad": float(next(worse)), "mse": 1.0})
    keys = {"joint": 0, "stream_length": 16, "valid_interval": 1, "patience": 2}
    run(stage(**keys))
    said = "[EARLY] base: no validation in 2 was better; the phase ends after iteration 2, 6 before its last."
    assert said in (tmp_path / "run" / "train.log").read_text()
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["iter_1", "iter_8"]
    shutil.rmtree(tmp_path / "run" / "iter_8")
    (tmp_path / "run" / "train.log").unlink()
    run(stage(**keys))
    log = (tmp_path / "run" / "train.log").read_text()
    assert "[RESUME] from iteration 1 of 8" in log and said in log


@pytest.mark.slow
def test_less_patience_than_validations_so_far_ends_a_resumed_phase_at_the_next(stage, tmp_path, monkeypatch):
    worse = itertools.count()
    monkeypatch.setattr(trainer, "validate", lambda *rest: {"sad": float(next(worse)), "mse": 1.0})
    keys = {"joint": 0, "stream_length": 16, "valid_interval": 1}
    run(stage(**keys))
    for number in range(4, 9):
        shutil.rmtree(tmp_path / "run" / f"iter_{number}")
    run(stage(**keys, patience=2))
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["iter_1", "iter_2", "iter_3", "iter_8"]
