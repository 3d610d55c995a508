"""One iteration: several batches as one, steps that are left out, averaged weights in a run, a full disk."""
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

import train as script
from dataset.batches import Batches
from dataset.samples import training_set
from model.inference.matter import Matter
from tests.training.fixed_train import fix
from training import state as run_module
from training import step as step_module
from training.checkpoint import checkpoints, load_checkpoint
from training.config import load_config
from training.distributed import Ranks
from training.log import RunLog
from training.optimizer import build_optimizer
from training.schedule import plan
from training.state import Run, build_network
from training.step import train_step
from utils.cli import run_main
from utils.errors import UserError

PROJECT = Path(__file__).resolve().parents[2]


class Log:
    def __init__(self):
        self.said = []

    def info(self, text):
        pass

    def warn(self, text):
        self.said.append(text)

    def scalars(self, values, step):
        pass


@pytest.fixture
def begun(stage):
    """begun(batches, batch_size, **keys) -> a run in the base phase, the phase, the batches of its first iteration."""
    def begin(batches=1, batch_size=2, **keys):
        config = load_config(stage(accumulate=batches, **keys))
        paddle.seed(1)
        run = Run(config, fix(build_network(config)), 4, Log(), Ranks(0, 1, "cpu"))
        run.begin()
        run.optimizer = build_optimizer(run.network, config["phases"]["base"]["rates"])
        samples = training_set(config, "base", None)
        keys = Batches(4, batch_size, (64, 64), 1, 0, accumulate=batches).iteration(0)
        return run, plan(config, 4)[0], [tensors([samples[key] for key in batch]) for batch in keys]
    return begin


def tensors(samples):
    return [paddle.to_tensor(np.stack(images)) for images in zip(*samples)]


def weights(run):
    return {name: value.numpy().copy() for name, value in run.network.state_dict().items()}


def equal(one, other):
    return all(np.array_equal(value, other[name]) for name, value in one.items())


def moments(run):
    """Adam's first moments, after one step a tenth of the gradients."""
    return [value.numpy() for name, value in run.optimizer.state_dict().items() if "moment1" in name]


def test_two_batches_of_two_are_one_of_four(begun):
    run, phase, batches = begun(1, 4)
    one = train_step(run, phase, batches)
    large = moments(run)
    run, phase, batches = begun(2, 2)
    assert len(batches) == 2 and len(batches[0][0]) == 2
    two = train_step(run, phase, batches)
    assert two.loss == pytest.approx(one.loss, abs=1e-6) and two.norm == pytest.approx(one.norm, rel=1e-4)
    for ours, value in zip(moments(run), large):
        np.testing.assert_allclose(ours, value, rtol=0, atol=1e-5 * max(1, np.abs(value).max()))


def test_the_norm_is_of_all_gradients_together(begun, monkeypatch):
    run, phase, batches = begun()
    kept = []
    monkeypatch.setattr(run.optimizer, "step", lambda: kept.extend(
        parameter.grad.numpy() for parameter in run.network.parameters() if parameter.grad is not None))
    outcome = train_step(run, phase, batches)
    assert outcome.norm == pytest.approx(np.sqrt(sum((value.astype(float) ** 2).sum() for value in kept)), rel=1e-4)


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_is_not_finite_leaves_everything_as_it_was(begun, monkeypatch, where):
    run, phase, batches = begun(ema=0.5)
    before, average = weights(run), run.ema.arrays()

    def spoilt(pred, true_pha, true_fgr, detach):
        if where == "loss":
            return {"pha_l1": pred.pha.mean() * float("nan")}
        return {"pha_l1": (pred.pha - pred.pha).sqrt().mean()}  # 0, with an infinite gradient

    monkeypatch.setattr(step_module, "base_loss", spoilt)
    outcome = train_step(run, phase, batches)
    assert not outcome.updated and np.isfinite(outcome.loss) == (where == "gradient")
    assert equal(before, weights(run)) and equal(average, run.ema.arrays()) and run.ema.updates == 0
    assert not any("moment" in name for name in run.optimizer.state_dict())
    monkeypatch.undo()
    assert train_step(run, phase, batches).updated and not equal(before, weights(run))


def test_an_overflow_of_the_scaled_loss_halves_the_scale(begun, monkeypatch):
    run, phase, batches = begun()
    run.precision._scaled, run.precision.scale = True, 1e39  # overflows float32 as larger losses do float16
    before = weights(run)
    assert not train_step(run, phase, batches).updated and run.precision.scale == 5e38 and equal(before, weights(run))
    run.precision.scale = 2.0 ** 15
    scaled = train_step(run, phase, batches)
    other, phase, batches = begun()
    plain = train_step(other, phase, batches)
    assert scaled.norm == pytest.approx(plain.norm, rel=1e-4) and scaled.loss == plain.loss


def test_too_many_in_a_row_name_the_samples(begun):
    run, *_ = begun(nonfinite_max=2)
    run.count(False, pytest.fail)
    run.count(True, pytest.fail)
    run.count(False, pytest.fail)
    assert len(run.log.said) == 2 and "iteration 3: the loss or its gradient is not finite" in run.log.said[1]
    assert "(1 in a row, 2 in all)" in run.log.said[1]
    with pytest.raises(UserError, match="in 2 iterations in a row, up to iteration 4; .* The last samples read: a, b"):
        run.count(False, lambda: ["a", "b"])


def test_a_run_of_nothing_but_nan_stops_with_its_samples(stage, monkeypatch, capsys):
    monkeypatch.setattr(step_module, "base_loss", lambda pred, *rest: {"pha_l1": pred.pha.mean() * float("nan")})
    with pytest.raises(SystemExit) as ended:
        run_main(script.main, ["--config", str(stage(nonfinite_max=2))])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and "not finite in 2 iterations in a row" in said
    assert re.search(r"samples read: generated sample \d of epoch 1, generated sample \d of epoch 1\.", said)


def test_accumulated_and_averaged_a_run_goes_on_where_it_stopped(stage, tmp_path, capsys):
    whole, parts = (stage(name, joint=0, stream_length=8, accumulate=2, ema=0.9) for name in ("whole", "parts"))
    script.main(["--config", str(whole), "--epoch-end", "2"])
    for epoch in ("1", "2"):
        script.main(["--config", str(parts), "--epoch-end", epoch])
    assert [path.name for path in checkpoints(tmp_path / "whole")] == ["iter_1", "iter_2", "iter_3", "iter_4"]
    one, two = (load_checkpoint(tmp_path / folder / "iter_4") for folder in ("whole", "parts"))
    assert equal(one.model, two.model) and equal(one.optimizer, two.optimizer) and equal(one.ema, two.ema)
    assert one.state["ema_updates"] == two.state["ema_updates"] == 4 and one.state["scores"] == two.state["scores"]
    assert not equal(one.ema, one.model)
    Matter(tmp_path / "whole" / "iter_4" / "ema.safetensors", backend="paddle")  # weights like any others


def test_the_average_is_validated_and_saved(begun, monkeypatch, tmp_path):
    run, phase, batches = begun(ema=0.5)
    seen, first = [], weights(run)
    monkeypatch.setattr(run_module, "evaluate", lambda *rest: seen.append(weights(run)) or (None, {"sad": 1, "mse": 1}))
    train_step(run, phase, batches)
    own, run.phase, run.scores = weights(run), "base", {"base": [None, None]}
    run.validate_and_keep_best()
    assert equal(seen[0], run.ema.arrays()) and not equal(seen[0], own) and not equal(seen[0], first)
    assert equal(load_checkpoint(run.save_dir / "best_model").model, run.ema.arrays()) and equal(own, weights(run))


def test_a_checkpoint_from_before_these_keys_is_taken_up(stage, tmp_path, monkeypatch, capsys):
    state = Run._state
    later = ("amp", "amp_dtype", "accumulate", "ema", "nonfinite_max")

    def earlier(self):
        kept = {name: value for name, value in state(self).items()
                if name not in ("skipped", "processes", "precision", "ema_updates")}
        return {**kept, "config": {name: value for name, value in kept["config"].items() if name not in later}}

    monkeypatch.setattr(Run, "_state", earlier)
    script.main(["--config", str(stage(joint=0)), "--epoch-end", "1"])
    monkeypatch.undo()
    script.main(["--config", str(stage(joint=0)), "--epoch-end", "2"])
    assert "[RESUME] from iteration 2 of 4" in capsys.readouterr().out


@pytest.mark.parametrize("flags, words", [(["--amp", "O1"], "--amp O1 needs a GPU"),
                                          (["--accumulate", "5"], "too few for iterations of 5 batches"),
                                          (["--accumulate", "0"], "'accumulate' must be 1 or more"),
                                          (["--amp", "O3"], "unknown amp 'O3'. Known: O1, O2")])
def test_settings_that_cannot_be_used(stage, capsys, flags, words):
    with pytest.raises(SystemExit) as ended:
        run_main(script.main, ["--config", str(stage()), "--device", "cpu", *flags])
    assert ended.value.code == 2 and words in capsys.readouterr().err


def test_the_records_show_memory_gradient_norm_and_throughput(stage, monkeypatch, capsys):
    kept = {}
    monkeypatch.setattr(RunLog, "scalars", lambda self, values, step: kept.update(values))
    script.main(["--config", str(stage(joint=0))])
    assert kept["train/grad_norm"] > 0 and kept["train/ips"] > 0
    assert 0.05 < kept["train/memory_gib"] < 64


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for one checkpoint of a tiny run, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=130m", "none", str(folder)], capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full(stage, small_disk):
    path = stage(joint=0)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "save_dir": str(small_disk / "run")}))
    done = subprocess.run([sys.executable, str(PROJECT / "train.py"), "--config", str(path)], capture_output=True,
                          text=True, timeout=100, cwd=PROJECT)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: no space left on the disk")
    assert "Traceback" not in done.stderr
    assert [folder.name for folder in checkpoints(small_disk / "run")] == ["iter_1"]
    assert load_checkpoint(small_disk / "run" / "iter_1").state["step"] == 1  # whole
    assert not list((small_disk / "run").glob(".iter*"))


@pytest.mark.parametrize("pixels, terms", [(0, {"pha_l1", "pha_sm_l1", "err_mse"}), (160, {"pha_l1", "pha_mse", "fgr_l1"})])
def test_the_refiner_alone_learns_on_all_pixels_or_on_the_worst(stage, pixels, terms):
    rates = {"backbone": 0.0, "aspp": 0.0, "decoder": 0.0, "refiner": 1.0}
    config = load_config(stage(base=0, rates=rates, refine={"train_pixels": pixels}))
    paddle.seed(1)
    run = Run(config, fix(build_network(config)), 4, Log(), Ranks(0, 1, "cpu"))
    run.begin()
    run.scores["joint"] = [(1.0, 1.0), None]  # nothing is to be validated
    phase = plan(config, 4)[0]
    run.enter(phase)
    samples = training_set(config, "joint", None)
    before = weights(run)
    outcome = train_step(run, phase, [tensors([samples[key] for key in next(Batches(4, 2, (64, 64), 1, 0).iteration(0))])])
    changed = {name for name, value in weights(run).items() if not np.array_equal(value, before[name])}
    assert outcome.updated and terms <= set(outcome.terms) and ("pha_mse" in outcome.terms) == bool(pixels)
    assert changed and all(name.startswith("refiner.") for name in changed)
    assert run.network.refiner.mode == "sampling" and run.network.refiner.sample_pixels == 80_000


@pytest.mark.parametrize("frozen", [False, True])
def test_statistics_of_norms_may_stay(begun, frozen):
    run, phase, batches = begun(freeze_norm=frozen)
    run.rates = run.config["phases"]["base"]["rates"]
    for layer in run.network.sublayers():
        if hasattr(layer, "_use_global_stats"):
            layer._use_global_stats = None  # as usual: by training or evaluation
    before = weights(run)
    assert train_step(run, phase, batches).updated
    after = weights(run)
    coarse = [name for name in after if not name.startswith("refiner.")]
    moved = {name for name in coarse if not np.array_equal(after[name], before[name])}
    statistics = {name for name in coarse if name.endswith(("._mean", "._variance"))}
    assert statistics and moved - statistics  # weights learn either way
    assert bool(moved & statistics) != frozen
