"""What stands for the objects that weights files are made of, and how a file that is none is reported."""
import collections
import contextlib
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np

from bgmatting.utils.errors import UserError

DAMAGE = (pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError,
          IndexError, KeyError, AttributeError, OverflowError, MemoryError, RuntimeError, AssertionError, OSError)
WRAPPERS = ("model_state", "model_state_dict", "state_dict", "model", "params", "net", "network")
DEEPEST = 3                          # so many of those may be inside one another
MOST_COPIES, MOST_BESIDE = 3, 1 << 24  # bytes of all arrays together: so many times the file's, and so many more


class Refused(Exception):
    """The pickle names something that is not an array."""


class StandIn:
    """What a pickle may give a state."""

    def take(self, state):
        """Passed over, unless a kind of object says otherwise."""


class Table(StandIn, dict):
    """Stands for a dict or an OrderedDict; entries without a name are dropped, and so is what PyTorch hangs on it."""

    def __init__(self, pairs=()):
        super().__init__()
        self.put(pairs)

    def put(self, pairs):
        for key, value in pairs:
            if isinstance(key, str):
                self[key] = value


class Dtype(StandIn):
    """Stands for a numpy dtype of plain numbers. The real one would let a pickle write its fields and offsets."""

    def __init__(self, code):
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not (isinstance(code, str) and code[:1] in "?biuf" and len(code) <= 3):
            raise Refused(f"an array of {shown(code)}")
        self.plain = np.dtype(code)

    def take(self, state):
        if state[1] in ("<", ">", "="):
            self.plain = self.plain.newbyteorder(state[1])


class Array(StandIn):
    """Stands for a numpy array: made empty, then told its shape, type and bytes."""

    value = None

    def take(self, state):
        _, shape, dtype, fortran, data = state
        self.value = numbers_of(data, dtype.plain).reshape(shape, order="F" if fortran else "C")


StorageType = collections.namedtuple("StorageType", "dtype")
ARRAY_KIND = StorageType("ndarray")  # only ever an argument, never called


def new_array(kind, shape, code):
    if kind is not ARRAY_KIND:
        raise Refused(f"an array of kind {shown(kind)}")
    return Array()


def from_buffer(data, dtype, shape, order):
    """What protocol 5 writes for an array: its bytes, type, shape, and "C" or "F"."""
    if not isinstance(dtype, Dtype) or order not in ("C", "F"):
        raise Refused(f"an array of kind {shown(dtype)}")
    return numbers_of(data, dtype.plain).reshape(shape, order=order)


def scalar(dtype, data):
    return numbers_of(data, dtype.plain)[0]


def latin1(text, encoding):
    if encoding != "latin1":
        raise Refused(f"text encoded as {shown(encoding)}")
    return text.encode("latin1")


def numbers_of(data, dtype, count=-1):
    return np.frombuffer(data, dtype, count) if len(data) else np.zeros(0, dtype)  # older numpy refuses empty buffers


def from_bfloat16(bits):
    """float32 of the bits of bfloat16, which are the upper half of theirs."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def shown(thing):
    """Text as it is, of anything else the type: written out, a small pickle may fill any memory."""
    return repr(thing[:120]) if isinstance(thing, (str, bytes)) else f"a {type(thing).__name__}"


@contextlib.contextmanager
def damage_reported(path):
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
    """What a file says may hold anything, also line ends and escape sequences for the terminal."""
    said = str(error) if str(error) and not isinstance(error, KeyError) else type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in said[:120])


def arrays_only(state, path, convert=lambda array: array):
    """Take a state dict out of what tools wrap around it, and its arrays out of that.

    Args:
        convert: called with each array that is kept.

    Raises:
        UserError: there is no state dict, or no array in it.
        ValueError: its arrays lie on one another, and would take many times the size of the file.
    """
    for _ in range(DEEPEST):
        inner = [state[key] for key in WRAPPERS if isinstance(state, dict) and isinstance(state.get(key), dict)]
        state = inner[0] if inner else state
    if not isinstance(state, dict):
        raise UserError(f"{path} holds no state dict (a table of names and arrays).")
    arrays, left = {}, MOST_COPIES * os.path.getsize(path) + MOST_BESIDE
    for name, value in state.items():
        if isinstance(value, tuple) and len(value) == 2:  # Paddle writes (internal name, array)
            value = value[1]
        value = value.value if isinstance(value, Array) else value
        if isinstance(value, np.ndarray):
            left -= value.nbytes
            if left < 0:
                raise ValueError("its arrays lie on one another")
            arrays[name] = convert(value)
    if not arrays:
        raise UserError(f"{path} holds no arrays.")
    return arrays
