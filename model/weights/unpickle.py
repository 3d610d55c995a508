"""Reading arrays out of pickles without running what a pickle may ask for.

A pickle is a program: it names callables and has them called. The reader here answers only the handful of names that
describe arrays, with functions of its own, and refuses every other one before it is called. No numpy object is built
from what the pickle says about its insides, and no array is larger than the bytes that the file holds for it.

TorchScript archives are read the same way: their modules become records, whatever class they name, and the program
beside them is not opened.
"""
import collections
import contextlib
import io
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np

from utils.errors import UserError

_TORCH_TYPES = {
    "DoubleStorage": np.float64, "FloatStorage": np.float32, "HalfStorage": np.float16, "LongStorage": np.int64,
    "IntStorage": np.int32, "ShortStorage": np.int16, "CharStorage": np.int8, "ByteStorage": np.uint8,
    "BoolStorage": np.bool_, "BFloat16Storage": "bfloat16",
}
_SCRIPT_VALUES = {  # what modules hold beside tensors; none of it is an array
    ("builtins", "complex"), ("torch", "device"), ("torch.jit._pickle", "restore_type_tag"),
    *(("torch.jit._pickle", f"build_{kind}list") for kind in ("int", "double", "bool", "tensor")),
}
_LONGEST_NAME, _MOST_ATTRIBUTES = 1000, 100_000  # of modules; ResNet-101 with its refiner has about 2000
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # first object of PyTorch's files before the zip layout
_DAMAGE = (pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError,
           IndexError, KeyError, AttributeError, OverflowError, MemoryError, RuntimeError, AssertionError)


def read_pdparams(path):
    """Return {name: ndarray} from a file that ``paddle.save`` wrote.

    Raises:
        UserError: the pickle asks for anything but arrays, or is damaged.
    """
    with _damage_reported(path), open(path, "rb") as file:
        return _arrays_only(_ArrayUnpickler(file).load(), path)


def read_torch(path):
    """Return {name: ndarray} from a PyTorch state dict, zip layout or older, or from a TorchScript archive.

    Raises:
        UserError: as ``read_pdparams``, or a TorchScript archive without parameters.
    """
    with _damage_reported(path):
        if zipfile.is_zipfile(path):
            return _arrays_only(_read_torch_zip(path), path)
        return _arrays_only(_read_torch_legacy(path), path)


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


class _TorchUnpickler(_ArrayUnpickler):
    """Also knows PyTorch's tensors: ``rebuild(storage(key, dtype, count), offset, shape, strides, ...)``."""

    def __init__(self, file, storage, rebuild):
        super().__init__(file)
        self._storage = storage
        self._rebuild = rebuild

    def find_class(self, module, name):
        if module == "torch" and name in _TORCH_TYPES:
            return _StorageType(_TORCH_TYPES[name])
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        return super().find_class(module, name)

    def persistent_load(self, pid):
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], _StorageType)):
            raise _Refused(f"a persistent object, {_shown(pid)}")
        return self._storage(_text(pid[2]), pid[1].dtype, int(pid[4]))


class _ScriptUnpickler(_TorchUnpickler):
    """Also knows TorchScript's modules, whatever their class is called, and their other attributes."""

    def load_reduce(self):
        if not isinstance(self.stack[-1], tuple):  # the value of an enumeration stands there alone
            self.stack[-1] = self.stack[-1],
        super().load_reduce()

    dispatch = {**_TorchUnpickler.dispatch, pickle.REDUCE[0]: load_reduce}

    def find_class(self, module, name):
        if module.split(".")[0] == "__torch__":
            return _Module
        if (module, name) in _SCRIPT_VALUES:
            return lambda value, *_: value
        return super().find_class(module, name)


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


class _Module:
    """Stands for an object of a class of a TorchScript program, of which it keeps the attributes and nothing else."""

    attributes = _Table()

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        if isinstance(state, _Table):  # packed parameters and the like come as tuples
            self.attributes = state


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


def _text(key):
    if not isinstance(key, str):
        raise ValueError("a storage has no name")
    return key


def _pairs(items):
    return zip(items[::2], items[1::2])


def _tensor(storage, offset, shape, strides, *_):
    """A tensor is a window on a storage; the window must lie inside it and repeat none of it."""
    if storage.ndim != 1 or not storage.flags.c_contiguous:
        raise ValueError("a tensor lies on a tensor, not on a storage")
    shape, strides = tuple(map(int, shape)), tuple(map(int, strides))
    if len(shape) != len(strides) or min((offset, *shape, *strides)) < 0:
        raise ValueError("a tensor has an impossible shape")
    if 0 in shape:
        return np.zeros(shape, storage.dtype)
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    if last >= storage.size:
        raise ValueError("a tensor reaches outside its storage")
    if int(np.prod(shape, dtype=object)) > storage.size:
        raise ValueError("a tensor is larger than its storage")
    return np.lib.stride_tricks.as_strided(
        storage[offset:], shape, [stride * storage.itemsize for stride in strides], writeable=False)


def _read_torch_zip(path):
    with zipfile.ZipFile(path) as archive:
        program = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(program) != 1:
            raise UserError(f"{path} is a zip file, but not a PyTorch state dict (no data.pkl inside).")
        root = program[0][:-len("data.pkl")]
        if f"{root}byteorder" in archive.namelist() and _stored_bytes(archive, f"{root}byteorder") == b"big":
            raise ValueError("its numbers are big-endian")
        known = {}

        def storage(key, dtype, count):
            if (key, dtype) not in known:
                known[key, dtype] = _numbers(_stored_bytes(archive, f"{root}data/{key}"), dtype, count)
            return known[key, dtype]

        script = any(name.startswith(f"{root}code/") for name in archive.namelist())
        unpickler = _ScriptUnpickler if script else _TorchUnpickler
        state = unpickler(io.BytesIO(_stored_bytes(archive, program[0])), storage, _tensor).load()
        return _module_arrays(state, path) if script else state


def _module_arrays(root, path):
    """Name the tensors of TorchScript modules as their state dict does.

    A module may be a member of several, and a file that means harm makes it a member of itself: the walk has limits.
    """
    if not isinstance(root, _Module):
        raise ValueError("it is a TorchScript program without a module")
    arrays, seen, waiting = {}, 0, [("", root)]
    while waiting:
        prefix, module = waiting.pop()
        for name, value in module.attributes.items():
            name, seen = prefix + name, seen + 1
            if seen > _MOST_ATTRIBUTES or len(name) > _LONGEST_NAME:
                raise ValueError("its modules nest without end")
            if isinstance(value, np.ndarray):
                arrays[name] = value
            elif isinstance(value, _Module):
                waiting.append((f"{name}.", value))
    if not arrays:
        raise UserError(f"{path} is a TorchScript program without parameters; torch.jit.freeze makes constants of them. "
                        "Use the file from before it was frozen, or the state dict of the same network.")
    wrapper = "model."  # the authors' export puts the network inside another module
    if all(name.startswith(wrapper) for name in arrays):
        arrays = {name[len(wrapper):]: value for name, value in arrays.items()}
    return arrays


def _stored_bytes(archive, name):
    """PyTorch never compresses; a compressed entry could grow to any size."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"its part {name} is compressed")
    return archive.read(name)


def _read_torch_legacy(path):
    """The numbers follow the pickle that describes them, so that it is read twice: for their sizes, then for good."""
    sizes, known = {}, {}

    def note(key, dtype, count):
        sizes[key] = dtype, count

    with open(path, "rb") as file:
        try:
            magic = _ArrayUnpickler(file).load()
        except _DAMAGE:
            magic = None
        if magic != _LEGACY_MAGIC:
            raise UserError(f"{path} is not a PyTorch file. Fetch it again, or give it the ending of its format.")
        _ArrayUnpickler(file).load()  # protocol version
        _ArrayUnpickler(file).load()  # sizes of C types on the machine that wrote it
        start = file.tell()
        _TorchUnpickler(file, note, lambda *_: None).load()
        for key in map(_text, _ArrayUnpickler(file).load()):
            dtype, count = sizes[key]
            length = count * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)
            if int.from_bytes(file.read(8), "little") != count or length > os.path.getsize(path) - file.tell():
                raise ValueError("it ends before its last tensor")
            known[key] = _numbers(file.read(length), dtype, count)
        file.seek(start)
        return _TorchUnpickler(file, lambda key, dtype, count: known[key], _tensor).load()


def _numbers(data, dtype, count):
    if count < 0:
        raise ValueError("a tensor has a negative size")
    if dtype == "bfloat16":
        return (_from_bytes(data, np.uint16, count).astype(np.uint32) << 16).view(np.float32)
    return _from_bytes(data, dtype, count)


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
    for wrapper in ("state_dict", "model"):
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
