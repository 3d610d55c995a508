"""What a run is taken up with, and what is refused because it would be another run."""
import pytest

from tests.training.runs import changed, fails, learner_of, run
from training.checkpoint import Checkpoint, checkpoints, load_checkpoint
from training.config import load_config
from training.schedule import plan
from training.state import State, resume
from utils.errors import UserError


def test_a_longer_stage_goes_on_from_the_shorter_one(stage, tmp_path, capsys):
    run(stage(joint=0))
    run(stage(joint=0), "--epoch_end", "2")
    assert "[RESUME] from iteration 2 of 4" in capsys.readouterr().out
    run(stage("other", joint=0), "--epoch-end", "2")
    whole, parts = (load_checkpoint(tmp_path / folder / "iter_4")[0] for folder in ("other", "run"))
    assert changed(whole, parts) == {part: set() for part in ("backbone", "aspp", "decoder", "refiner")}


@pytest.mark.parametrize("flags, word", [
    (["--learning-rate", "0.5"], "learning_rate: 0.0001, now 0.5"),
    (["--batch_size", "1"], "phases.base.batch_size: 2, now 1"),
    (["--backbone", "mobilenetv3"], "backbone: mobilenetv2, now mobilenetv3"),
])
def test_other_settings_are_refused_when_going_on(stage, tmp_path, capsys, flags, word):
    run(stage(joint=0), "--epoch-end", "1")
    said = fails(capsys, stage(joint=0), "--epoch-end", "2", *flags)
    assert word in said and "--force" in said


def test_phases_cannot_be_moved_under_a_run(stage, tmp_path, capsys):
    run(stage(base=1, joint=1))
    assert "epochs of a phase" in fails(capsys, stage(base=2, joint=2))
    assert "epochs of a phase" in fails(capsys, stage(base=0, joint=3))
    run(stage(base=1, joint=2, log_train_loss_interval=2))  # what comes after may change, and what is only shown
    assert len(checkpoints(tmp_path / "run")) == 6


def test_a_set_of_another_size_is_another_run(stage, tmp_path):
    config = load_config(stage(joint=0))
    facts = {"config": config, "samples": 8, "step": 1, "phase": "base", "phase_start": 0, "scores": {}}
    with pytest.raises(UserError, match="training samples: 8, now 9"):
        resume(Checkpoint({}, None, facts, None), learner_of(config), State(9), plan(config, 9), tmp_path)


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
