"""What a run is taken up with, and what is refused because it would be another run."""
import pytest
from safetensors import safe_open

from bgmatting.model.weights.metadata import stored_settings
from bgmatting.training.checkpoint import State, checkpoint_size, resume, save_iteration
from bgmatting.training.checkpoint_files import Checkpoint, checkpoints
from bgmatting.training.config import load_config
from bgmatting.training.schedule import plan
from bgmatting.training.step import train_step
from bgmatting.utils.errors import UserError
from tests.training.runs import fails, learner_of, run


@pytest.mark.slow
@pytest.mark.parametrize("flags, word", [
    (["--learning-rate", "0.5"], "learning_rate: 0.0001, now 0.5"),
    (["--batch_size", "1"], "phases.base.batch_size: 2, now 1"),
    (["--backbone", "mobilenetv3"], "backbone: mobilenetv2, now mobilenetv3"),
])
def test_other_settings_are_refused_when_going_on(stage, tmp_path, capsys, flags, word):
    run(stage(joint=0), "--epoch-end", "1")
    said = fails(capsys, stage(joint=0), "--epoch-end", "2", *flags)
    assert word in said and "--force" in said


@pytest.mark.slow
def test_phases_cannot_be_moved_under_a_run(stage, tmp_path, capsys):
    run(stage(base=1, joint=1))
    assert "epochs of a phase" in fails(capsys, stage(base=2, joint=2))
    assert "epochs of a phase" in fails(capsys, stage(base=0, joint=3))
    run(stage(base=1, joint=2, log_train_loss_interval=2))  # what comes after may change, and what is only shown
    assert len(checkpoints(tmp_path / "run")) == 6


def test_a_set_of_another_size_is_another_run(stage, tmp_path):
    config = load_config(stage(joint=0))
    facts = {"config": config, "samples": 8, "step": 1, "phase": "base", "phase_start": 0, "scores": {}}
    with pytest.raises(UserError, match="8.*9"):
        resume(Checkpoint({}, None, facts, None), learner_of(config), State(9), plan(config, 9), tmp_path)


@pytest.mark.slow
def test_a_checkpoint_from_before_these_keys_is_taken_up(stage, tmp_path, monkeypatch, capsys):
    facts = State.facts
    later = ("amp", "amp_dtype", "accumulate", "ema", "nonfinite_max")

    def earlier(self, learner):
        kept = {name: value for name, value in facts(self, learner).items()
                if name not in ("skipped", "processes", "precision", "ema_updates")}
        return {**kept, "config": {name: value for name, value in kept["config"].items() if name not in later}}

    monkeypatch.setattr(State, "facts", earlier)
    run(stage(joint=0), "--epoch-end", "1")
    monkeypatch.undo()
    run(stage(joint=0), "--epoch-end", "2")
    assert "[RESUME] from iteration 2 of 4" in capsys.readouterr().out


def test_files_say_what_they_are_meant_for(begun, tmp_path):
    learner, phase, _ = begun(refine={"backbone_scale": 0.5, "sample_pixels": 1600})
    state = State(4)
    state.enter(phase)
    state.step = 7
    save_iteration(tmp_path, learner, state)
    with safe_open(tmp_path / "iter_7" / "model.safetensors", "np") as file:
        metadata = file.metadata()
    assert metadata == {"method": "background", "backbone": "mobilenetv2", "backbone_scale": "0.5",
                        "refine_mode": "sampling", "iterations": "7", "refine_sample_pixels": "1600",
                        "refine_threshold": "0.1", "refine_kernel_size": "3", "data": "stream", "version": "1"}
    assert stored_settings(metadata, "file")["backbone_scale"] == 0.5


def test_the_size_of_a_checkpoint_is_told_right(begun, tmp_path):
    learner, phase, batches = begun(ema=0.5)
    train_step(learner, phase, 0, batches)
    state = State(4)
    state.enter(phase)
    save_iteration(tmp_path, learner, state)
    written = sum(file.stat().st_size for file in (tmp_path / "iter_0").iterdir())
    assert checkpoint_size(learner) == pytest.approx(written, rel=0.02)
