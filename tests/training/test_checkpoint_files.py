"""Checkpoints appear whole or not at all, and damage is noticed."""
import errno
import os
from io import FileIO

import numpy as np
import pytest

from bgmatting.training import checkpoint_files
from bgmatting.training.checkpoint import keep_newest
from bgmatting.training.checkpoint_files import (
    checkpoints,
    clear,
    latest_checkpoint,
    load_checkpoint,
    recover,
    save_checkpoint,
)
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import hidden_name
from tests.training.runs import names


def save(folder, value, optimizer=True):
    model = {"a.weight": np.full((3, 2), value, np.float32), "b": np.arange(4, dtype=np.int64)}
    moments = {"a.weight|moment1_0": np.full(5, value / 3, np.float32)} if optimizer else None
    save_checkpoint(folder, model, moments, {"step": value, "rate": 0.1 + 0.2, "none": None}, {"backbone": "x"})


def value_of(folder):
    return int(load_checkpoint(folder)[0]["a.weight"][0, 0])


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def test_round_trip(tmp_path):
    save(tmp_path / "iter_7", 7)
    model, moments, state, ema = load_checkpoint(tmp_path / "iter_7")
    assert ema is None and model["a.weight"].tolist() == [[7, 7]] * 3 and model["b"].dtype == np.int64
    np.testing.assert_array_equal(moments["a.weight|moment1_0"], np.full(5, 7 / 3, np.float32))
    assert state == {"step": 7, "rate": 0.1 + 0.2, "none": None}
    assert names(tmp_path) == ["iter_7"]


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_full_disk_leaves_the_previous_one_whole(tmp_path, monkeypatch, fails_at):
    save(tmp_path / "best_model", 1)
    write, count = checkpoint_files._write_synced, []

    def full(path, data):
        count.append(path)
        if len(count) == fails_at:
            path.write_bytes(data[:10])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr(checkpoint_files, "_write_synced", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path / "best_model", 2)
    assert value_of(tmp_path / "best_model") == 1 and names(tmp_path) == ["best_model"]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_names_the_checkpoint(tmp_path, monkeypatch, call):
    class Full(FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    if call == "write":
        monkeypatch.setattr(checkpoint_files, "open", Full, raising=False)
    else:
        monkeypatch.setattr(os, "fsync", lambda number: Full.write(number, b""))
    with pytest.raises(OSError) as raised:
        save(tmp_path / "iter_1", 1)
    assert raised.value.errno == errno.ENOSPC and raised.value.filename == str(tmp_path / "iter_1")
    assert names(tmp_path) == []


@pytest.mark.parametrize("old, new, expected", [
    ("best_model", ".best_model.tmp", 1),       # cut off before the old one was moved away
    (".best_model.old", ".best_model.tmp", 1),  # ... before the new one was moved in
    (".best_model.old", "best_model", 2),       # ... before the old one was deleted
])
def test_recovery_after_a_cut_in_the_middle_of_a_swap(tmp_path, old, new, expected):
    save(tmp_path / old, 1)
    save(tmp_path / new, 2)
    recover(tmp_path)
    assert value_of(tmp_path / "best_model") == expected and names(tmp_path) == ["best_model"]


def test_recover_leaves_everything_else_alone(tmp_path):
    save(tmp_path / "iter_1", 1)
    (tmp_path / "train.log").write_text("x")
    (tmp_path / ".hidden").mkdir()
    recover(tmp_path)
    recover(tmp_path / "not there")
    assert names(tmp_path) == [".hidden", "iter_1", "train.log"]


@pytest.mark.parametrize("clean", [recover, clear])
def test_recover_takes_half_written_files_away_once_nobody_writes_them(tmp_path, clean):
    own = [hidden_name(tmp_path / name, 77).name for name in ("results.json", "curves.png", ".probe.77")]
    theirs = [hidden_name(tmp_path / "thesis.tex", 77).name, ".thesis.tmp"]
    for name in [*own, *theirs]:
        (tmp_path / name).write_bytes(b"half")
    save(tmp_path / "best_model", 1)
    recover(tmp_path)  # somebody may be writing them
    assert names(tmp_path) == sorted([*own, *theirs, "best_model"])
    for name in [*own, *theirs]:
        os.utime(tmp_path / name, (1, 1))
    clean(tmp_path)
    assert names(tmp_path) == sorted([*theirs, *(["best_model"] if clean is recover else [])])


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("position", [0, 60, -1])
def test_every_flipped_byte_is_noticed(tmp_path, name, position):
    save(tmp_path / "iter_1", 1)
    flip(tmp_path / "iter_1" / name, position)
    with pytest.raises(UserError, match=name):
        load_checkpoint(tmp_path / "iter_1")


def test_a_changed_fact_is_noticed(tmp_path):
    save(tmp_path / "iter_1", 1)
    state = tmp_path / "iter_1" / "state.json"
    state.write_text(state.read_text().replace('"step": 1', '"step": 3'))
    with pytest.raises(UserError, match="state.json"):
        load_checkpoint(tmp_path / "iter_1")


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"sha256": 5}'])
def test_a_state_that_is_none(tmp_path, text):
    save(tmp_path / "iter_1", 1)
    (tmp_path / "iter_1" / "state.json").write_text(text)
    with pytest.raises(UserError, match="iter_1 is not a whole checkpoint"):
        load_checkpoint(tmp_path / "iter_1")


def test_the_newest_whole_one_is_used_and_damaged_ones_are_named_and_set_aside(tmp_path):
    for step in (2, 9, 10, 30):
        save(tmp_path / f"iter_{step}", step)
    flip(tmp_path / "iter_30" / "model.safetensors", -1)
    (tmp_path / "iter_10" / "optimizer.safetensors").unlink()
    said = []
    assert latest_checkpoint(tmp_path, said.append)[2]["step"] == 9
    assert len(said) == 2 and "iter_30" in said[0] and "model.safetensors" in said[0]
    assert "iter_10" in said[1] and "going on from iter_9" in said[1]
    assert names(tmp_path) == ["iter_10.damaged", "iter_2", "iter_30.damaged", "iter_9"]
    # A damaged iter_30 must not count as the one to keep when iter_12 is written next.
    save(tmp_path / "iter_12", 12)
    keep_newest(tmp_path, 1)
    assert [path.name for path in checkpoints(tmp_path)] == ["iter_12"]


def test_when_none_is_whole_the_run_does_not_silently_start_over(tmp_path):
    save(tmp_path / "iter_1", 1)
    (tmp_path / "iter_1" / "model.safetensors").unlink()
    for _ in range(2):
        with pytest.raises(UserError, match="--force"):
            latest_checkpoint(tmp_path, pytest.fail)
    assert names(tmp_path) == ["iter_1"]


def test_clear_deletes_checkpoints_only(tmp_path):
    for name in ("iter_1", "best_model", "iter_3.damaged"):
        save(tmp_path / name, 1)
    (tmp_path / "iter_notes").mkdir()
    (tmp_path / "thesis.tex").write_text("x")
    clear(tmp_path)
    assert names(tmp_path) == ["iter_notes", "thesis.tex"]
