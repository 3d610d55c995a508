"""The state dict in what a weights file holds, and how a file that has none is reported."""
from __future__ import annotations

import contextlib
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bgmatting.model.weights.unpickle import Array, Refused, shown
from bgmatting.utils.errors import UserError

DAMAGE = (pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError,
          IndexError, KeyError, AttributeError, OverflowError, MemoryError, RuntimeError, AssertionError, OSError)
# What trainers put a state dict under; of two that hold as many arrays the first counts: averaged weights are better.
WRAPPERS = ("params_ema", "state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "ema", "shadow",
            "model_state", "model_state_dict", "state_dict", "model", "params", "net", "network", "module", "weights")
BESIDE = ("optim", "opt", "sched", "lr_", "scaler", "amp", "rng", "config", "args", "hyper", "callback", "loop", "loss",
          "metric", "disc", "net_d", "netd")  # how the names of what else trainers keep begin
DEEPEST = 32                         # so many of those may be inside one another
MOST_COPIES, MOST_BESIDE = 3, 1 << 24  # bytes of all arrays together: so many times the file's, and so many more


@contextlib.contextmanager
def damage_reported(path: str | os.PathLike) -> Iterator[None]:
    """Turn what a damaged file raises into a UserError of one line."""
    try:
        yield
    except UserError:
        raise
    except Refused as error:
        raise UserError(f"refused to load {path}: it asks for {_one_line(error)}, and weights are arrays, "
                        "not programs. Do not trust this file.") from None
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read as weights: {_one_line(error)}. Fetch it again.") from None


def _one_line(error):
    """One safe line of a file's text, which may hold anything, also line ends and escape sequences for the terminal."""
    said = str(error) if str(error) and not isinstance(error, KeyError) else type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in said[:120])


def arrays_only(state: Any, path: str | os.PathLike,
                convert: Callable[[np.ndarray], np.ndarray] = lambda array: array) -> dict[str, np.ndarray]:
    """The arrays of a state dict, which tools have wrapped in something; ``convert`` is called with each.

    Raises UserError: there is no state dict, or no array in it. ValueError: its arrays lie on one another, and would take
    many times the size of the file.
    """
    state = _state_dict(state, path)
    arrays, left = {}, MOST_COPIES * os.path.getsize(path) + MOST_BESIDE
    for name, value in state.items():
        value = _array(value)
        if value is not None:
            left -= value.nbytes
            if left < 0:
                raise ValueError("its arrays lie on one another")
            arrays[name] = convert(value)
    if not arrays:
        raise UserError(f"{path} holds no arrays.")
    return arrays


def _state_dict(state, path):
    """The table of arrays in what a file holds, however trainers have wrapped it."""
    for _ in range(DEEPEST):
        state = _alone(state)
        if not isinstance(state, dict):
            break
        inner = {key: _alone(value) for key, value in state.items() if _count(_alone(value))}
        known = [inner[key] for key in WRAPPERS if key in inner]
        if known:
            state = max(known, key=_count)
            continue
        others = {key: value for key, value in inner.items() if not key.lower().startswith(BESIDE)}
        own = sum(_array(value) is not None for value in state.values())
        if own and own >= max(map(_count, others.values()), default=0):
            return state
        if len(others) > 1:
            raise UserError(f"{path} holds several tables of arrays ({shown(', '.join(others))}), and it does not say which "
                            "is the network. Save that one alone.")
        if not others:
            raise UserError(f"{path} holds no arrays.")
        state = next(iter(others.values()))
    raise UserError(f"{path} holds no state dict (a table of names and arrays).")


def _alone(value):
    """The one thing in a list of one."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _array(value):
    """The numpy array that an entry of a state dict is, or None."""
    if isinstance(value, tuple) and len(value) == 2:  # Paddle writes (internal name, array)
        value = value[1]
    value = value.value if isinstance(value, Array) else value
    return value if isinstance(value, np.ndarray) else None


def _count(state):
    """How many arrays there are in a table and the tables inside it; each table counts once."""
    seen, waiting, count = set(), [state], 0
    while waiting:
        table = waiting.pop()
        if isinstance(table, dict) and id(table) not in seen:
            seen.add(id(table))
            count += sum(_array(value) is not None for value in table.values())
            waiting += map(_alone, table.values())
    return count
