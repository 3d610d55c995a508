"""Cases for fuzz_weights.py: pickles, archives and headers that are mostly well formed, with what would cost most."""
import io
import json
import pickletools
import struct
import zipfile
from collections import namedtuple

import numpy as np

from tests.model.weights.handmade import KINDS, MAGIC, Build, Call, Global, Module, Persistent, Raw, Tensor, pickled, tensor

LARGEST = 1 << 21  # bytes of a case
DEEP = 5000        # levels of what is nested
HUGE = (0, 1, 4, 2 ** 31 - 1, 2 ** 31, 2 ** 40, 2 ** 63 - 1, 2 ** 63, 2 ** 64, 10 ** 30, -1, -2 ** 31)
NAMES = ("model_state", "state_dict", "model", "params", "a.weight", "_orig_mod.a", "module.b", "", "\x00",
         "é", "\U0001f600")


# rng: numpy's Generator; sentinel: a file that code would make; torch: whether tensors are known; wild: share of leaves
# that mean harm.
Dice = namedtuple("Dice", "rng sentinel torch wild")


def case(seed, number, sentinel):
    """(suffix, bytes) of a case; ``sentinel``: a file that code in it would make."""
    rng = np.random.default_rng([seed, number])
    kind = (_pdparams, _zip, _legacy, _safetensors, _opcodes)[number % 5]
    suffix, data = kind(Dice(rng, sentinel, kind in (_zip, _legacy), _pick(rng, (0, 0.05, 0.4))))
    if rng.random() < 0.25:  # and then damaged
        data = bytearray(data)
        for place in rng.integers(0, max(1, len(data)), rng.integers(1, 8)):
            data[place:place + 1] = bytes([rng.integers(256)])
        data = bytes(data[:rng.integers(len(data) + 1)] if rng.random() < 0.3 else data)
    return suffix, data[:LARGEST]


def _pick(rng, items):
    return items[rng.integers(len(items))]


def _pdparams(dice):
    return ".pdparams", b"\x80\x05" + pickled(_table(dice))[2:]


def _zip(dice):
    rng, file = dice.rng, io.BytesIO()
    bomb = rng.random() < 0.1
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if bomb else zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled(_table(dice)))
        if rng.random() < 0.3:
            archive.writestr("archive/code/__torch__.py", b"")
        archive.writestr("archive/byteorder", b"little")
        for key in range(4):
            archive.writestr(f"archive/data/{key}", bytes(1 << 20) if bomb else bytes(64))
        for entry in range(int(rng.integers(0, 2000)) if rng.random() < 0.05 else 0):
            archive.writestr(f"archive/more/{entry}", b"")
    data = bytearray(file.getvalue())
    if rng.random() < 0.4:  # sizes and places in the table of contents that lie, or lie on one another
        start = data.rfind(b"PK\x01\x02") if rng.random() < 0.7 else data.rfind(b"PK\x05\x06")
        for place in rng.choice((10, 12, 16, 20, 24, 28, 30, 42), 2):
            if start + place + 4 <= len(data):
                data[start + place:start + place + 4] = struct.pack("<I", _pick(rng, (0, 1, 64, 2 ** 31, 2 ** 32 - 1)))
    return ".pth", bytes(data)


def _legacy(dice):
    rng = dice.rng
    parts = [MAGIC, 1001, {"little_endian": True}, _table(dice), [str(key) for key in range(4)]]
    if rng.random() < 0.2:
        parts[rng.integers(len(parts))] = _thing(dice, 2)
    count = 4 if rng.random() < 0.8 else _pick(rng, (2 ** 40, -1))
    return ".pth", b"".join(map(pickled, parts)) + (struct.pack("<q", count) + bytes(16)) * 4


def _safetensors(dice):
    rng = dice.rng
    header = {}
    for number, name in enumerate(NAMES[:rng.integers(6)]):
        kind, shape, size = _pick(rng, (("F32", [2], 8), ("BF16", [2, 2], 8), ("F16", [4], 8), ("I64", [1, 1], 8)))
        if rng.random() < dice.wild:
            kind, shape, size = _pick(rng, ("F32", "F8_E4M3", "X")), [_some(rng), _some(rng)], _pick(rng, HUGE)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [8 * number, 8 * number + size]}
    if rng.random() < 0.3:
        header["__metadata__"] = {"a": "x" * int(rng.integers(0, 1000)), "b": _pick(rng, ("c", "\x1b[2J"))}
    text = json.dumps(header).encode()
    if rng.random() < 0.2:
        text = _pick(rng, (b"[" * DEEP, b'{"a":' * DEEP, b'{"a": ' + b"9" * 5000 + b"}", b"{}", b'{"__metadata__": 5}'))
    length = _pick(rng, (2 ** 40, 2 ** 63, 3)) if rng.random() < 0.1 else len(text)
    return ".safetensors", struct.pack("<Q", length) + text + bytes(8 * (len(header) - ("__metadata__" in header)))


def _opcodes(dice):
    """Opcodes as they come, with arguments of the right form and the wrong size."""
    rng, alphabet = dice.rng, [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
    parts = [b"\x80\x05}"]
    for _ in range(int(rng.integers(1, 60))):
        parts.append(_pick(rng, alphabet) + _pick(rng, (
            b"", b"", b"\x01", b"1\n", b"os\nsystem\n", b"\x02\x00\x00\x00ab", struct.pack("<Q", 2 ** 31),
            struct.pack("<I", 2 ** 31 - 1), b"9" * 900 + b"\n")))
    return _pick(rng, (".pdparams", ".pth")), b"".join(parts) + b"."


def _table(dice):
    """A state dict, alone or in something."""
    rng = dice.rng
    table = {f"layer.{number}.weight": _thing(dice, 2) if rng.random() < 0.2 else _leaf(dice)
             for number in range(rng.integers(1, 8))}
    return {_pick(rng, NAMES): table, "epoch": 3} if rng.random() < 0.3 else table


def _thing(dice, depth):
    rng = dice.rng
    if depth == 0:
        return _leaf(dice)
    inner = [_thing(dice, depth - 1) if rng.random() < 0.5 else _leaf(dice) for _ in range(rng.integers(4))]
    kind = rng.integers(6)
    if kind < 3:
        return {_pick(rng, NAMES): value for value in inner}
    if kind < 5:
        return inner if kind == 3 else tuple(inner)
    return Call(Global("collections", "OrderedDict"), ([[_pick(rng, NAMES), value] for value in inner],))


def _leaf(dice):
    rng = dice.rng
    if rng.random() < dice.wild:
        return _pick(rng, (_wild_tensor, _wild_array, _number, _program, _amplifier, _nest, _script))(rng, dice.sentinel)
    if dice.torch and rng.random() < 0.7:
        return tensor(str(rng.integers(4)), np.ones(4, np.float32))
    return _array("f4", (4,)) if rng.random() < 0.8 else _pick(rng, (1, "text", None, 0.5, (1, 2), True))


def _wild_tensor(rng, sentinel):
    shape, strides = (tuple(_some(rng) for _ in range(_pick(rng, (0, 1, 2, 40)))) for _ in range(2))
    return Tensor(str(rng.integers(5)), _pick(rng, list(KINDS.values())), _some(rng), _some(rng), shape, strides)


def _wild_array(rng, sentinel):
    return _array(_pick(rng, ("f4", "u2", "f8", "O8", "V4", "U9999")), (_some(rng), _some(rng)))


def _array(code, shape):
    made = Call(Global("numpy._core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), Raw(b"C\x01b")))
    return Build(made, (1, shape, Call(Global("numpy", "dtype"), (code, False, True)), False, Raw(b"C\x10" + bytes(16))))


def _number(rng, sentinel):
    bits = _pick(rng, (8, 1000, 200_000))
    return Raw(_pick(rng, (b"\x8b" + struct.pack("<i", bits) + b"\x7f" * bits, b"I" + b"9" * bits + b"\n",
                           b"L" + b"9" * bits + b"L\n")))


def _program(rng, sentinel):
    module, name = _pick(rng, (("os", "system"), ("posix", "system"), ("builtins", "eval"), ("numpy", "load"),
                               ("torch", "load"), ("subprocess", "getoutput")))
    call = Call(Global(module, name), (f"open({str(sentinel)!r}, 'w')" if name == "eval" else f"touch {sentinel}",))
    return call if rng.random() < 0.5 else Persistent(call)


def _amplifier(rng, sentinel):
    """A large thing by few bytes: sizes that are claimed, copies of what is in the memo, letters that take four bytes."""
    items, calls = int(rng.integers(1, 3000)), int(rng.integers(1, 3000))
    text = b"X" + struct.pack("<I", items) + b"a" * items
    again = b"q\x01](" + b"h\x00h\x01\x85R" * calls + b"e"
    return Raw(_pick(rng, (
        b"\x96" + struct.pack("<Q", _pick(rng, (2 ** 31, 2 ** 40, 2 ** 63))),
        b"\x8e" + struct.pack("<Q", 2 ** 33), b"\x8d" + struct.pack("<Q", 2 ** 33), b"\x95" + struct.pack("<Q", 2 ** 33),
        b"cbuiltins\ntuple\nq\x00](" + b"N" * items + b"e" + again,
        b"ccollections\nOrderedDict\nq\x00](" + b"X\x01\x00\x00\x00aN\x86" * items + b"e" + again,
        b"c_codecs\nencode\nq\x00" + text + b"X\x06\x00\x00\x00latin1\x86q\x01](" + b"h\x00h\x01R" * calls + b"e",
        b"Nr" + struct.pack("<I", 2 ** 32 - 1), b"Np" + b"9" * 900 + b"\n", b"N" * 1000 + b"0" * 999,
        b"X" + struct.pack("<I", 4 * items + 4) + "\U0001f600".encode() * (items + 1))))


def _nest(rng, sentinel):
    levels = int(rng.integers(1, DEEP))
    return Raw(_pick(rng, (
        b"N" + b"\x85" * levels, b")" + b"2\x86" * min(levels, 60), b"]" * levels + b"a" * (levels - 1),
        b"}" + b"X\x01\x00\x00\x00a}" * levels + b"s" * levels, b"(" * levels + b"N" + b"l" * levels)))


def _script(rng, sentinel):
    return Module(Global("__torch__.os", "system"), {_pick(rng, NAMES): _wild_tensor(rng, sentinel), "training": False})


def _some(rng):
    return int(rng.integers(5)) if rng.random() < 0.6 else _pick(rng, HUGE)
