"""Checkpoints whose checksums are right, but which say what cannot be: one line each."""
import hashlib
import json

import numpy as np
import pytest

from bgmatting.training.checkpoint import State, resume
from bgmatting.training.checkpoint_files import _state_sum, load_checkpoint
from bgmatting.training.optimizer import load_optimizer_arrays
from bgmatting.utils.errors import UserError


def refused(tmp_path, learner, saved, phases):
    with pytest.raises(UserError) as raised:
        resume(saved, learner, State(4), phases, tmp_path)
        load_optimizer_arrays(learner.optimizer, learner.network, saved.optimizer)
    said = str(raised.value)
    assert "\n" not in said and len(said) < 500 + len(str(tmp_path))
    return said


def test_what_was_written_is_taken_up(saved, tmp_path):
    learner, checkpoint, phases = saved
    state = State(4)
    resume(checkpoint, learner, state, phases, tmp_path)
    load_optimizer_arrays(learner.optimizer, learner.network, checkpoint.optimizer)
    assert (state.step, state.phase) == (1, "base") and set(learner.ema.updates.values()) == {1}


@pytest.mark.parametrize("name, value", [
    ("step", -1), ("step", 1e300), ("step", "2"), ("step", [[]] * 3), ("step", None), ("phase", "third"), ("phase", []),
    ("phase_start", None), ("samples", {}), ("scores", []), ("scores", {"base": [None, None]}), ("scores", {"base": {}}),
    ("scores", {"base": [{"sad": "x", "mse": 1}, None]}), ("refined", 1), ("skipped", [1]), ("processes", "a"),
    ("data", []), ("data", {"training files": 3}),
    ("precision", {"scale": 0, "good": 1}), ("ema_updates", -3), ("ema_updates", {"aspp": 0.5}), ("config", []),
    ("config", {"ema": 7}), ("config", {"phases": 5}), ("config", {"seed": "x" * 9999})])
def test_a_state_that_cannot_be(saved, tmp_path, name, value):
    learner, checkpoint, phases = saved
    checkpoint.state[name] = value
    said = refused(tmp_path, learner, checkpoint, phases)
    assert f"'{name}' in its state.json" in said or "the checkpoint's configuration" in said


def test_a_fact_that_is_missing(saved, tmp_path):
    learner, checkpoint, phases = saved
    del checkpoint.state["step"]
    assert "'step' in its state.json is missing" in refused(tmp_path, learner, checkpoint, phases)


@pytest.mark.parametrize("part, change", [
    ("model", lambda kept: {name: value for name, value in kept.items() if "aspp" not in name}),
    ("model", lambda kept: {name: value.reshape(-1) for name, value in kept.items()}),
    ("optimizer", lambda kept: {f"x{name}": value for name, value in kept.items()}),
    ("optimizer", lambda kept: {name: value[..., :0] for name, value in kept.items()}),
    ("optimizer", lambda kept: {"no bar": np.ones(3, np.float32)}),
    ("optimizer", lambda kept: {name: value.astype(np.int64) for name, value in kept.items()}),
    ("ema", lambda kept: dict(list(kept.items())[:5])), ("ema", lambda kept: None),
    ("ema", lambda kept: {name: value[:0] for name, value in kept.items()})])
def test_arrays_of_another_network(saved, tmp_path, part, change):
    learner, checkpoint, phases = saved
    forged = checkpoint._replace(**{part: change(getattr(checkpoint, part))})
    assert "not this network's" in refused(tmp_path, learner, forged, phases)


def test_a_checkpoint_without_its_optimizer(saved, tmp_path):
    learner, checkpoint, phases = saved
    assert "has no optimizer.safetensors" in refused(tmp_path, learner, checkpoint._replace(optimizer=None), phases)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"step": NaN}', '{"step": 1e999}', '{"step": ' + "9" * 5000 + "}",
                                  '{"sha256": {"/dev/zero": "a", "state.json": "b"}}', '{"sha256": ["state.json"]}',
                                  " " * (5 << 20)])
def test_a_state_that_is_no_json_of_ours(tmp_path, text):
    (tmp_path / "iter_1").mkdir()
    (tmp_path / "iter_1" / "state.json").write_text(text)
    with pytest.raises(UserError) as raised:
        load_checkpoint(tmp_path / "iter_1")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 500 + len(str(tmp_path))


def test_a_model_that_holds_no_arrays(tmp_path):
    folder = tmp_path / "iter_1"
    folder.mkdir()
    for data in (b"", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"{}x", b"\xff" * 7 + b"\x7f{}"):
        (folder / "model.safetensors").write_bytes(data)
        facts = {"step": 1}
        sums = {"model.safetensors": hashlib.sha256(data).hexdigest(), "state.json": _state_sum(facts)}
        (folder / "state.json").write_text(json.dumps({**facts, "sha256": sums}))
        with pytest.raises(UserError, match="model.safetensors holds no arrays"):
            load_checkpoint(folder)
