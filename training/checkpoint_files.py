"""Checkpoints: folders ``iter_N`` and ``best_model`` that appear whole or not at all.

    iter_N/model.safetensors       network: parameters and buffers
    iter_N/optimizer.safetensors   Adam's moments, named after the network's parameters
    iter_N/ema.safetensors         where weights are averaged: the network with the average for its weights
    iter_N/state.json              step, phase, scores, settings, checksums of the files beside it and of its own facts

Random numbers need no file: every stream is derived from the seed and the step.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors.numpy import load as load_bytes
from safetensors.numpy import save as to_bytes

from bgmatting.utils.errors import UserError
from bgmatting.utils.files import WholeFolder, remove_leftovers_in
from bgmatting.utils.locks import try_lock
from bgmatting.utils.yaml_json import read_json, shown

MODEL, OPTIMIZER, EMA, STATE = "model.safetensors", "optimizer.safetensors", "ema.safetensors", "state.json"
LOG = "train.log"
RESULTS = "results.json"  # beside the checkpoints: the run is finished, with these scores
OWN = re.compile(r"iter_\d+|best_model|results\.json|curves\.png|\.probe\.\d+")  # what a run or its curves are written as

# model, optimizer, ema: {name: ndarray}, the last two None where they were not saved; state: dict
Checkpoint = namedtuple("Checkpoint", "model optimizer state ema")


def save_checkpoint(folder: Path, model: dict, optimizer: dict | None, state: dict, metadata: dict[str, str],
                    ema: dict | None = None) -> None:
    """Write a checkpoint folder of {name: ndarray} (optimizer None: weights alone; ema None: there is none), JSON-able
    ``state``, and ``metadata`` for the header of the weights; what stood under this name is replaced when the new one is
    complete. Raises OSError: the disk is full or not writable; the previous checkpoint is untouched."""
    files = {MODEL: to_bytes(model, metadata=metadata)}
    if optimizer is not None:
        files[OPTIMIZER] = to_bytes(optimizer)
    if ema is not None:
        files[EMA] = to_bytes(ema, metadata=metadata)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    sums[STATE] = _state_sum(state)
    files[STATE] = json.dumps({**state, "sha256": sums}, indent=1).encode()
    with WholeFolder(folder, replace=True, alone=True) as part:
        for name, data in files.items():
            _write_synced(part / name, data)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder. Raises UserError: a file is missing or not what was written."""
    folder = Path(folder)
    try:
        state = _read_state(folder)
        sums = state.pop("sha256")
        broken = [STATE] if sums.pop(STATE) != _state_sum(state) else []
        strange = [name for name in sums if name not in (MODEL, OPTIMIZER, EMA)]
        if strange:
            raise UserError(f"{folder} is no checkpoint of this program: {STATE} names a file {shown(strange[0])}.")
        data = {name: (folder / name).read_bytes() for name in sums}
        broken += [name for name in data if hashlib.sha256(data[name]).hexdigest() != sums[name]]
    except UserError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = getattr(error, "strerror", None) or shown(error)
        raise UserError(f"{folder} is not a whole checkpoint: {why}.") from None
    if broken or MODEL not in data:
        raise UserError(f"{folder} is damaged: {broken[0] if broken else MODEL} is not what was written.")
    model, optimizer, ema = (_arrays(data, name, folder) for name in (MODEL, OPTIMIZER, EMA))
    return Checkpoint(model, optimizer, state, ema)


def _read_state(folder):
    try:
        return read_json(folder / STATE)
    except UserError as error:
        raise UserError(f"{folder} is not a whole checkpoint: {error}") from None


def _arrays(data, name, folder):
    if name not in data:
        return None
    try:
        return load_bytes(data[name])
    except Exception as error:  # safetensors raises several kinds, none of them public
        raise UserError(f"{folder} cannot be used: {name} holds no arrays ({shown(error)}).") from None


def latest_checkpoint(save_dir: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """The newest whole ``iter_N`` in ``save_dir`` as ``load_checkpoint`` returns it, or None where there are none. Raises
    UserError: there are some, but not one of them is whole.

    Damaged ones above it are renamed to ``iter_N.damaged``, so that they do not count among the newest to keep, and
    ``warn`` is called with a line for each.
    """
    folders, damaged = checkpoints(save_dir), []
    for folder in reversed(folders):
        try:
            whole = load_checkpoint(folder)
        except UserError as error:
            damaged.append((folder, error))
            continue
        for broken, error in damaged:
            warn(f"{error} It is set aside as {_set_aside(broken).name}; going on from {folder.name}.")
        return whole
    if damaged:
        raise UserError(f"{damaged[0][1]} No other checkpoint there is whole; put a copy back, or start over with "
                        "--force.")
    return None


def checkpoints(save_dir: Path) -> list[Path]:
    """The ``iter_N`` folders in ``save_dir``, oldest first."""
    numbered = [(int(match.group(1)), path) for path in Path(save_dir).glob("iter_*")
                for match in [re.fullmatch(r"iter_(\d+)", path.name)] if match]
    return [path for _, path in sorted(numbered)]


def unmark(save_dir: Path) -> None:
    """Take the mark of a finished run away: the run goes on, perhaps further than the one that was finished."""
    (Path(save_dir) / RESULTS).unlink(missing_ok=True)


def clear(save_dir: Path) -> None:
    """Delete all checkpoints in ``save_dir`` and the mark of a finished run, and nothing else that may lie there."""
    recover(save_dir)
    unmark(save_dir)
    for pattern in ("iter_*", "best_model"):
        for folder in Path(save_dir).glob(pattern):
            if (folder / STATE).exists() or (folder / MODEL).exists():
                shutil.rmtree(folder)


@contextmanager
def locked(save_dir: Path) -> Iterator[None]:
    """Context in which no other process trains in ``save_dir``, as far as its file system knows locks: one on train.log,
    which ends with this process. Raises UserError: another process trains there."""
    with open(Path(save_dir) / LOG, "ab") as file:
        if not try_lock(file):
            raise UserError(f"another training is at work in {save_dir}. Wait for its end, or name another folder with "
                            "--save-dir.")
        yield


def recover(save_dir: Path) -> None:
    """Clear up after a run that was cut off: undo or finish a half-done swap, drop half-written folders and files."""
    remove_leftovers_in(save_dir, OWN.fullmatch, alone=True)


def _set_aside(folder):
    aside = folder.with_name(f"{folder.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    return folder.rename(aside)


def _state_sum(state):
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _write_synced(path, data):
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
