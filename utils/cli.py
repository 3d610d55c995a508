"""Common parts of command lines: spellings of flags, errors as one line and an exit code, stopping on a signal."""
from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

from bgmatting.utils.errors import UserError, no_space, one_line, suggest
from bgmatting.utils.files import PROJECT
from bgmatting.utils.library_output import own_stderr, renew_in_forks
from bgmatting.utils.other_flags import same_flag

STOPS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
AT_ONCE = 0.1  # seconds within which signals count as one


class CommandLine(argparse.ArgumentParser):
    """A parser whose flags of several words are written with hyphens or with underscores, as anybody likes; in full, for
    run.sh looks for some of them, too.

    What follows a flag that takes one value is that value, also where it begins with a hyphen; so is the name of a file that
    is there.
    """

    def __init__(self, *args: object, **options: object):
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def add_argument(self, *names: str, **options: object) -> argparse.Action:
        action = super().add_argument(*dict.fromkeys(spelling for name in names for spelling in _spellings(name)), **options)
        self.__dict__.setdefault("_flags", {}).update(dict.fromkeys(action.option_strings, action))
        return action

    def parse_known_args(self, args: list[str] | None = None,
                         namespace: argparse.Namespace | None = None) -> tuple[argparse.Namespace, list[str]]:
        words = list(self._values_joined(sys.argv[1:] if args is None else args))
        if any(word == "" or word.endswith("=") and self._is_flag(word) for word in words):
            self.error("an argument is empty, as if a variable of the shell had no value")
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """One line on stderr, and exit code 2; of a flag that is not known, the one that does the same here or the
        nearest is named."""
        unknown = re.match(r"unrecognized arguments: (--[^\s=]+)", message)
        hint = unknown and (same_flag(unknown[1], self._flags) or suggest(unknown[1], self._flags)) or ""
        hint = "" if hint.startswith(" Known") else hint
        self.exit(2, f"error: {one_line(message)}.{hint} {self.prog} --help shows what it takes.\n")

    def _values_joined(self, words):
        """The words of a command line, "--src", "-me.jpg" as "--src=-me.jpg"."""
        words, at = list(words), 0
        while at < len(words):
            word, value = words[at], words[at + 1] if at + 1 < len(words) else ""
            if word == "--":
                yield from words[at:]
                return
            if self._takes_one(word) and value.startswith("-") and not self._is_flag(value):
                yield f"{word}={value}"
                at += 1
            elif word.startswith("-") and not self._is_flag(word) and os.path.lexists(word):
                yield os.path.join(os.curdir, word)
            else:
                yield word
            at += 1

    def _takes_one(self, word):
        return word.startswith("--") and word in self._flags and self._flags[word].nargs is None

    def _is_flag(self, word):
        return word.partition("=")[0] in self._flags


def _spellings(name):
    if not name.startswith("--"):
        return [name]
    return ["--" + name[2:].replace("_", "-"), "--" + name[2:].replace("-", "_")]


def say(text: str, stream: TextIO | None = None) -> None:
    """Print one line, on stdout by default, whatever ``text`` is made of."""
    print(one_line(text), file=stream, flush=True)


def run_main(main: Callable, argv: list[str] | None = None) -> NoReturn:
    """Call ``main(argv)`` and end the process.

    Exit codes: 0 or what main returns, 2 for input or places that cannot be used, 130 on Ctrl-C, 141 where nobody reads the
    output any more. A second signal ends the process whatever it does.
    """
    streams, own = (sys.stdout, sys.stderr), own_stderr()
    sys.stdout, sys.stderr = (Printable(stream or _nowhere()) for stream in (streams[0], own))
    renew_in_forks()
    try:
        with stopped_by_signals(), warnings.catch_warnings():
            warnings.showwarning = _noted
            code = main(argv)
        sys.stdout.flush()
    except UserError as error:
        code = _told(2, f"error: {error}")
        if error.hint is not None:
            say(error.hint, sys.stderr)
    except BrokenPipeError:
        code = _unread(streams[0])
    except OSError as error:
        line = _reason(error)
        if line is None:
            raise
        code = _told(2, f"error: {line}")
    except KeyboardInterrupt as error:
        code = _told(128 + error.args[0] if isinstance(error, Stopped) else 130, "stopped.")
    finally:
        sys.stdout, sys.stderr = streams
        _close(own)
    sys.exit(code or 0)


def _noted(message, category, filename, lineno, file=None, line=None):
    """Show what this project warns of in one line, and what others do as Python shows it."""
    if category is RuntimeWarning and Path(filename).is_relative_to(PROJECT):
        say(f"note: {message}", sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _nowhere():
    """A stream for what a process without stdout or stderr has to say."""
    return open(os.devnull, "w")


def _close(own):
    """Close the copy of stderr; nobody may read it any more."""
    try:
        if own is not sys.stderr:
            own.close()
    except OSError:
        pass


def _told(code, text):
    say(text, sys.stderr)
    return code


def _reason(error):
    """An OSError in one line, where it is about a place that the user named; None for all others."""
    if no_space(error):
        where = f" while writing {error.filename}" if error.filename else ""
        return f"no space left on the disk{where}. Free some space, then run it again."
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}. Look at its permissions, or name another place."
    if "temporary directory" in str(error):
        return f"{error.strerror}. Set TMPDIR to a folder that can be written."
    return None


def _unread(stream):
    """Throw away what is still to be written, or Python would complain of it at the end."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass  # it is no file
    return 128 + 13  # as of a process that SIGPIPE ended


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP end the work as Ctrl-C does, and a second signal ends the process at once, also where
    Python does not come to its handlers because a library computes or a file blocks. What comes at the same moment counts
    as one, as when a terminal is closed.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(os, "register_at_fork"):
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _stop) for number in STOPS if signal.getsignal(number) is signal.SIG_DFL}
    os.register_at_fork(after_in_child=_as_before)
    threading.Thread(target=_end_on_second, args=(reader,), daemon=True).start()
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(writer)


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: what is half written is removed on the way out."""


def _stop(number, frame):
    raise Stopped(number)


def _as_before():
    """A worker process that was forked tells nobody of its own signals, and ends by them at once."""
    signal.set_wakeup_fd(-1)
    for number in STOPS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, signal.SIG_DFL)


def _is_nohup(number):
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN


def _end_on_second(reader):
    first = None
    while True:
        number = os.read(reader, 1)
        if not number:
            break
        if number[0] not in STOPS:
            continue
        now = time.monotonic()
        if first is not None and now - first > AT_ONCE:
            os._exit(128 + number[0])
        first = now if first is None else first
    os.close(reader)


class Printable:
    """A text stream that shows what file names may hold, and a terminal would obey, as escapes: control signs, signs that
    turn the direction of writing, bytes that are no text. Line breaks pass, and how a progress bar moves about."""

    MOVES = re.compile("(\n|\r|\x1b\\[A)")

    def __init__(self, stream: TextIO):
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # signs that this terminal does not know

    def write(self, text: str) -> int:
        parts = self.MOVES.split(text)
        self._stream.write("".join(part if place % 2 else one_line(part) for place, part in enumerate(parts)))
        return len(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class StopOnSignal:
    """While active, SIGINT, SIGTERM and SIGHUP only set ``wanted``, so that the step under way ends and is saved."""

    def __enter__(self):
        self.wanted = False
        self._old = {number: signal.signal(number, self._note) for number in STOPS if not _is_nohup(number)}
        return self

    def __exit__(self, *_):
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.wanted = True
