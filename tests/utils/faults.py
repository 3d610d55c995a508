"""What a decoder may do to the process it runs in; functions for workers."""
import os
import socket
import time
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from bgmatting.utils.errors import UserError


class Item(NamedTuple):
    """An answer of a class of its own."""
    image: np.ndarray
    time: Fraction


def doubled(array, factor=2):
    return {"array": array * factor, "shape": array.shape, "times": [Fraction(1, 3)], "text": "é"}


def process():
    return os.getpid()


def aborted():
    os.abort()


def ended():
    os._exit(3)


def hung():
    while True:
        pass


def asleep():
    time.sleep(60)


def greedy(size):
    return int(np.ones(size, np.uint8).sum())


def large(size):
    return np.zeros(size, np.uint8)


def refused(text):
    raise UserError(text, "hint")


def failing():
    raise KeyError("x")


def missing(path):
    return open(path, "rb").read()


def connected(port):
    with socket.create_connection(("127.0.0.1", port), 2):
        return True


def written(path, size):
    with open(path, "wb") as file:
        file.write(bytes(size))


def foreign():
    return Unpicked()


class Unpicked:
    """A class that nobody expects."""


def counted(number, size=10, fails_at=None):
    for index in range(number):
        if index == fails_at:
            os.abort()
        yield Item(np.full((size, size, 3), index % 256, np.uint8), Fraction(index, 25))


ERRORS = (RuntimeError("a decoder\nof somebody"), NotImplementedError(), MemoryError(), KeyError("x"),
          RecursionError("deep"), ZeroDivisionError("division"), OSError(5, "Input/output error"))


def raising_photo(path, bits):
    """As ``prediction.photos.read_pair.photo``; a file called by a number raises that one of ERRORS."""
    from bgmatting.prediction.photos.read_pair import photo
    name = os.path.basename(path)[:-4]
    if name.isdigit():
        raise ERRORS[int(name)]
    return photo(path, bits)


def crashing_photo(path, bits):
    """As ``prediction.photos.read_pair.photo``; a file called "crash" ends the process, one called "hang" does not end."""
    from bgmatting.prediction.photos.read_pair import photo
    if "crash" in os.path.basename(path):
        os.abort()
    while "hang" in os.path.basename(path):
        pass
    return photo(path, bits)


def emptied(path):
    os.truncate(path, 0)


def removed(path):
    os.remove(path)


def environment():
    return list(os.environ)


def answered(data):
    """Answer by these bytes, in place of what ``utils.isolation`` would."""
    for number in range(3, 10):
        try:
            os.write(number, len(data).to_bytes(8, "little") + data)
        except OSError:
            pass
    os._exit(0)
