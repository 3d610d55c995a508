"""Stand-ins for the objects that weights files are made of, and how a file that is none is reported."""
from __future__ import annotations

import collections
import contextlib
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

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


class Refused(Exception):
    """The pickle names something that is not an array."""


class StandIn:
    """An object that a pickle may give a state."""

    def take(self, state: Any) -> None:
        """Passed over, unless a kind of object says otherwise."""


class Table(StandIn, dict):
    """Stands for a dict or an OrderedDict; entries without a name are dropped, and so is what PyTorch hangs on it."""

    def __init__(self, pairs: Iterable = ()):
        super().__init__()
        self.put(pairs)

    def put(self, pairs: Iterable) -> None:
        for key, value in pairs:
            if isinstance(key, str):
                self[key] = value


class Dtype(StandIn):
    """Stands for a numpy dtype of plain numbers. The real one would let a pickle write its fields and offsets."""

    def __init__(self, code: Any):
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not (isinstance(code, str) and code[:1] in "?biuf" and len(code) <= 3):
            raise Refused(f"an array of {shown(code)}")
        self.plain = np.dtype(code)

    def take(self, state: Any) -> None:
        if state[1] in ("<", ">", "="):
            self.plain = self.plain.newbyteorder(state[1])


class Array(StandIn):
    """Stands for a numpy array: made empty, then told its shape, type and bytes."""

    value = None

    def take(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.value = numbers_of(data, dtype.plain).reshape(shape, order="F" if fortran else "C")


StorageType = collections.namedtuple("StorageType", "dtype")
ARRAY_KIND = StorageType("ndarray")  # only ever an argument, never called


def new_array(kind: Any, shape: Any, code: Any) -> Array:
    if kind is not ARRAY_KIND:
        raise Refused(f"an array of kind {shown(kind)}")
    return Array()


def from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """An array as protocol 5 writes it: its bytes, type, shape, and "C" or "F"."""
    if not isinstance(dtype, Dtype) or order not in ("C", "F"):
        raise Refused(f"an array of kind {shown(dtype)}")
    return numbers_of(data, dtype.plain).reshape(shape, order=order)


def scalar(dtype: Any, data: Any) -> np.generic:
    return numbers_of(data, dtype.plain)[0]


def latin1(text: Any, encoding: Any) -> bytes:
    if encoding != "latin1":
        raise Refused(f"text encoded as {shown(encoding)}")
    return text.encode("latin1")


def numbers_of(data: Any, dtype: Any, count: int = -1) -> np.ndarray:
    return np.frombuffer(data, dtype, count) if len(data) else np.zeros(0, dtype)  # older numpy refuses empty buffers


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """float32 of the bits of bfloat16, which are the upper half of theirs."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def shown(thing: object) -> str:
    """Text as it is, of anything else the type: written out, a small pickle may fill any memory."""
    return repr(thing[:120]) if isinstance(thing, (str, bytes)) else f"a {type(thing).__name__}"


@contextlib.contextmanager
def damage_reported(path: str | os.PathLike) -> Iterator[None]:
    """Turn what a damaged file raises into one line.

    Raises:
        UserError
    """
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
    """Take a state dict out of what tools wrap around it, and its arrays out of that.

    Args:
        convert: called with each array that is kept.

    Raises:
        UserError: there is no state dict, or no array in it.
        ValueError: its arrays lie on one another, and would take many times the size of the file.
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
