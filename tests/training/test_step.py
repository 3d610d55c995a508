"""One iteration: several batches as one, steps that are left out, averaged weights in a run, a full disk."""
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from bgmatting.commands import train as script
from bgmatting.model.inference.matter import Matter
from bgmatting.training.checkpoint import State
from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint
from bgmatting.training.config import load_config
from bgmatting.training.lessons import background
from bgmatting.training.step import train_step
from bgmatting.training.trainer import Trainer
from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError
from tests.training.runs import Log, equal, first_iteration, learner_of, weights

PROJECT = Path(__file__).resolve().parents[2]


def moments(learner):
    """Adam's first moments, after one step a tenth of the gradients."""
    return [value.numpy() for name, value in learner.optimizer.state_dict().items() if "moment1" in name]


@pytest.mark.slow
def test_one_batch_is_learnt_by_heart(stage):
    learner, phase, [batch] = first_iteration(stage(schedule="constant", learning_rate=3e-4), change=lambda network: network)
    losses = []
    for step in range(20):
        outcome = train_step(learner, phase._replace(end=1000), step, [batch])
        assert outcome.loss == pytest.approx(sum(outcome.terms.values()), rel=1e-5) and outcome.updated
        losses.append(outcome.loss)
    assert np.mean(losses[-3:]) < 0.5 * losses[0]
    shown = outcome.pictures()
    assert set(shown) == {f"train/{name}" for name in ("src", "bgr", "pha", "com", "err")}
    assert all(image.shape == (64, 128, 3) and image.dtype == np.uint8 for image in shown.values())
    np.testing.assert_array_equal(shown["train/src"][:, 64:], batch[0].numpy()[1].transpose(1, 2, 0))


def test_two_batches_of_two_are_one_of_four(begun):
    learner, phase, batches = begun(1, 4)
    one = train_step(learner, phase, 0, batches)
    large = moments(learner)
    learner, phase, batches = begun(2, 2)
    assert len(batches) == 2 and len(batches[0][0]) == 2
    two = train_step(learner, phase, 0, batches)
    assert two.loss == pytest.approx(one.loss, abs=1e-6) and two.norm == pytest.approx(one.norm, rel=1e-4)
    for ours, value in zip(moments(learner), large):
        np.testing.assert_allclose(ours, value, rtol=0, atol=1e-5 * max(1, np.abs(value).max()))


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_is_not_finite_leaves_everything_as_it_was(begun, monkeypatch, where):
    learner, phase, batches = begun(ema=0.5)
    before, average = weights(learner), learner.ema.arrays()

    def spoilt(pred, true_pha, true_fgr, detach):
        if where == "loss":
            return {"pha_l1": pred.pha.mean() * float("nan")}
        return {"pha_l1": (pred.pha - pred.pha).sqrt().mean()}  # 0, with an infinite gradient

    monkeypatch.setattr(background, "base_loss", spoilt)
    outcome = train_step(learner, phase, 0, batches)
    assert not outcome.updated and np.isfinite(outcome.loss) == (where == "gradient")
    assert equal(before, weights(learner)) and equal(average, learner.ema.arrays()) and not any(learner.ema.updates.values())
    assert not any("moment" in name for name in learner.optimizer.state_dict())
    monkeypatch.undo()
    assert train_step(learner, phase, 0, batches).updated and not equal(before, weights(learner))


def test_an_overflow_of_the_scaled_loss_halves_the_scale(begun, monkeypatch):
    learner, phase, batches = begun()
    learner.precision._scaled, learner.precision.scale = True, 1e39  # overflows float32 as larger losses do float16
    before = weights(learner)
    assert not train_step(learner, phase, 0, batches).updated
    assert learner.precision.scale == 5e38 and equal(before, weights(learner))
    learner.precision.scale = 2.0 ** 15
    scaled = train_step(learner, phase, 0, batches)
    other, phase, batches = begun()
    plain = train_step(other, phase, 0, batches)
    assert scaled.norm == pytest.approx(plain.norm, rel=1e-4) and scaled.loss == plain.loss


def test_too_many_in_a_row_name_the_samples(begun):
    trainer = Trainer(begun(nonfinite_max=2)[0], State(4), [], None, Log())
    trainer.count(False, pytest.fail)
    trainer.count(True, pytest.fail)
    trainer.count(False, pytest.fail)
    assert len(trainer.log.said) == 2 and "iteration 3: the loss or its gradient is not finite" in trainer.log.said[1]
    assert "(1 in a row, 2 in all)" in trainer.log.said[1]
    with pytest.raises(UserError, match="in 2 iterations in a row, up to iteration 4; .* The last samples read: a, b"):
        trainer.count(False, lambda: ["a", "b"])


def test_a_run_of_nothing_but_nan_stops_with_its_samples(stage, monkeypatch, capsys):
    monkeypatch.setattr(background, "base_loss", lambda pred, *rest: {"pha_l1": pred.pha.mean() * float("nan")})
    with pytest.raises(SystemExit) as ended:
        run_main(script.main, ["--config", str(stage(nonfinite_max=2))])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and said.count("generated sample") == 2


@pytest.mark.slow
def test_accumulated_and_averaged_a_run_goes_on_where_it_stopped(stage, tmp_path, capsys):
    whole, parts = (stage(name, joint=0, stream_length=8, accumulate=2, ema=0.9) for name in ("whole", "parts"))
    script.main(["--config", str(whole), "--epoch-end", "2"])
    for epoch in ("1", "2"):
        script.main(["--config", str(parts), "--epoch-end", epoch])
    assert [path.name for path in checkpoints(tmp_path / "whole")] == ["iter_1", "iter_2", "iter_3", "iter_4"]
    one, two = (load_checkpoint(tmp_path / folder / "iter_4") for folder in ("whole", "parts"))
    assert equal(one.model, two.model) and equal(one.optimizer, two.optimizer) and equal(one.ema, two.ema)
    assert one.state["ema_updates"] == two.state["ema_updates"] == {"backbone": 4, "aspp": 4, "decoder": 4, "refiner": 0}
    assert one.state["scores"] == two.state["scores"]
    assert not equal(one.ema, one.model)
    Matter(tmp_path / "whole" / "iter_4" / "ema.safetensors", backend="paddle")  # weights like any others


@pytest.mark.parametrize("flags, words", [(["--amp", "O1"], "--amp O1 needs a GPU"),
                                          (["--accumulate", "5"], "too few for iterations of 5 batches"),
                                          (["--accumulate", "0"],
                                           "'accumulate' in command line must be a whole number from 1 to 10000, not 0."),
                                          (["--amp", "O3"], "'amp' in command line must be one of null, O1, O2, not 'O3'.")])
def test_settings_that_cannot_be_used(stage, capsys, flags, words):
    with pytest.raises(SystemExit) as ended:
        run_main(script.main, ["--config", str(stage()), "--device", "cpu", *flags])
    assert ended.value.code == 2 and words in capsys.readouterr().err


@pytest.mark.parametrize("phase", ["base", "joint"])
def test_a_phase_in_which_no_part_learns_is_refused(stage, phase):
    path = stage(rates={"backbone": 0, "aspp": 0, "decoder": 0, "refiner": 0})
    content = yaml.safe_load(path.read_text())
    content["phases"]["base"]["rates"] = {"backbone": 0, "aspp": 0, "decoder": 0}
    path.write_text(yaml.safe_dump(content))
    learner = learner_of(load_config(path))
    with pytest.raises(UserError, match=f"phases.{phase}.rates"):
        learner.enter(phase)


@pytest.mark.parametrize("pixels, terms", [(0, {"pha_l1", "pha_sm_l1", "err_mse"}), (160, {"pha_l1", "pha_mse", "fgr_l1"})])
def test_the_refiner_alone_learns_on_all_pixels_or_on_the_worst(stage, pixels, terms):
    rates = {"backbone": 0.0, "aspp": 0.0, "decoder": 0.0, "refiner": 1.0}
    learner, phase, batches = first_iteration(stage(base=0, rates=rates, refine={"train_pixels": pixels}))
    before = weights(learner)
    outcome = train_step(learner, phase, 0, batches)
    changed = {name for name, value in weights(learner).items() if not np.array_equal(value, before[name])}
    assert outcome.updated and terms <= set(outcome.terms) and ("pha_mse" in outcome.terms) == bool(pixels)
    assert changed and all(name.startswith("refiner.") for name in changed)
    assert learner.network.refiner.refinement[:2] == ("sampling", 80_000)


@pytest.mark.parametrize("frozen", [False, True])
def test_statistics_of_norms_may_stay(begun, frozen):
    learner, phase, batches = begun(freeze_norm=frozen)
    for layer in learner.network.sublayers():
        if hasattr(layer, "_use_global_stats"):
            layer._use_global_stats = None  # as usual: by training or evaluation
    before = weights(learner)
    assert train_step(learner, phase, 0, batches).updated
    after = weights(learner)
    coarse = [name for name in after if not name.startswith("refiner.")]
    moved = {name for name in coarse if not np.array_equal(after[name], before[name])}
    statistics = {name for name in coarse if name.endswith(("._mean", "._variance"))}
    assert statistics and moved - statistics  # weights learn either way
    assert bool(moved & statistics) != frozen


@pytest.mark.parametrize("phase, batches", [(0, 2), (1, 1)])
def test_the_device_is_waited_for_once_an_iteration(stage, monkeypatch, phase, batches):
    learner, phase, images = first_iteration(stage(accumulate=batches), batches, phase=phase)
    train_step(learner, phase, phase.start, images)
    reads = []
    for name in ("numpy", "item", "tolist", "__float__", "__bool__"):
        read = getattr(paddle.Tensor, name)
        monkeypatch.setattr(paddle.Tensor, name, lambda self, *rest, read=read, name=name: reads.append(
            (name, list(self.shape))) or read(self, *rest))
    train_step(learner, phase, phase.start + 1, images)
    monkeypatch.undo()
    terms = 4 if phase.name == "base" else 7
    assert [shape for name, shape in reads if name == "numpy"] == [[batches * terms + 1]]
    assert not [name for name, _ in reads if name != "numpy"]
