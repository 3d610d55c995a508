"""Reading arrays out of pickles without running what a pickle may ask for.

A pickle is a program: it names callables and has them called. The reader here steps through its opcodes, which
``pickletools`` tells apart, answers only the handful of names that describe arrays, with stand-ins of its own, and
refuses every other one before it is called. No numpy object is built from what the pickle says about its insides, and
no array is larger than the bytes that the file holds for it.

What a file may cost is bounded, whatever it says: no read is longer than what is left of the file, the opcodes are
counted, and so is everything that an opcode copies. Nothing is hashed but text: the hash of nested tuples may overflow
the stack, or take for ever. Sets become lists.
"""
from __future__ import annotations

import collections
import os
import pickletools
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np

MOST_STEPS = 300_000        # opcodes, and items copied by calls; 40 for each array would be many
LONGEST_LINE = 1000         # of the opcodes whose argument is a line of text
LONGEST_NAME = 1000         # of what is asked for
LARGEST_NUMBER = 128        # bits; the largest in PyTorch's files has 77
LONGEST_TEXT = 100_000      # that has letters beyond latin-1: one of them may make every letter take four bytes
LAST_OF_LATIN = 0xC3        # first byte of a letter in UTF-8

_MARK = object()
_LONG_TEXTS = {"BINUNICODE": 4, "BINUNICODE8": 8}  # bytes that tell their length


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


class Bounded:
    """A file whose reads never ask for more than it has left, and whose lines have an end."""

    def __init__(self, file: BinaryIO):
        self._file = file
        place = file.tell()
        self.left = file.seek(0, os.SEEK_END) - place
        file.seek(place)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self.left:
            raise ValueError("it ends before what it announces")
        data = self._file.read(size)
        self.left -= len(data)
        return data

    def readline(self) -> bytes:
        line = self._file.readline(LONGEST_LINE + 1)
        self.left -= len(line)
        if len(line) > LONGEST_LINE:
            raise ValueError("a line of it has no end")
        return line


class Budget:
    """Counts down the steps that the pickles of one file may take."""

    def __init__(self):
        self._left = MOST_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueError(f"it takes more than {MOST_STEPS} steps to read; it is no weights file")


class ArrayReader:
    """Rebuilds plain containers and numpy arrays from a pickle.

    Args:
        file: an open file, at the first byte of the pickle; ``load`` leaves it after the last.
        budget: shared by the pickles of a file.
    """

    def __init__(self, file: BinaryIO, budget: Budget):
        self._file, self._budget = Bounded(file), budget
        self._text_left = self._file.left  # bytes that text may be made into, together
        self._stack, self._memo = [], {}

    def load(self) -> Any:
        while True:
            self._budget.spend(1)
            name, argument = _next(self._file)
            if name == "STOP":
                return self._stack.pop()
            if name in _VALUES:
                self._stack.append(_VALUES[name](self, argument))
            elif name in _ACTIONS:
                _ACTIONS[name](self, argument)
            else:  # classes by number, buffers beside the pickle, what nobody writes
                raise ValueError(f"its opcode {name} is of no weights file")

    def find(self, module: str, name: str) -> Any:
        """The stand-in for ``module.name``, a function of this project. Raises Refused: it is not about arrays."""
        known = {
            ("collections", "OrderedDict"): self._table,
            ("builtins", "tuple"): lambda items=(): _of_type(items, tuple),
            ("__builtin__", "tuple"): lambda items=(): _of_type(items, tuple),
            ("__builtin__", "bytes"): lambda: b"",  # protocol 2 calls it for empty ones
            ("_codecs", "encode"): self._encoded,
            ("numpy", "ndarray"): ARRAY_KIND,
            ("numpy", "dtype"): lambda code, *_: Dtype(code),
        }
        for core in ("numpy.core", "numpy._core"):
            known.update({(f"{core}.multiarray", "_reconstruct"): new_array, (f"{core}.numeric", "_frombuffer"): from_buffer,
                          (f"{core}.multiarray", "scalar"): lambda dtype, data: numbers_of(data, dtype.plain)[0]})
        try:
            return known[module, name]
        except KeyError:
            raise Refused(f"{module}.{name}") from None

    def persistent(self, pid: Any) -> Any:
        raise Refused(f"a persistent object, {shown(pid)}")

    def call(self, function: Callable, arguments: Any) -> Any:
        """Do what REDUCE asks for."""
        return function(*_of_type(arguments, tuple))

    def _find(self, module, name):
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ValueError("something without a name is asked for")
        if len(module) + len(name) > LONGEST_NAME:
            raise ValueError("a name without end is asked for")
        return self.find(module, name)

    def _top(self):
        if self._stack[-1] is _MARK:
            raise ValueError("something is taken that is not there")
        return self._stack[-1]

    def _take(self, count=1):
        """The last things on the stack, in their order; none of them may be a mark."""
        things = []
        for _ in range(count):
            things.append(self._top())
            del self._stack[-1]
        return things[::-1]

    def _items(self):
        """The items above the last mark; both are taken."""
        items = []
        while self._stack[-1] is not _MARK:
            items.append(self._stack.pop())
        del self._stack[-1]
        return items[::-1]

    def _pop(self):
        if self._stack[-1] is _MARK:
            del self._stack[-1]
        else:
            self._take()

    def _extend(self, items):
        _of_type(self._top(), list).extend(items)

    def _enter(self, items):
        _of_type(self._top(), Table).put(_pairs(items))

    def _build(self):
        state, = self._take()
        if not isinstance(self._top(), StandIn):
            raise ValueError("a state is given to what has none")
        self._top().take(state)

    def _keep(self, place):
        self._memo[len(self._memo) if place is None else place] = self._top()

    def _table(self, pairs=()):
        """An OrderedDict of pairs, which may be one and the same list over and over."""
        self._budget.spend(len(pairs))
        return Table(pairs)

    def _encoded(self, text, encoding):
        self._text_left -= len(text)
        if self._text_left < 0:
            raise ValueError("it writes the same text out again and again")
        if encoding != "latin1":
            raise Refused(f"text encoded as {shown(encoding)}")
        return text.encode("latin1")


def _next(file):
    """The name of the next opcode, and its argument."""
    code = file.read(1).decode("latin-1")
    if code not in pickletools.code2op:
        raise ValueError("its bytes are no pickle")
    opcode = pickletools.code2op[code]
    if opcode.name in _LONG_TEXTS:
        data = file.read(int.from_bytes(file.read(_LONG_TEXTS[opcode.name]), "little"))
        if len(data) > LONGEST_TEXT and np.frombuffer(data, np.uint8).max() > LAST_OF_LATIN:
            raise ValueError(f"a text in it has {len(data)} bytes")
        return opcode.name, data.decode("utf-8", "surrogatepass")
    return opcode.name, None if opcode.arg is None else opcode.arg.reader(file)


def _as_it_is(_, argument):
    if isinstance(argument, int) and argument.bit_length() > LARGEST_NUMBER:
        raise ValueError(f"a number in it has {argument.bit_length()} bits")
    return argument


def _of_type(thing, kind):
    if type(thing) is not kind:
        raise ValueError(f"something that should be a {kind.__name__.lower()} is none")
    return thing


def _pairs(items):
    return zip(items[::2], items[1::2])


# What opcodes put on the stack, of (reader, argument).
_VALUES = {
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING",
                     "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES",
                     "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _as_it_is),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda reader, place: reader._memo[place]),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), lambda *_: []),
    **dict.fromkeys(("LIST", "FROZENSET"), lambda reader, _: reader._items()),
    **{f"TUPLE{count}": lambda reader, _, count=count: tuple(reader._take(count)) for count in (1, 2, 3)},
    "NONE": lambda *_: None, "NEWTRUE": lambda *_: True, "NEWFALSE": lambda *_: False, "MARK": lambda *_: _MARK,
    "EMPTY_DICT": lambda *_: Table(), "EMPTY_TUPLE": lambda *_: (),
    "TUPLE": lambda reader, _: tuple(reader._items()), "DICT": lambda reader, _: Table(_pairs(reader._items())),
    "DUP": lambda reader, _: reader._top(),
    "GLOBAL": lambda reader, names: reader._find(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda reader, _: reader._find(*reader._take(2)),
    "INST": lambda reader, names: reader.call(reader._find(*names.split(" ", 1)), tuple(reader._items())),
    "REDUCE": lambda reader, _: reader.call(*reader._take(2)),
    "NEWOBJ": lambda reader, _: ArrayReader.call(reader, *reader._take(2)),
    "BINPERSID": lambda reader, _: reader.persistent(*reader._take()),
    "PERSID": lambda reader, pid: reader.persistent(pid)}

# What others do, likewise.
_ACTIONS = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda *_: None),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), lambda reader, place: reader._keep(place)),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda reader, _: reader._extend(reader._items())),
    "APPEND": lambda reader, _: reader._extend(reader._take()),
    "SETITEM": lambda reader, _: reader._enter(reader._take(2)),
    "SETITEMS": lambda reader, _: reader._enter(reader._items()),
    "POP": lambda reader, _: reader._pop(), "POP_MARK": lambda reader, _: reader._items(),
    "BUILD": lambda reader, _: reader._build()}
