"""Reading arrays out of pickles without running what a pickle may ask for.

A pickle is a program: it names callables and has them called. The reader here answers only the handful of names that
describe arrays, with functions of its own, and refuses every other one before it is called.
"""
import collections
import io
import pickle
import zipfile

import numpy as np

from utils.errors import UserError

_TORCH_TYPES = {
    "DoubleStorage": np.float64, "FloatStorage": np.float32, "HalfStorage": np.float16, "LongStorage": np.int64,
    "IntStorage": np.int32, "ShortStorage": np.int16, "CharStorage": np.int8, "ByteStorage": np.uint8,
    "BoolStorage": np.bool_, "BFloat16Storage": "bfloat16",
}
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # first object of PyTorch's files before the zip layout


def read_pdparams(path):
    """Return {name: ndarray} from a file that ``paddle.save`` wrote.

    Raises:
        UserError: the pickle asks for anything but arrays, or is damaged.
    """
    with open(path, "rb") as file:
        return _arrays_only(_read_all(_ArrayUnpickler(file), path), path)


def read_torch(path):
    """Return {name: ndarray} from a PyTorch state dict, zip layout or the one before it. Raises as ``read_pdparams``."""
    if zipfile.is_zipfile(path):
        return _arrays_only(_read_torch_zip(path), path)
    return _arrays_only(_read_torch_legacy(path), path)


class _ArrayUnpickler(pickle.Unpickler):
    """Knows plain containers and numpy arrays."""

    allowed = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("builtins", "tuple"): tuple,
        ("__builtin__", "tuple"): tuple,
        ("_codecs", "encode"): lambda text, encoding: _latin1(text, encoding),
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): lambda *args: _new_array(*args),
        ("numpy._core.multiarray", "_reconstruct"): lambda *args: _new_array(*args),
    }

    def find_class(self, module, name):
        try:
            return self.allowed[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid):
        raise _Refused(f"persistent object {pid!r}")


class _TorchUnpickler(_ArrayUnpickler):
    """Also knows PyTorch's tensors, as descriptions of a storage that is read as bytes."""

    def __init__(self, file, storage):
        super().__init__(file)
        self._storage = storage

    def find_class(self, module, name):
        if module == "torch" and name in _TORCH_TYPES:
            return _StorageType(_TORCH_TYPES[name])
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        return super().find_class(module, name)

    def persistent_load(self, pid):
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], _StorageType)):
            raise _Refused(f"persistent object {pid!r}")
        return self._storage(str(pid[2]), pid[1].dtype, int(pid[4]))


class _Refused(Exception):
    """The pickle names something that is not an array."""


class _StorageType:
    def __init__(self, dtype):
        self.dtype = dtype


def _latin1(text, encoding):
    if encoding != "latin1":
        raise _Refused(f"text encoded as {encoding!r}")
    return text.encode("latin1")


def _new_array(kind, shape, code):
    if kind is not np.ndarray:
        raise _Refused(f"an array of kind {kind!r}")
    return np.ndarray((0,), np.int8)  # numpy's own recipe: an empty array whose state follows


def _tensor(storage, offset, shape, strides, *_):
    """A tensor is a window on a storage; the window must lie inside it."""
    shape, strides = tuple(map(int, shape)), tuple(map(int, strides))
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    if offset < 0 or min(shape + strides, default=0) < 0 or (0 not in shape and last >= storage.size):
        raise ValueError("a tensor reaches outside its storage")
    window = np.lib.stride_tricks.as_strided(
        storage[offset:], shape, [stride * storage.itemsize for stride in strides], writeable=False)
    return np.array(window)


def _read_torch_zip(path):
    with zipfile.ZipFile(path) as archive:
        program = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(program) != 1:
            raise UserError(f"{path} is a zip file, but not a PyTorch state dict (no data.pkl inside).")
        root = program[0][:-len("data.pkl")]

        def storage(key, dtype, count):
            return _storage_array(archive.read(f"{root}data/{key}"), dtype, count)

        return _read_all(_TorchUnpickler(io.BytesIO(archive.read(program[0])), storage), path)


def _read_torch_legacy(path):
    storages = {}

    def storage(key, dtype, count):
        # The bytes follow after the pickle, so tensors are made of placeholders that are filled in below.
        if key not in storages:
            storages[key] = np.zeros(count, np.uint16 if dtype == "bfloat16" else dtype)
        return _Deferred(storages[key], dtype)

    with open(path, "rb") as file:
        if _read_all(_ArrayUnpickler(file), path) != _LEGACY_MAGIC:
            raise UserError(f"{path} is not a PyTorch file.")
        _read_all(_ArrayUnpickler(file), path)  # protocol version
        _read_all(_ArrayUnpickler(file), path)  # sizes of C types on the machine that wrote it
        state = _read_all(_DeferredUnpickler(file, storage), path)
        for key in _read_all(_ArrayUnpickler(file), path):
            count = int.from_bytes(file.read(8), "little")
            target = storages[str(key)]
            data = file.read(target.nbytes)
            if count != target.size or len(data) != target.nbytes:
                raise UserError(f"{path} is damaged: it ends before its last tensor. Fetch it again.")
            target[...] = np.frombuffer(data, target.dtype)
    if not isinstance(state, dict):
        return state
    return {name: value.array() if isinstance(value, _DeferredTensor) else value for name, value in state.items()}


class _Deferred:
    def __init__(self, data, dtype):
        self.data, self.dtype = data, dtype


class _DeferredTensor:
    def __init__(self, storage, *window):
        self.storage, self.window = storage, window

    def array(self):
        data = self.storage.data
        return _tensor(_from_bfloat16(data) if self.storage.dtype == "bfloat16" else data, *self.window)


class _DeferredUnpickler(_TorchUnpickler):
    def find_class(self, module, name):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _DeferredTensor(storage, offset, shape, strides)
        return super().find_class(module, name)


def _storage_array(data, dtype, count):
    if dtype == "bfloat16":
        return _from_bfloat16(np.frombuffer(data, np.uint16, count))
    return np.frombuffer(data, dtype, count)


def _from_bfloat16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _read_all(unpickler, path):
    try:
        return unpickler.load()
    except _Refused as error:
        raise UserError(f"refused to load {path}: it asks for {error}, and weights are arrays, not programs. "
                        "Do not trust this file.") from None
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError,
            UnicodeDecodeError, OverflowError, MemoryError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as weights: {error or type(error).__name__}. Fetch it again.") from None


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
        if isinstance(value, np.ndarray) and value.dtype != object:
            arrays[str(name)] = value
    if not arrays:
        raise UserError(f"{path} holds no arrays.")
    return arrays
