"""Weights files written byte by byte: PyTorch's layouts and its TorchScript without PyTorch, and pickles that mean harm."""
import io
import pickle
import struct
import zipfile
from collections import namedtuple

import numpy as np

Global = namedtuple("Global", "module name")
Call = namedtuple("Call", "function arguments")
Build = namedtuple("Build", "thing state")  # thing.__setstate__(state)
Persistent = namedtuple("Persistent", "pid")
Module = namedtuple("Module", "kind attributes")  # of TorchScript; kind: Global, its class
Raw = namedtuple("Raw", "opcodes")  # as they are
Tensor = namedtuple("Tensor", "key kind count offset shape strides")

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {"float32": "FloatStorage", "float16": "HalfStorage", "float64": "DoubleStorage", "int64": "LongStorage",
         "int32": "IntStorage", "uint8": "ByteStorage", "bool": "BoolStorage", "uint16": "BFloat16Storage"}

ONES = np.ones(4, np.float32)
ARRAY = Call(Global("numpy._core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
BOMB = 10 ** 12  # elements; far more than a machine has room for


def pickled(thing):
    """A pickle of protocol 2 that rebuilds ``thing``, where Global, Call, ... stand for those of any program."""
    return b"\x80\x02" + _opcodes(thing) + b"."


def tensor(key, array, offset=0, shape=None, strides=None):
    """A window on the storage ``key``, by default all of ``array``; uint16 stands for the bits of bfloat16."""
    shape = array.shape if shape is None else shape
    if strides is None:
        strides = tuple(int(np.prod(shape[axis + 1:])) for axis in range(len(shape)))
    return Tensor(key, KINDS[array.dtype.name], array.size, offset, shape, strides)


def write_zip(path, state, storages, compression=zipfile.ZIP_STORED, extra=()):
    """The layout of ``torch.save`` since PyTorch 1.6. ``state``: a thing to pickle; ``storages``: {key: ndarray}."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled(state))
        archive.writestr("archive/byteorder", b"little")
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
        archive.writestr("archive/version", b"3\n")
        for name, data in extra:
            archive.writestr(name, data)


def write_script(path, state, storages, compression=zipfile.ZIP_STORED, extra=()):
    """The layout of ``torch.jit.save``. ``state``: a thing to pickle, a dict stands for a module with those attributes."""
    if type(state) is dict:
        state = Module(Global("__torch__", "Net"), state)
    program = [("archive/code/__torch__.py", b"class Net(Module):\n"), ("archive/constants.pkl", pickled(()))]
    write_zip(path, state, storages, compression, [*program, *extra])


def modules(state):
    """A tree of modules, their classes renamed as TorchScript does, with the dotted names of ``state``."""
    tree = {"training": False, "_is_full_backward_hook": None}
    for name, value in state.items():
        first, dot, _ = name.partition(".")
        if dot and first not in tree:
            tree[first] = modules({other[len(first) + 1:]: value for other, value in state.items()
                                   if other.startswith(f"{first}.")})
        elif not dot:
            tree[name] = value
    return Module(Global(f"__torch__.net.___torch_mangle_{len(tree)}", "Net"), tree)


def write_legacy(path, state, storages):
    """The layout before that: five pickles in a row, then the storages."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [pickled(part) for part in (MAGIC, 1001, machine, state, list(storages))]
    parts += [struct.pack("<q", array.size) + array.tobytes() for array in storages.values()]
    path.write_bytes(b"".join(parts))


def write_pdparams(path, state, storages):
    """A pickle as ``paddle.save`` writes it; its arrays are in the pickle, so that there are no ``storages``."""
    path.write_bytes(pickled(state))


LAYOUTS = {"pdparams": write_pdparams, "zip.pth": write_zip, "legacy.pth": write_legacy, "script.pth": write_script}
TORCH_LAYOUTS = [layout for layout in LAYOUTS if "pth" in layout]


def _opcodes(thing):
    if isinstance(thing, Global):
        return f"c{thing.module}\n{thing.name}\n".encode()
    if isinstance(thing, Call):
        return _opcodes(thing.function) + _opcodes(tuple(thing.arguments)) + b"R"
    if isinstance(thing, Build):
        return _opcodes(thing.thing) + _opcodes(thing.state) + b"b"
    if isinstance(thing, Persistent):
        return _opcodes(thing.pid) + b"Q"
    if isinstance(thing, Module):
        return _opcodes(thing.kind) + b")\x81" + _opcodes(thing.attributes) + b"b"
    if isinstance(thing, Raw):
        return thing.opcodes
    if isinstance(thing, Tensor):
        storage = Persistent(("storage", Global("torch", thing.kind), thing.key, "cpu", thing.count))
        rebuild = Global("torch._utils", "_rebuild_tensor_v2")
        return _opcodes(Call(rebuild, (storage, thing.offset, thing.shape, thing.strides, False, {})))
    if isinstance(thing, tuple):
        return b"(" + b"".join(map(_opcodes, thing)) + b"t"
    if isinstance(thing, list):
        return b"](" + b"".join(map(_opcodes, thing)) + b"e"
    if isinstance(thing, dict):
        return b"}(" + b"".join(_opcodes(key) + _opcodes(value) for key, value in thing.items()) + b"u"
    data = io.BytesIO()
    plain = pickle._Pickler(data, 2)  # numbers and text
    plain.fast = True
    plain.dump(thing)
    return data.getvalue()[2:-1]
