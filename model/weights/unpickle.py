"""Reading arrays out of pickles without running what a pickle may ask for.

A pickle is a program: it names callables and has them called. The reader here steps through its opcodes, which
``pickletools`` tells apart, answers only the handful of names that describe arrays, with functions of its own, and
refuses every other one before it is called. No numpy object is built from what the pickle says about its insides, and
no array is larger than the bytes that the file holds for it.

What a file may cost is bounded, whatever it says: no read is longer than what is left of the file, the opcodes are
counted, and so is everything that an opcode copies. Nothing is hashed but text: the hash of nested tuples may overflow
the stack, or take for ever. Sets become lists.
"""
from __future__ import annotations

import os
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from bgmatting.model.weights.arrays import (
    ARRAY_KIND,
    Dtype,
    Refused,
    StandIn,
    Table,
    arrays_only,
    damage_reported,
    from_bfloat16,
    from_buffer,
    latin1,
    new_array,
    scalar,
    shown,
)
from bgmatting.model.weights.bounds import Bounded, Budget

LONGEST_NAME = 1000         # of what is asked for
LARGEST_NUMBER = 128        # bits; the largest in PyTorch's files has 77
LONGEST_TEXT = 100_000      # that has letters beyond latin-1: one of them may make every letter take four bytes
LAST_OF_LATIN = 0xC3        # first byte of a letter in UTF-8

_MARK = object()
_AS_THEY_ARE = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
                "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES",
                "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": Table, "EMPTY_TUPLE": tuple, "EMPTY_SET": list}
_KEPT = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_FETCHED = {"GET", "BINGET", "LONG_BINGET"}
_IGNORED = {"PROTO", "FRAME"}
_LONG_TEXTS = {"BINUNICODE": 4, "BINUNICODE8": 8}  # bytes that tell their length


def read_pdparams(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return {name: ndarray} from a file that ``paddle.save`` wrote; bfloat16, which comes as uint16, as float32.

    Raises:
        UserError: the pickle asks for anything but arrays, or is damaged.
    """
    with damage_reported(path), open(path, "rb") as file:
        return arrays_only(ArrayReader(file, Budget()).load(), path, _as_written)


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
            if name in _AS_THEY_ARE:
                self._stack.append(_checked(argument))
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name])
            elif name in _EMPTY:
                self._stack.append(_EMPTY[name]())
            elif name in _KEPT:
                self._memo[len(self._memo) if argument is None else argument] = self._top()
            elif name in _FETCHED:
                self._stack.append(self._memo[argument])
            elif name not in _IGNORED:
                self._step(name, argument)

    def find(self, module: str, name: str) -> Any:
        """The stand-in for ``module.name``: a function of this project.

        Raises:
            Refused: it is not about arrays.
        """
        known = {
            ("collections", "OrderedDict"): self._table,
            ("builtins", "tuple"): _same_tuple,
            ("__builtin__", "tuple"): _same_tuple,
            ("__builtin__", "bytes"): _no_bytes,
            ("_codecs", "encode"): self._encoded,
            ("numpy", "ndarray"): ARRAY_KIND,
            ("numpy", "dtype"): lambda code, *_: Dtype(code),
            ("numpy.core.multiarray", "_reconstruct"): new_array,
            ("numpy._core.multiarray", "_reconstruct"): new_array,
            ("numpy.core.numeric", "_frombuffer"): from_buffer,
            ("numpy._core.numeric", "_frombuffer"): from_buffer,
            ("numpy.core.multiarray", "scalar"): scalar,
            ("numpy._core.multiarray", "scalar"): scalar,
        }
        try:
            return known[module, name]
        except KeyError:
            raise Refused(f"{module}.{name}") from None

    def persistent(self, pid: Any) -> Any:
        raise Refused(f"a persistent object, {shown(pid)}")

    def call(self, function: Callable, arguments: Any) -> Any:
        """Do what REDUCE asks for."""
        if not isinstance(arguments, tuple):
            raise ValueError("a call has no list of arguments")
        return function(*arguments)

    def _step(self, name, argument):
        stack = self._stack
        if name == "MARK":
            stack.append(_MARK)
        elif name in _CONTAINERS:
            _CONTAINERS[name](self)
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple([self._pop() for _ in range(int(name[-1]))][::-1]))
        elif name in ("GLOBAL", "INST"):
            found = self._find(*argument.split(" ", 1))
            stack.append(found if name == "GLOBAL" else self.call(found, tuple(self._items())))
        elif name == "STACK_GLOBAL":
            found, module = self._pop(), self._pop()
            stack.append(self._find(module, found))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, function = self._pop(), self._pop()
            stack.append(self.call(function, arguments) if name == "REDUCE" else function(*_tuple(arguments)))
        elif name in ("BINPERSID", "PERSID"):
            stack.append(self.persistent(self._pop() if name == "BINPERSID" else argument))
        elif name == "BUILD":
            state = self._pop()
            if not isinstance(self._top(), StandIn):
                raise ValueError("a state is given to what has none")
            self._top().take(state)
        else:  # classes by number, buffers beside the pickle, what nobody writes
            raise ValueError(f"its opcode {name} is of no weights file")

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

    def _pop(self):
        thing = self._top()
        del self._stack[-1]
        return thing

    def _items(self):
        """The items above the last mark; both are taken."""
        items = []
        while self._stack[-1] is not _MARK:
            items.append(self._stack.pop())
        del self._stack[-1]
        return items[::-1]

    def _extend(self):
        items = self._items()
        _list(self._top()).extend(items)

    def _update(self):
        items = self._items()
        _table_of(self._top()).put(zip(items[::2], items[1::2]))

    def _table(self, pairs=()):
        """An OrderedDict of pairs, which may be one and the same list over and over."""
        self._budget.spend(len(pairs))
        return Table(pairs)

    def _encoded(self, text, encoding):
        self._text_left -= len(text)
        if self._text_left < 0:
            raise ValueError("it writes the same text out again and again")
        return latin1(text, encoding)


def _as_written(array):
    return from_bfloat16(array) if array.dtype == np.uint16 else array


def _pop_mark(reader):
    if reader._stack[-1] is _MARK:
        del reader._stack[-1]
    else:
        reader._pop()


def _new_table(reader):
    items = reader._items()
    reader._stack.append(Table(zip(items[::2], items[1::2])))


def _set_item(reader):
    value, key = reader._pop(), reader._pop()
    _table_of(reader._top()).put([(key, value)])


def _append(reader):
    value = reader._pop()
    _list(reader._top()).append(value)


_CONTAINERS = {
    "LIST": lambda reader: reader._stack.append(reader._items()),
    "FROZENSET": lambda reader: reader._stack.append(reader._items()),
    "TUPLE": lambda reader: reader._stack.append(tuple(reader._items())),
    "DICT": _new_table,
    "POP": _pop_mark,
    "POP_MARK": lambda reader: reader._items(),
    "DUP": lambda reader: reader._stack.append(reader._top()),
    "APPEND": _append,
    "APPENDS": lambda reader: reader._extend(),
    "ADDITEMS": lambda reader: reader._extend(),
    "SETITEM": _set_item,
    "SETITEMS": lambda reader: reader._update(),
}


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


def _checked(argument):
    if isinstance(argument, int) and argument.bit_length() > LARGEST_NUMBER:
        raise ValueError(f"a number in it has {argument.bit_length()} bits")
    return argument


def _no_bytes():
    """The call of protocol 2 for empty bytes."""
    return b""


def _same_tuple(items=()):
    return _tuple(items)


def _tuple(thing):
    if not isinstance(thing, tuple):
        raise ValueError("something that should be a tuple is none")
    return thing


def _list(thing):
    if type(thing) is not list:
        raise ValueError("something is appended to what is no list")
    return thing


def _table_of(thing):
    if type(thing) is not Table:
        raise ValueError("something is entered in what is no table")
    return thing
