"""Output of libraries in C to the terminal: caught while they work, so that a user reads our words alone.

They write to file descriptor 2. A program's own words go through ``sys.stderr``, which ``own_stderr`` puts on a descriptor
of its own, so that catching the one never hides the other, whichever thread speaks.
"""
from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

NATIVE = 2  # the descriptor
MOST = 1 << 16  # bytes that are kept


def own_stderr() -> TextIO:
    """A text stream to where ``sys.stderr`` leads, apart from the descriptor of C; ``sys.stderr`` itself where it is so."""
    try:
        if sys.stderr.fileno() != NATIVE:
            return sys.stderr
        return open(os.dup(NATIVE), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    except (AttributeError, OSError, ValueError):  # no stream, or no file
        return sys.stderr


@contextmanager
def caught() -> Iterator:
    """Within, libraries in C write into the list that is handed out, a line each, and not to the terminal.

    Nothing is caught where ``sys.stderr`` is on the same descriptor, as in a program of somebody else. Threads may be within
    at once; what is written then belongs to none of them.
    """
    lines = []
    if not _is_apart():
        yield lines
        return
    _CATCHER.enter()
    try:
        yield lines
    finally:
        lines += _CATCHER.leave().decode("utf-8", "replace").splitlines()


def _is_apart():
    try:
        return sys.stderr.fileno() != NATIVE
    except (AttributeError, OSError, ValueError):
        return False


class _Catcher:
    """Descriptor 2 of this process, led into a pipe while anybody is within."""

    def __init__(self):
        self._lock, self._within, self._alone = threading.Lock(), 0, True
        self._real = self._reader = None

    def enter(self):
        with self._lock:
            self._within += 1
            self._alone = self._within == 1
            if self._alone:
                self._lead_away()

    def leave(self):
        """The bytes that were written, where nobody else was within since."""
        with self._lock:
            self._within -= 1
            if self._within or self._real is None:
                return b""
            os.dup2(self._real, NATIVE)
            os.close(self._real)
            self._real = None
            try:
                written = os.read(self._reader, MOST)
            except OSError:  # nothing
                written = b""
            os.close(self._reader)
            return written if self._alone else b""

    def renew(self):
        """In a process that was forked while others were within: they are not here."""
        real = self._real
        self.__init__()
        if real is not None:
            os.dup2(real, NATIVE)
            os.close(real)

    def _lead_away(self):
        if not hasattr(os, "set_blocking"):
            return  # Windows before Python 3.12
        try:
            self._real = os.dup(NATIVE)
        except OSError:  # closed: then nobody reads it
            self._real = None
            return
        try:
            self._reader, writer = os.pipe()
        except OSError:  # too many files are open
            os.close(self._real)
            self._real = None
            return
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)  # more than the pipe holds is lost, and nobody waits
        os.dup2(writer, NATIVE)
        os.close(writer)


_CATCHER = _Catcher()  # as there is one descriptor 2


def renew_in_forks() -> None:
    """See ``_Catcher.renew``; to be called once in a program that forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_CATCHER.renew)
