"""PyTorch's kinds of weights files, read as data: zip archives, TorchScript, and the files before 2020."""
from __future__ import annotations

import io
import math
import os
import zipfile

import numpy as np

from bgmatting.model.weights.state_dict import DAMAGE, arrays_only, damage_reported
from bgmatting.model.weights.unpickle import (
    ArrayReader,
    Budget,
    Refused,
    StandIn,
    StorageType,
    Table,
    from_bfloat16,
    numbers_of,
    shown,
)
from bgmatting.utils.errors import UserError

_TORCH_TYPES = {
    "DoubleStorage": np.float64, "FloatStorage": np.float32, "HalfStorage": np.float16, "LongStorage": np.int64,
    "IntStorage": np.int32, "ShortStorage": np.int16, "CharStorage": np.int8, "ByteStorage": np.uint8,
    "BoolStorage": np.bool_, "BFloat16Storage": "bfloat16",
}
_SCRIPT_VALUES = {  # what modules hold beside tensors; none of it is an array
    ("builtins", "complex"), ("torch", "device"), ("torch.jit._pickle", "restore_type_tag"),
    *(("torch.jit._pickle", f"build_{kind}list") for kind in ("int", "double", "bool", "tensor")),
}
_LONGEST_NAME, _MOST_ATTRIBUTES = 1000, 20_000  # of modules; ResNet-101 with its refiner has about 2000
_LONGEST_CONTENTS = 1 << 22  # bytes of a zip file's table of contents
_MOST_SIDES = 32             # of an array
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # first object of PyTorch's files before the zip layout


def read_torch(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """{name: ndarray} of a PyTorch state dict, zip layout or older, or of a TorchScript archive. Raises UserError: it asks
    for anything but arrays, is damaged, or is a TorchScript archive without parameters."""
    with damage_reported(path):
        return arrays_only((_read_torch_zip if zipfile.is_zipfile(path) else _read_torch_legacy)(path), path)


class _TorchReader(ArrayReader):
    """Also knows PyTorch's tensors: ``rebuild(storage(key, dtype, count), offset, shape, strides, ...)``."""

    def __init__(self, file, budget, storage, rebuild):
        super().__init__(file, budget)
        self._storage = storage
        self._rebuild = rebuild

    def find(self, module, name):
        if module == "torch" and name in _TORCH_TYPES:
            return StorageType(_TORCH_TYPES[name])
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        return super().find(module, name)

    def persistent(self, pid):
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], StorageType)):
            raise Refused(f"a persistent object, {shown(pid)}")
        return self._storage(_text(pid[2]), pid[1].dtype, _whole(pid[4]))


class _ScriptReader(_TorchReader):
    """Also knows TorchScript's modules, whatever their class is called, and their other attributes."""

    def call(self, function, arguments):
        """The value of an enumeration stands alone, not in a list of arguments."""
        return super().call(function, arguments if isinstance(arguments, tuple) else (arguments,))

    def find(self, module, name):
        if module.split(".")[0] == "__torch__":
            return _Module
        if (module, name) in _SCRIPT_VALUES:
            return lambda value, *_: value
        return super().find(module, name)


class _Module(StandIn):
    """Stands for an object of a class of a TorchScript program, of which it keeps the attributes and nothing else."""

    attributes = Table()

    def __init__(self, *_):
        pass

    def take(self, state):
        if isinstance(state, Table):  # packed parameters and the like come as tuples
            self.attributes = state


def _text(key):
    if not isinstance(key, str):
        raise ValueError("a storage has no name")
    return key


def _whole(number):
    if type(number) is not int or not 0 <= number < 2 ** 62:
        raise ValueError("a tensor has an impossible size")
    return number


def _tensor(storage, offset, shape, strides, *_):
    """A tensor is a window on a storage; the window must lie inside it and repeat none of it."""
    if not isinstance(storage, np.ndarray) or storage.ndim != 1 or not storage.flags.c_contiguous:
        raise ValueError("a tensor lies on a tensor, not on a storage")
    if len(shape) != len(strides) or len(shape) > _MOST_SIDES:
        raise ValueError("a tensor has an impossible shape")
    offset, shape, strides = _whole(offset), tuple(map(_whole, shape)), tuple(map(_whole, strides))
    if 0 in shape:
        return np.zeros(shape, storage.dtype)
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    if last >= storage.size:
        raise ValueError("a tensor reaches outside its storage")
    if math.prod(shape) > storage.size:
        raise ValueError("a tensor is larger than its storage")
    return np.lib.stride_tricks.as_strided(
        storage[offset:], shape, [stride * storage.itemsize for stride in strides], writeable=False)


class _Seekable:
    """A file as ``zipfile`` reads it, whose reads are no longer than what is left, nor than ``most`` where it is set."""

    def __init__(self, file):
        self._file, self.most = file, None
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self._size = file.seek(0, os.SEEK_END)

    def read(self, size=-1):
        left = max(0, self._size - self._file.tell())
        size = left if size is None or size < 0 else min(size, left)
        if self.most is not None and size > self.most:
            raise ValueError(f"its table of contents has {size} bytes")
        return self._file.read(size)


class _Parts:
    """The parts of a PyTorch archive, none of which is compressed, and which do not lie on one another."""

    def __init__(self, file):
        file = _Seekable(file)
        self._left = file.seek(0, os.SEEK_END)
        file.most = _LONGEST_CONTENTS
        self._archive = zipfile.ZipFile(file)
        file.most = None
        self.names = self._archive.namelist()

    def read(self, name):
        info = self._archive.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"its part {name} is compressed")  # it could grow to any size
        self._left -= info.file_size
        if self._left < 0:
            raise ValueError("its parts lie on one another")
        return self._archive.read(name)


def _read_torch_zip(path):
    with open(path, "rb") as file:
        parts = _Parts(file)
        program = [name for name in parts.names if name.endswith("/data.pkl")]
        if len(program) != 1:
            raise UserError(f"{path} is a zip file, but not a PyTorch state dict (no data.pkl inside).")
        root = program[0][:-len("data.pkl")]
        if f"{root}byteorder" in parts.names and parts.read(f"{root}byteorder") == b"big":
            raise ValueError("its numbers are big-endian")
        known = {}

        def storage(key, dtype, count):
            if key not in known:
                known[key] = dtype, _numbers(parts.read(f"{root}data/{key}"), dtype, count)
            if known[key][0] is not dtype:
                raise ValueError("a storage has two types")
            return known[key][1]

        script = any(name.startswith(f"{root}code/") for name in parts.names)
        reader = _ScriptReader if script else _TorchReader
        state = reader(io.BytesIO(parts.read(program[0])), Budget(), storage, _tensor).load()
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


def _read_torch_legacy(path):
    """The numbers follow the pickle that describes them, so that it is read twice: for their sizes, then for good."""
    sizes, known, budget = {}, {}, Budget()

    def note(key, dtype, count):
        sizes[key] = dtype, count

    with open(path, "rb") as file:
        try:
            magic = ArrayReader(file, budget).load()
        except DAMAGE:
            magic = None
        if magic != _LEGACY_MAGIC:
            raise UserError(f"{path} is not a PyTorch file. Fetch it again, or give it the ending of its format.")
        ArrayReader(file, budget).load()  # protocol version
        ArrayReader(file, budget).load()  # sizes of C types on the machine that wrote it
        start = file.tell()
        _TorchReader(file, budget, note, lambda *_: None).load()
        for key in map(_text, ArrayReader(file, budget).load()):
            dtype, count = sizes[key]
            length = count * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)
            if int.from_bytes(file.read(8), "little") != count or length > os.path.getsize(path) - file.tell():
                raise ValueError("it ends before its last tensor")
            known[key] = _numbers(file.read(length), dtype, count)
        file.seek(start)
        return _TorchReader(file, budget, lambda key, dtype, count: known[key], _tensor).load()


def _numbers(data, dtype, count):
    if dtype == "bfloat16":
        return from_bfloat16(numbers_of(data, np.uint16, count))
    return numbers_of(data, dtype, count)
