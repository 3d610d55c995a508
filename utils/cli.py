"""What command lines share: spellings of flags, errors as one line and an exit code, stopping on a signal."""
import argparse
import signal
import sys

from utils.errors import UserError, no_space, one_line


class CommandLine(argparse.ArgumentParser):
    """A parser whose flags of several words are written with hyphens or with underscores, as anybody likes."""

    def add_argument(self, *names, **options):
        return super().add_argument(*dict.fromkeys(spelling for name in names for spelling in _spellings(name)), **options)


def _spellings(name):
    if not name.startswith("--"):
        return [name]
    return ["--" + name[2:].replace("_", "-"), "--" + name[2:].replace("-", "_")]


def run_main(main, argv=None):
    """Call ``main(argv)`` and end the process: 0 or what it returns, 2 on input that cannot be used, 130 on Ctrl-C."""
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
    sys.exit(code or 0)


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
