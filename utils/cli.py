"""What command lines share: spellings of flags, errors as one line and an exit code, stopping on a signal."""
import argparse
import os
import re
import signal
import sys

from utils.errors import UserError, no_space, one_line


class CommandLine(argparse.ArgumentParser):
    """A parser whose flags of several words are written with hyphens or with underscores, as anybody likes.

    What follows a flag that takes one value is that value, also where it begins with a hyphen; so is the name of a file that
    is there.
    """

    def add_argument(self, *names, **options):
        action = super().add_argument(*dict.fromkeys(spelling for name in names for spelling in _spellings(name)), **options)
        self.__dict__.setdefault("_flags", {}).update(dict.fromkeys(action.option_strings, action))
        return action

    def parse_known_args(self, args=None, namespace=None):
        return super().parse_known_args(list(self._values_joined(sys.argv[1:] if args is None else args)), namespace)

    def error(self, message):
        super().error(one_line(message))

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
        name = word.partition("=")[0]
        return name in self._flags or name.startswith("--") and any(flag.startswith(name) for flag in self._flags)


def _spellings(name):
    if not name.startswith("--"):
        return [name]
    return ["--" + name[2:].replace("_", "-"), "--" + name[2:].replace("-", "_")]


def say(text, stream=None):
    """Print one line, on stdout by default, whatever ``text`` is made of."""
    print(one_line(text), file=stream, flush=True)


def run_main(main, argv=None):
    """Call ``main(argv)`` and end the process: 0 or what it returns, 2 on input that cannot be used, 130 on Ctrl-C."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Printable(streams[0]), Printable(streams[1])
    try:
        code = main(argv)
    except UserError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        code = 2
    except OSError as error:
        if not no_space(error):
            raise
        where = f" while writing {one_line(error.filename)}" if error.filename else ""
        print(f"error: no space left on the disk{where}. Free some space and run the same command again.",
              file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        code = 130
    finally:
        sys.stdout, sys.stderr = streams
    sys.exit(code or 0)


class Printable:
    """A text stream that shows what file names may hold, and a terminal would obey, as escapes: control signs, signs that
    turn the direction of writing, bytes that are no text. Line breaks pass, and how a progress bar moves about."""

    MOVES = re.compile("(\n|\r|\x1b\\[A)")

    def __init__(self, stream):
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # signs that this terminal does not know

    def write(self, text):
        parts = self.MOVES.split(text)
        self._stream.write("".join(part if place % 2 else one_line(part) for place, part in enumerate(parts)))
        return len(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class StopOnSignal:
    """While active, SIGINT and SIGTERM only set ``wanted``, so that the step under way ends and is saved."""

    def __enter__(self):
        self.wanted = False
        self._old = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.wanted = True
