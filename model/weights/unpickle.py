"""Reading arrays out of pickles without running what a pickle may ask for.

A pickle is a program: it names callables and has them called. The reader here answers only the handful of names that
describe arrays, with functions of its own, and refuses every other one before it is called. No numpy object is built
from what the pickle says about its insides, and no array is larger than the bytes that the file holds for it.

TorchScript archives are read the same way: their modules become records, whatever class they name, and the program
beside them is not opened.
"""
import collections
import contextlib
import pickle
import struct
import zipfile
import zlib

import numpy as np

from utils.errors import UserError

_DAMAGE = (pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError,
           IndexError, KeyError, AttributeError, OverflowError, MemoryError, RuntimeError, AssertionError)


def read_pdparams(path):
    """Return {name: ndarray} from a file that ``paddle.save`` wrote.

    Raises:
        UserError: the pickle asks for anything but arrays, or is damaged.
    """
    with _damage_reported(path), open(path, "rb") as file:
        return _arrays_only(_ArrayUnpickler(file).load(), path)


# The unpickler in Python keeps its memo in a dict; the one in C lets 20 bytes ask for a table of 64 GB.
class _ArrayUnpickler(pickle._Unpickler):
    """Knows plain containers and numpy arrays.

    Nothing is hashed but text: the hash of nested tuples may overflow the stack, or take for ever. Sets become lists.
    """

    dispatch = {
        **pickle._Unpickler.dispatch,
        pickle.EMPTY_DICT[0]: lambda self: self.append(_Table()),
        pickle.DICT[0]: lambda self: self.append(_Table(_pairs(self.pop_mark()))),
        pickle.EMPTY_SET[0]: pickle._Unpickler.load_empty_list,
        pickle.ADDITEMS[0]: pickle._Unpickler.load_appends,
        pickle.FROZENSET[0]: pickle._Unpickler.load_list,
    }

    def find_class(self, module, name):
        known = {
            ("collections", "OrderedDict"): _Table,
            ("builtins", "tuple"): tuple,
            ("__builtin__", "tuple"): tuple,
            ("_codecs", "encode"): _latin1,
            ("numpy", "ndarray"): _ARRAY_KIND,
            ("numpy", "dtype"): lambda code, *_: _Dtype(code),
            ("numpy.core.multiarray", "_reconstruct"): _new_array,
            ("numpy._core.multiarray", "_reconstruct"): _new_array,
            ("numpy.core.multiarray", "scalar"): _scalar,
            ("numpy._core.multiarray", "scalar"): _scalar,
        }
        try:
            return known[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid):
        raise _Refused(f"a persistent object, {_shown(pid)}")


class _Refused(Exception):
    """The pickle names something that is not an array."""


_StorageType = collections.namedtuple("_StorageType", "dtype")


class _Table(dict):
    """Stands for a dict or an OrderedDict; entries without a name are dropped.

    PyTorch hangs module versions on it, which are of no use here.
    """

    def __init__(self, pairs=()):
        super().__init__()
        for key, value in pairs:
            self[key] = value

    def __setitem__(self, key, value):
        if isinstance(key, str):
            super().__setitem__(key, value)

    def __setstate__(self, state):
        pass


class _Dtype:
    """Stands for a numpy dtype of plain numbers. The real one would let a pickle write its fields and offsets."""

    def __init__(self, code):
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not (isinstance(code, str) and code[:1] in "?biuf" and len(code) <= 3):
            raise _Refused(f"an array of {_shown(code)}")
        self.plain = np.dtype(code)

    def __setstate__(self, state):
        if state[1] in ("<", ">", "="):
            self.plain = self.plain.newbyteorder(state[1])


class _Array:
    """Stands for a numpy array: made empty, then told its shape, type and bytes."""

    value = None

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        self.value = _from_bytes(data, dtype.plain).reshape(shape, order="F" if fortran else "C")


_ARRAY_KIND = _StorageType("ndarray")  # only ever an argument, never called


def _new_array(kind, shape, code):
    if kind is not _ARRAY_KIND:
        raise _Refused(f"an array of kind {_shown(kind)}")
    return _Array()


def _scalar(dtype, data):
    return _from_bytes(data, dtype.plain)[0]


def _latin1(text, encoding):
    if encoding != "latin1":
        raise _Refused(f"text encoded as {_shown(encoding)}")
    return text.encode("latin1")


def _shown(thing):
    """Text as it is, of anything else the type: written out, a small pickle may fill any memory."""
    return repr(thing) if isinstance(thing, (str, bytes)) else f"a {type(thing).__name__}"


def _pairs(items):
    return zip(items[::2], items[1::2])


def _from_bytes(data, dtype, count=-1):
    return np.frombuffer(data, dtype, count) if len(data) else np.zeros(0, dtype)  # older numpy refuses empty buffers


@contextlib.contextmanager
def _damage_reported(path):
    try:
        yield
    except UserError:
        raise
    except _Refused as error:
        raise UserError(f"refused to load {path}: it asks for {_one_line(error)}, and weights are arrays, "
                        "not programs. Do not trust this file.") from None
    except _DAMAGE as error:
        raise UserError(f"{path} cannot be read as weights: {_one_line(error)}. Fetch it again.") from None


def _one_line(error):
    """What a file says may hold anything, also line ends and escape sequences for the terminal."""
    said = str(error) if str(error) and not isinstance(error, KeyError) else type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in said[:120])


def _arrays_only(state, path):
    """Flatten what tools wrap around a state dict, and keep its arrays."""
    for wrapper in ("state_dict", "model_state", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict):
        raise UserError(f"{path} holds no state dict (a table of names and arrays).")
    arrays = {}
    for name, value in state.items():
        if isinstance(value, tuple) and len(value) == 2:  # Paddle writes (internal name, array)
            value = value[1]
        value = value.value if isinstance(value, _Array) else value
        if isinstance(value, np.ndarray):
            arrays[name] = value
    if not arrays:
        raise UserError(f"{path} holds no arrays.")
    return arrays
