"""PyTorch's kinds of weights files, read as data: zip archives, TorchScript, and the files before 2020."""
import io
import os
import pickle
import zipfile

import numpy as np

from model.weights.unpickle import (
    _DAMAGE,
    _arrays_only,
    _ArrayUnpickler,
    _damage_reported,
    _from_bytes,
    _Refused,
    _shown,
    _StorageType,
    _Table,
)
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


def read_torch(path):
    """Return {name: ndarray} from a PyTorch state dict, zip layout or older, or from a TorchScript archive.

    Raises:
        UserError: as ``read_pdparams``, or a TorchScript archive without parameters.
    """
    with _damage_reported(path):
        if zipfile.is_zipfile(path):
            return _arrays_only(_read_torch_zip(path), path)
        return _arrays_only(_read_torch_legacy(path), path)


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


class _Module:
    """Stands for an object of a class of a TorchScript program, of which it keeps the attributes and nothing else."""

    attributes = _Table()

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        if isinstance(state, _Table):  # packed parameters and the like come as tuples
            self.attributes = state


def _text(key):
    if not isinstance(key, str):
        raise ValueError("a storage has no name")
    return key


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
