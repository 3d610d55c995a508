"""Decoders of other people's files in processes of their own: what crashes, hangs or eats memory there is one failed file.

``Workers`` keeps a few Python processes warm. They run functions of modules by name, within limits of processor time, wall
time and memory, without a network and without writing files where the kernel grants that (``utils.confinement``). Answers
come over a pipe as JSON, with the bytes of arrays behind it: a process that was taken over can make this one build nothing
but numbers, text, arrays, and tuples of classes named in advance. Workers are started afresh (not forked): threads of this
process do not matter to them, and Windows and macOS know them, too.
"""
from __future__ import annotations

import importlib
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bgmatting.utils.confinement import bound, only_reading, spend, without_network
from bgmatting.utils.errors import UserError
from bgmatting.utils.library_output import own_stderr

USES = 100              # calls after which a worker is replaced
MESSAGE = 4 << 20       # bytes of an answer beside its arrays
DIGITS = 40             # of a number in it
PIPE = 1 << 20          # bytes that may wait in a pipe
KINDS = {"|b1", "|u1", "<u2", "<i2", "<i4", "<i8", "<f4", "<f8"}  # of arrays
# One thread for what is no decoding; and glibc keeps its memory: getting it anew took as long as decoding a photo.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
               "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
HIDDEN = ("TOKEN", "SECRET", "PASSWORD", "KEY")  # variables whose names hold one of these are kept from workers
DONE, FAILED, ITEM = "done", "failed", "item"


class WorkerFailed(UserError):
    """A call without an answer: the worker crashed, took too long or too much memory, or raised what nobody expects."""


class Limits(NamedTuple):
    """Limits of one call, of a stream each item: wall and processor seconds; bytes of memory beyond what the worker
    begins with; bytes of the answer."""
    seconds: float = 60.0
    cpu_seconds: float = 120.0
    memory: int = 4 << 30
    answer: int = 1 << 30


class Workers:
    """A context manager: ``call`` and ``stream`` may be used by several threads, each call has a worker of its own.

    Args:
        count: how many there are at most. limits: see ``Limits``.
        modules: names of modules that a worker imports before it is asked.
        classes: NamedTuples of this project that answers may hold.
        ready: how many wait for work at any time; no more are kept. None: they start with the calls, and all are kept.
        folders: what may be read beside Python itself, where the kernel grants such bounds. None: all files.
    """

    def __init__(self, count: int = 1, limits: Limits | None = None, modules: Sequence[str] = (),
                 classes: Sequence[type] = (), ready: int | None = None,
                 folders: Sequence[str | os.PathLike] | None = None):
        folders = None if folders is None else [os.path.abspath(folder) for folder in folders]
        self._begun_with = limits or Limits(), tuple(modules), classes, folders
        self._count, self._ready, self._closed = count, ready, False
        self._room, self._lock, self._idle, self._all = threading.Semaphore(count), threading.Lock(), [], set()
        self._fill()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def call(self, function: Callable, *args: Any, name: object = "the file") -> Any:
        """``function(*args)``, done by a worker.

        Args:
            function: of a module, by whose name the worker finds it. name: of what is decoded, for messages.
        Raises:
            UserError: as ``function`` raises it. WorkerFailed: it crashed, took too long or too much memory, or raised
                anything else but an OSError, which is raised as it is.
        """
        with self._worker() as worker:
            worker.begin(function, args, False)
            return worker.receive(str(name))[1]

    @contextmanager
    def stream(self, function: Callable, *args: Any, name: object = "the file") -> Iterator[Iterator[Any]]:
        """Within, an iterator of what the generator ``function(*args)`` gives in a worker, which is an item ahead.

        Args and errors as ``call``.
        """
        with self._worker() as worker:
            worker.begin(function, args, True)
            yield (value for kind, value in iter(lambda: worker.receive(str(name)), (DONE, None)))

    def close(self) -> None:
        """End the workers."""
        with self._lock:
            self._closed, workers = True, list(self._all)
        for worker in workers:
            worker.kill()

    @contextmanager
    def _worker(self):
        with self._room:
            worker = self._take()
            try:
                yield worker
            finally:
                with self._lock:
                    wanted = not self._closed and (self._ready is None or len(self._idle) < self._ready)
                    keeps = wanted and worker.is_fit()
                    if keeps:
                        self._idle.append(worker)
                if not keeps:
                    self._drop(worker)
                    self._fill()

    def _take(self):
        """A worker that nobody uses."""
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return self._new()
            if worker.is_fit():
                return worker
            self._drop(worker)

    def _fill(self):
        while not self._closed and len(self._idle) < (self._ready or 0) and len(self._all) < self._count:
            worker = self._new()
            with self._lock:
                self._idle.append(worker)

    def _drop(self, worker):
        worker.kill()
        with self._lock:
            self._all.discard(worker)

    def _new(self):
        worker = _Worker(*self._begun_with)
        with self._lock:
            self._all.add(worker)
        return worker


class _Worker:
    """This side of one process."""

    def __init__(self, limits, modules, classes, folders):
        self._limits, self._classes = limits, {_name_of(kind): kind for kind in classes}
        self._uses, self._busy, self._timed_out = 0, False, False
        path = [entry or os.getcwd() for entry in sys.path]
        code = f"import sys; sys.path[:] = {path!r}; from {__name__} import serve; serve()"
        kept = {name: text for name, text in os.environ.items() if not any(part in name.upper() for part in HIDDEN)}
        apart = ({"start_new_session": True} if os.name == "posix" else  # a signal from the terminal is for this process
                 {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP})
        self._process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, env={**kept, **ENVIRONMENT}, **apart)
        _widen(self._process.stdout)
        self._send((tuple(limits), modules, folders))

    def begin(self, function, args, is_stream):
        """Have it do ``function(*args)``; ``receive`` is to be called until it is done."""
        self._uses, self._busy, self._timed_out = self._uses + 1, True, False
        self._send((function.__module__, function.__qualname__, args, is_stream))

    def receive(self, name):
        """(ITEM or DONE, value). Raises as ``Workers.call``."""
        watch = threading.Timer(self._limits.seconds, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            kind, value = _Reader(self._process.stdout, self._classes, self._limits.answer).answer()
        except EOFError:
            raise self._ended(name) from None
        except Exception:  # whatever it says instead of an answer
            raise WorkerFailed(f"cannot decode {name}: its decoder gave no proper answer.") from None
        finally:
            watch.cancel()
        self._busy = kind == ITEM
        if kind == FAILED:
            self._raise(value, name)
        return kind, value

    def is_fit(self):
        """Return whether it can be asked again."""
        return self._process.poll() is None and not self._busy and self._uses < USES

    def kill(self):
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:  # what it did not take any more
                pass

    def _send(self, message):
        try:
            _write(self._process.stdin, pickle.dumps(message))
        except OSError:  # it has ended: the answer says so
            pass

    def _give_up(self):
        self._timed_out = True
        self._process.kill()

    def _ended(self, name):
        self._process.kill()  # it may have closed its pipe alone
        code = self._process.wait()
        if self._timed_out or hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            return WorkerFailed(f"cannot decode {name}: it took more than {self._limits.seconds:.0f} s. Convert it to "
                                f"another format.")
        try:
            how = signal.Signals(-code).name
        except ValueError:
            how = f"code {code}"
        return WorkerFailed(f"cannot decode {name}: its decoder crashed ({how}). Open it in another program and save it "
                            f"again.")

    def _raise(self, value, name):
        kind, text, hint, number, path = value
        if kind == "UserError":
            raise UserError(text, hint)
        if kind == "MemoryError":
            raise WorkerFailed(f"{name} needs more memory than the {self._limits.memory / 2 ** 30:.1f} GiB that it may "
                               f"take. Save it smaller.")
        if kind == "OSError":
            raise OSError(number, text, path)
        raise WorkerFailed(f"cannot decode {name}: unexpected {kind}{': ' * bool(text)}{' '.join(text.split())}")


# --- messages: their size in 8 bytes, JSON, and behind that the bytes of its arrays, in the order in which it names them ---

def _name_of(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def _as_json(value, blobs):
    """``value`` as what JSON knows; what else it may be is a list that begins with a word. Bytes go to ``blobs``."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        blobs.append(memoryview(array.reshape(-1)).cast("B") if array.size else b"")
        return ["array", array.dtype.str, *value.shape]
    if isinstance(value, bytes):
        blobs.append(value)
        return ["bytes", len(value)]
    if isinstance(value, Fraction):
        return ["fraction", value.numerator, value.denominator]
    if isinstance(value, dict):
        return ["dict", *([_as_json(key, blobs), _as_json(one, blobs)] for key, one in value.items())]
    if isinstance(value, (list, tuple)):
        kind = type(value).__name__ if type(value) in (list, tuple) else _name_of(type(value))
        return [kind, *(_as_json(one, blobs) for one in value)]
    raise TypeError(f"an answer of {type(value).__name__}")


class _Reader:
    """Reads one answer. classes: {name: class}; most: bytes that may be behind its JSON."""

    def __init__(self, file, classes, most):
        self._file, self._classes, self._left = file, classes, most

    def answer(self):
        """Raises EOFError at the end of the file, anything else for what is no answer."""
        kind, value = json.loads(_read(self._file, MESSAGE), parse_int=_number)
        return kind, self._made(value)

    def _made(self, value):
        if not isinstance(value, list):
            return value
        word, *parts = value
        if word == "array":
            return self._array(*parts)
        if word == "bytes":
            return self._array("|u1", *parts).tobytes()
        if word == "fraction":
            return Fraction(*parts)
        if word == "dict":
            return {self._made(key): self._made(one) for key, one in parts}
        parts = [self._made(one) for one in parts]
        return parts if word == "list" else tuple(parts) if word == "tuple" else self._classes[word](*parts)

    def _array(self, kind, *shape):
        if kind not in KINDS or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError("not an array")
        size = np.dtype(kind).itemsize
        for side in shape:
            size *= side
        self._left -= size
        if self._left < 0:
            raise ValueError("an array that is too large")
        array = np.empty(shape, kind)
        if size and self._file.readinto(memoryview(array.reshape(-1)).cast("B")) < size:
            raise EOFError
        return array


def _number(text):
    if len(text) > DIGITS:
        raise ValueError("a number that is too long")
    return int(text)


def _read(file, most):
    """The bytes of a message. Raises EOFError at the end, ValueError where it is longer than ``most``."""
    head = file.read(8)
    if len(head) < 8:
        raise EOFError
    size, = struct.unpack("<Q", head)
    if size > most:
        raise ValueError("a message that is too long")
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _write(file, data, blobs=()):
    file.write(struct.pack("<Q", len(data)) + data)
    for blob in blobs:
        file.write(blob)
    file.flush()


def _widen(pipe):
    """Let more wait in a pipe than its 64 KiB, where the system can."""
    try:
        import fcntl
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
    except (ImportError, AttributeError, OSError):
        pass


# --- the other process ---

def serve() -> None:
    """Be a worker: do what comes over standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    sys.stderr = own_stderr()  # apart from that of C, whose remarks on a file are part of the answer
    limits, modules, folders = pickle.loads(_read(requests, 1 << 40))
    limits = Limits(*limits)
    without_network()  # while there is one thread
    only_reading(folders)
    for module in modules:
        importlib.import_module(module)
    bound(limits.memory)
    while True:
        try:
            module, name, args, is_stream = pickle.loads(_read(requests, 1 << 40))
        except EOFError:
            return
        try:
            spend(limits.cpu_seconds)
            function = importlib.import_module(module)
            for part in name.split("."):
                function = getattr(function, part)
            if is_stream:
                for item in function(*args):
                    _answer(answers, ITEM, item, limits.answer)
                    del item
                    spend(limits.cpu_seconds)
                _answer(answers, DONE, None, 0)
            else:
                _answer(answers, DONE, function(*args), limits.answer)
        except Exception as error:
            _answer(answers, FAILED, _told(error), MESSAGE)


def _answer(file, kind, value, most):
    blobs = []
    data = json.dumps([kind, _as_json(value, blobs)]).encode()
    if len(data) > MESSAGE or sum(map(len, blobs)) > most:
        raise MemoryError
    _write(file, data, blobs)


def _told(error):
    kind = next((base for base in (UserError, MemoryError, OSError) if isinstance(error, base)), type(error)).__name__
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    number, path = getattr(error, "errno", None), getattr(error, "filename", None)
    return kind, text[:2000], getattr(error, "hint", None), number, None if path is None else str(path)
