"""Folders for uploads and results. All lie in one of the process, which goes when it ends. How long they stay: ``limits``;
results of jobs end in ``jobs.Jobs.sweep``."""
from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from bgmatting.web.refusals import Refused

NAME = "matting-web-"
MEASURED = 1.0  # seconds for which what lies there counts as measured
ROUND = 20.0  # seconds between two looks for what is old


class Storage:
    """Makes folders and removes them: ``page`` is that of the page's files, which go when nobody has touched them for
    ``keep_seconds``; ``most``: bytes that may lie here in all."""

    def __init__(self, keep_seconds: float, most: float = float("inf")):
        _clear_up()
        self._keep, self._most = keep_seconds, most
        self._used, self._measured, self._lock_used = 0, 0.0, threading.Lock()
        made = Path(tempfile.mkdtemp(prefix=f"new-{NAME}"))
        self._lock = _locked(made)  # before it has the name by which others look for what may go
        self.root = made.rename(made.with_name(made.name[len("new-"):]))
        self.page = self.root / "page"
        self.page.mkdir()
        self._closed, self._rounds = threading.Event(), []

    def start(self, *rounds: Callable[[], None]) -> None:
        """Look for old files from now on; ``rounds`` are called as often, for what others keep."""
        self._rounds = rounds
        threading.Thread(target=self._go_round, daemon=True).start()

    def took(self, size: int) -> None:
        """Note that so many bytes more came, or will. Raises Refused (429) where they are more than may lie here in all."""
        with self._lock_used:
            now = time.monotonic()
            if now - self._measured > MEASURED:
                self._used, self._measured = size_of(self.root), now
            self._used += size
            if self._used > self._most:
                raise Refused(429, f"uploads and results take the {self._most / 2 ** 20:.0f} MiB that there are for them. "
                                   f"Try again later.")

    def folder(self) -> Path:
        """A new folder, which somebody will ``remove``."""
        return Path(tempfile.mkdtemp(prefix="request-", dir=self.root))

    @contextmanager
    def request(self) -> Iterator[Path]:
        """A new folder that is gone behind the ``with``."""
        folder = self.folder()
        try:
            yield folder
        finally:
            self.remove(folder)

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove a folder of ``folder``."""
        shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, now: float | None = None) -> None:
        """Remove what is old of the page's files."""
        now = time.time() if now is None else now
        for path in sorted(self.page.rglob("*"), reverse=True):  # what lies in a folder comes before it
            try:
                if now - path.lstat().st_mtime < self._keep:
                    continue
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError:
                continue  # not empty, or gone

    def close(self) -> None:
        """Remove everything."""
        self._closed.set()
        shutil.rmtree(self.root, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _go_round(self):
        while not self._closed.wait(ROUND):
            self.sweep()
            for look in self._rounds:
                look()


def size_of(folder: str | os.PathLike) -> int:
    """Bytes of all files below a folder; 0 where it is not there."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # gone by now
                pass
    return size


def _clear_up():
    """Remove what processes that were killed have left: nobody holds the lock on it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder):
    """A descriptor that holds a lock on a folder of this user until it is closed, or its process ends; None where there is
    none to be had, as on Windows."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(descriptor).st_uid == os.getuid():
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None
