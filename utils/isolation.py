"""Decoders of other people's files in processes of their own: what crashes, hangs or eats memory there is one failed file.

``Workers`` keeps a few Python processes warm. They run functions of modules by name, within limits of processor time, wall
time, memory and file size, and without a network where the kernel grants that. Arguments go over a pipe. Arrays of the
answer come through memory that both have mapped (memfd, else a temporary file), the rest over a pipe as a pickle that may
hold numbers, text and classes named in advance, so that a process that was taken over cannot make this one run anything.
Workers are started afresh (not forked): threads of this process do not matter to them, and Windows and macOS know them, too.
"""
from __future__ import annotations

import importlib
import io
import mmap
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bgmatting.utils.errors import UserError
from bgmatting.utils.foreign import own_stderr

SLOTS = 3               # answers of a stream that are under way
USES = 1000             # calls after which a worker is replaced
MESSAGE = 32 << 20      # bytes of an answer beside its arrays
KEPT = 64 << 20         # bytes of shared memory that are kept for the next answer
TYPES = {"|b1", "|u1", "<u2", "<i2", "<i4", "<i8", "<f4", "<f8"}  # of arrays
NEWUSER, NEWNET, NO_NEW_PRIVILEGES = 0x10000000, 0x40000000, 38   # of Linux: unshare and prctl
# One thread for what is no decoding; and glibc keeps its memory: getting it anew took as long as decoding a photo.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
               "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
DONE, FAILED, ITEM = "done", "failed", "item"


class Limits(NamedTuple):
    """Limits of one call, of a stream each item: wall and processor seconds; bytes of memory beyond what the worker
    begins with; bytes of the answer's arrays, and of any file."""
    seconds: float = 60.0
    cpu_seconds: float = 120.0
    memory: int = 4 << 30
    answer: int = 1 << 30


class Workers:
    """A context manager: ``call`` and ``stream`` may be used by several threads, each call has a worker of its own.

    Args:
        count: how many there are at most; they start with the first calls, and ``count`` at once with ``warm``.
        limits: see ``Limits``.
        modules: names of modules that a worker imports before it is asked.
        classes: classes of this project that answers may hold, such as NamedTuples.
    """

    def __init__(self, count: int = 1, limits: Limits | None = None, modules: Sequence[str] = (),
                 classes: Sequence[type] = ()):
        self._limits, self._modules, self._classes = limits or Limits(), tuple(modules), (*classes, Fraction)
        self._idle, self._room, self._all = queue.LifoQueue(), threading.Semaphore(count), set()
        self._count, self._closed, self._lock = count, False, threading.Lock()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def warm(self) -> Workers:
        """Start all workers, and do not wait for them."""
        for _ in range(self._count - len(self._all)):
            self._idle.put(self._new())
        return self

    def call(self, function: Callable, *args: Any, name: object = "the file") -> Any:
        """``function(*args)``, done by a worker.

        Args:
            function: of a module, by whose name the worker finds it. name: of what is decoded, for messages.
        Raises:
            UserError: as ``function`` raises it; it crashed, took too long or too much memory, or raised anything else but
                an OSError, which is raised as it is.
        """
        with self._worker() as worker:
            return worker.ask(function, args, str(name))

    def decode(self, function: Callable, path: str | os.PathLike, *args: Any) -> Any:
        """``function(path, *args)`` as ``call`` does it, with the path for a name."""
        return self.call(function, os.fspath(path), *args, name=path)

    @contextmanager
    def stream(self, function: Callable, *args: Any, name: object = "the file") -> Iterator[Iterator[Any]]:
        """Within, an iterator of what the generator ``function(*args)`` gives in a worker, a few items ahead.

        Args and errors as ``call``.
        """
        with self._worker() as worker:
            items = worker.items(function, args, str(name))
            try:
                yield items
            finally:
                if not worker.stopped():
                    worker.kill()  # in the middle of a stream

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
                if worker.alive() and worker.uses < USES and not self._closed:
                    self._idle.put(worker)
                else:
                    self._drop(worker)

    def _take(self):
        """A worker that nobody uses."""
        while True:
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return self._new()
            if worker.alive():
                return worker
            self._drop(worker)

    def _drop(self, worker):
        worker.kill()
        with self._lock:
            self._all.discard(worker)

    def _new(self):
        worker = _Worker(self._limits, self._modules, self._classes)
        with self._lock:
            self._all.add(worker)
        return worker


class _Worker:
    """This side of one process."""

    def __init__(self, limits, modules, classes):
        self._limits, self._classes, self.uses, self._timed_out, self._streams = limits, classes, 0, False, False
        self._memory = [_Memory() for _ in range(SLOTS)]
        path = [entry or os.getcwd() for entry in sys.path]
        code = f"import sys; sys.path[:] = {path!r}; from {__name__} import serve; serve()"
        posix = os.name == "posix"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
            # a signal from the terminal is this process's business
            **({"pass_fds": [memory.number for memory in self._memory], "start_new_session": True} if posix else
               {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}))
        self._send((tuple(limits), modules, [memory.handle for memory in self._memory]))

    def ask(self, function, args, name):
        self._begin(function, args, False)
        kind, value = self._receive(name, self._memory[0])
        return value if kind == DONE else self._raise(value, name)

    def items(self, function, args, name):
        self._begin(function, args, True)
        self._streams, count = True, 0
        while True:
            kind, value = self._receive(name, self._memory[count % SLOTS])
            if kind != ITEM:
                self._streams = False
                if kind == FAILED:
                    self._raise(value, name)
                return
            count += 1
            self._send(None)  # its place is free
            yield value

    def stopped(self):
        """Return whether no stream is under way."""
        return not self._streams

    def alive(self):
        return self._process.poll() is None

    def kill(self):
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:  # what it did not take any more
                pass
        for memory in self._memory:
            memory.close()

    def _begin(self, function, args, is_stream):
        self.uses += 1
        self._timed_out = False
        self._send((function.__module__, function.__qualname__, args, is_stream))

    def _send(self, message):
        data = pickle.dumps(message)
        try:
            self._process.stdin.write(struct.pack("<Q", len(data)) + data)
            self._process.stdin.flush()
        except OSError:  # it has ended: the answer says so
            pass

    def _receive(self, name, memory):
        watch = threading.Timer(self._limits.seconds, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            data = _read_message(self._process.stdout, MESSAGE)
        finally:
            watch.cancel()
        if data is None:
            raise self._ended(name)
        try:
            kind, value = _Answer(data, memory, self._classes, self._limits.answer).load()
        except Exception:  # whatever it says instead of an answer
            self._process.kill()
            self._process.wait()
            raise UserError(f"cannot decode {name}: its decoder gave no proper answer.") from None
        memory.shrink()
        return kind, value

    def _give_up(self):
        self._timed_out = True
        self._process.kill()

    def _ended(self, name):
        code = self._process.wait()
        if self._timed_out or hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            return UserError(f"cannot decode {name}: it took more than {self._limits.seconds:.0f} s. Convert it to another "
                             f"format.")
        try:
            how = signal.Signals(-code).name
        except ValueError:
            how = f"code {code}"
        return UserError(f"cannot decode {name}: its decoder crashed ({how}). Open it in another program and save it again.")

    def _raise(self, value, name):
        kind, text, hint, number, path = value
        if kind == "UserError":
            raise UserError(text, hint)
        if kind == "MemoryError":
            raise UserError(f"{name} needs more memory than the {self._limits.memory / 2 ** 30:.1f} GiB that it may take. "
                            f"Save it smaller.")
        if kind == "OSError":
            raise OSError(number, text, path)
        raise UserError(f"cannot decode {name}: unexpected {kind}{': ' * bool(text)}{' '.join(text.split())}")


class _Memory:
    """Memory that two processes have mapped; where it is a memfd, neither can take away what the other reads."""

    def __init__(self):
        self._path, self._map = None, None
        if hasattr(os, "memfd_create"):
            import fcntl
            self.number = os.memfd_create("answer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            fcntl.fcntl(self.number, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        else:
            self.number, self._path = tempfile.mkstemp()
        self.handle = self.number if os.name == "posix" else self._path

    @classmethod
    def of(cls, handle):
        """That of the other process, by its handle."""
        memory = cls.__new__(cls)
        memory.number = handle if isinstance(handle, int) else os.open(handle, os.O_RDWR | os.O_BINARY)
        memory._path, memory._map = None, None
        return memory

    def view(self, offset, size, grows=False):
        """``size`` bytes as a writable memoryview."""
        end = offset + size
        if self._map is None or len(self._map) < end:
            if grows and os.fstat(self.number).st_size < end:
                os.ftruncate(self.number, end)
            self._map = mmap.mmap(self.number, end)  # the older one goes with its views; ValueError beyond the end
        return memoryview(self._map)[offset:end]

    def shrink(self):
        """Give back what a large answer took, where the system can."""
        if self._map is not None and len(self._map) > KEPT and hasattr(mmap, "MADV_REMOVE"):
            self._map.madvise(mmap.MADV_REMOVE)

    def close(self):
        self._map = None
        if self.number is not None:
            os.close(self.number)
            self.number = None
        if self._path is not None:
            os.remove(self._path)
            self._path = None


class _Answer(pickle.Unpickler):
    """Takes numbers, text, containers, arrays, and the classes named."""

    def __init__(self, data, memory, classes, most):
        super().__init__(io.BytesIO(data))
        self._memory, self._left = memory, most
        self._classes = {(kind.__module__, kind.__qualname__): kind for kind in classes}

    def find_class(self, module, name):
        try:
            return self._classes[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected") from None

    def persistent_load(self, facts):
        offset, shape, kind = facts
        if kind not in TYPES or not all(type(side) is int and side >= 0 for side in (offset, *shape)):
            raise pickle.UnpicklingError("not an array")
        size = np.dtype(kind).itemsize
        for side in shape:
            size *= side
        self._left -= size
        if self._left < 0:
            raise pickle.UnpicklingError("an array that is too large")
        return np.frombuffer(self._memory.view(offset, size), kind).reshape(shape).copy() if size else np.empty(shape, kind)


def _read_message(file, most):
    """The bytes of a message; None at the end, and where it is longer than ``most``."""
    head = file.read(8)
    if len(head) < 8:
        return None
    size, = struct.unpack("<Q", head)
    data = file.read(size) if size <= most else b""
    return data if len(data) == size else None


# --- the other process ---

class _Writer(pickle.Pickler):
    """Puts arrays into shared memory, and the rest where ``file`` is."""

    def __init__(self, file, memory, most):
        super().__init__(file, protocol=4)
        self._memory, self._at, self._most = memory, 0, most

    def persistent_id(self, thing):
        if not isinstance(thing, np.ndarray):
            return None
        array = np.ascontiguousarray(thing)
        if self._at + array.nbytes > self._most:
            raise MemoryError
        offset = self._at
        if array.nbytes:
            np.frombuffer(self._memory.view(offset, array.nbytes, True), array.dtype)[:] = array.reshape(-1)
        self._at += -(-array.nbytes // 64) * 64
        return offset, array.shape, array.dtype.str


def serve() -> None:
    """Be a worker: do what comes over standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    sys.stderr = own_stderr()  # apart from that of C, whose remarks on a file are part of the answer
    limits, modules, handles = pickle.loads(_read_message(requests, MESSAGE))
    limits = Limits(*limits)
    without_network()  # while there is one thread
    memory = [_Memory.of(handle) for handle in handles]
    for module in modules:
        importlib.import_module(module)
    bound(limits)
    while True:
        data = _read_message(requests, 1 << 40)
        if data is None:
            return
        module, name, args, is_stream = pickle.loads(data)
        answer = _Replies(answers, requests, memory, limits)
        try:
            spend(limits.cpu_seconds)
            function = importlib.import_module(module)
            for part in name.split("."):
                function = getattr(function, part)
            if is_stream:
                for item in function(*args):
                    answer.item(item)
                    spend(limits.cpu_seconds)
                answer.last(DONE, None)
            else:
                answer.last(DONE, function(*args))
        except Exception as error:
            answer.last(FAILED, _told(error))


class _Replies:
    """The answers to one request."""

    def __init__(self, file, requests, memory, limits):
        self._file, self._requests, self._memory, self._limits, self._count = file, requests, memory, limits, 0

    def item(self, value):
        if self._count >= SLOTS:
            _read_message(self._requests, MESSAGE)  # one has been taken
        self._send((ITEM, value))
        self._count += 1

    def last(self, kind, value):
        if self._count:
            for _ in range(min(self._count, SLOTS)):
                _read_message(self._requests, MESSAGE)
        self._send((kind, value))

    def _send(self, message):
        data = io.BytesIO()
        _Writer(data, self._memory[self._count % SLOTS], self._limits.answer).dump(message)
        self._file.write(struct.pack("<Q", data.tell()) + data.getvalue())
        self._file.flush()


def _told(error):
    kind = next((base for base in (UserError, MemoryError, OSError) if isinstance(error, base)), type(error)).__name__
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    number, path = getattr(error, "errno", None), getattr(error, "filename", None)
    return kind, text[:2000], getattr(error, "hint", None), number, None if path is None else str(path)


def without_network() -> bool:
    """Leave this process without any network but its own, where the kernel allows it; whether it did."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return libc.unshare(NEWNET) == 0 or libc.unshare(NEWUSER | NEWNET) == 0


def bound(limits: Limits) -> None:
    """Bound memory and files of this process, where there is a module for it."""
    try:
        import resource
    except ImportError:
        return
    with open("/proc/self/statm", encoding="ascii") if os.path.exists("/proc/self/statm") else io.StringIO("0") as file:
        begun = int(file.read().split()[0]) * resource.getpagesize()
    for kind, value in ((resource.RLIMIT_AS, begun + limits.memory), (resource.RLIMIT_FSIZE, limits.answer),
                        (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):  # macOS knows no bound of addresses
            pass


def spend(seconds: float) -> None:
    """Let this process take so many more seconds of processors, where there is a module for it."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))
