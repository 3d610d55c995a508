"""What a run is taken up with, and what is refused because it would be another run."""
import copy

import pytest
from safetensors import safe_open

from bgmatting.model.weights.metadata import stored_settings
from bgmatting.training.checkpoint import State, checkpoint_size, resume, save_iteration
from bgmatting.training.schedule import plan
from bgmatting.training.step import train_step
from bgmatting.utils.errors import UserError


def changed(config, **keys):
    """A configuration with other values; ``base`` and ``joint``: epochs."""
    config = copy.deepcopy(config)
    for name in {"base", "joint"} & set(keys):
        config["phases"][name]["epochs"] = keys.pop(name)
    return {**config, **keys}


@pytest.mark.parametrize("keys, state, word", [
    ({"learning_rate": 0.5}, State(4), "learning_rate: 0.0001, now 0.5"),
    ({"accumulate": 2}, State(4), "accumulate: 1, now 2"),
    ({"backbone": "mobilenetv3"}, State(4), "backbone: mobilenetv2, now mobilenetv3"),
    ({}, State(9), "training samples: 4, now 9"), ({}, State(4, 2), "processes: 1, now 2"),
    ({}, State(4, data={"training files": "b"}), "training files: a, now b"),
    ({}, State(4, data={"training files": "a", "validation files": "b"}), "validation files: None, now b")])
def test_other_settings_are_refused_when_going_on(saved, tmp_path, keys, state, word):
    learner, checkpoint, phases = saved
    learner.config = changed(learner.config, **keys)
    checkpoint.state["data"] = {"training files": "a"} if state.data else {}
    with pytest.raises(UserError, match=f"{word}.*--force"):
        resume(checkpoint, learner, state, phases, tmp_path)


@pytest.mark.parametrize("base, joint, taken", [(2, 2, False), (0, 3, False), (1, 2, True)])
def test_phases_cannot_be_moved_under_a_run(saved, tmp_path, base, joint, taken):
    learner, checkpoint, _ = saved
    checkpoint.state.update(step=3, phase="joint", phase_start=2)
    learner.config = changed(learner.config, base=base, joint=joint, log_train_loss_interval=9)  # what is shown may change
    state, phases = State(4), plan(learner.config, 4)
    if taken:
        resume(checkpoint, learner, state, phases, tmp_path)
        assert (state.step, state.phase) == (3, "joint")
    else:
        with pytest.raises(UserError, match="epochs of a phase"):
            resume(checkpoint, learner, state, phases, tmp_path)


def test_a_checkpoint_from_before_these_keys_is_taken_up(saved, tmp_path):
    learner, checkpoint, phases = saved
    checkpoint.state["ema_updates"] = 1  # of the whole network
    for name in ("skipped", "processes", "precision", "stale", "refined", "data"):
        del checkpoint.state[name]
    for name in ("amp", "amp_dtype", "accumulate", "nonfinite_max", "epoch_of"):
        del checkpoint.state["config"][name]
    learner.config = changed(learner.config, epoch_of="foregrounds")  # as it was then
    state = State(4, data={"training files": "a"})
    resume(checkpoint, learner, state, phases, tmp_path)
    assert (state.step, state.skipped, state.refined) == (1, 0, False)
    assert learner.ema.updates == {"backbone": 1, "aspp": 1, "decoder": 1}


def test_files_say_what_they_are_meant_for(begun, tmp_path):
    learner, phase, batches = begun(refine={"backbone_scale": 0.5, "sample_pixels": 1600}, ema=0.5)
    train_step(learner, phase, 0, batches)
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
    written = sum(file.stat().st_size for file in (tmp_path / "iter_7").iterdir())
    assert checkpoint_size(learner) == pytest.approx(written, rel=0.02)
