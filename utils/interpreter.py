"""Whether this interpreter can run the project: asked by the scripts before they import anything else.

``python utils/interpreter.py`` (run.sh calls it) asks about the versions alone. What stands here is also understood by the
Python versions that are too old, and needs the standard library alone.
"""
import importlib.util
import os
import re
import shlex
import sys

OLDEST, NEWEST = (3, 9), (3, 13)
OLDEST_PADDLE = (2, 6)
PACKAGES = ("paddle", "numpy", "cv2", "PIL", "yaml", "tqdm", "safetensors", "tifffile", "av")
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def check_interpreter() -> None:
    """End the process with one line and exit code 2 where this interpreter cannot run the project."""
    missing = [] if wrong_version() else [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    line = wrong_version() or ("{} has no {}".format(sys.executable, ", ".join(missing)) if missing else None)
    if line is not None:
        sys.stderr.write(f"error: {line}. {way_out(own_python(), sys.argv)}\n")
        sys.exit(2)


def wrong_version(version: tuple = None, paddle: str = None) -> str:
    """What is too old here, as a text without a full stop; None where nothing is.

    Args:
        version: (major, minor) of Python; default this one's. paddle: text of its version; default what is installed.
    """
    version = tuple(version or sys.version_info[:2])
    if version < OLDEST:
        return "Python {}.{} is too old: {}.{} to {}.{} are supported".format(*version, *OLDEST, *NEWEST)
    paddle = paddle or _paddle_version()
    numbers = re.match(r"(\d+)\.(\d+)", paddle or "")
    if numbers and (0, 0) < (int(numbers.group(1)), int(numbers.group(2))) < OLDEST_PADDLE:  # 0.0.0 is a nightly build
        return "paddle {} is too old: {}.{} or later is needed".format(paddle, *OLDEST_PADDLE)
    return None


def way_out(own: str, words: list) -> str:
    """What to type instead, as a sentence.

    Args:
        own: the interpreter of .venv, or None where there is none, or it is this one.
        words: ``sys.argv``.
    """
    command = " ".join(map(shlex.quote, [own or own_path(), *words]))
    if own:
        return f"Run: {command}"
    return f"Run first: sh {shlex.quote(_from_here('run.sh'))} setup   and then: {command}"


def own_path() -> str:
    """Where the interpreter of .venv is, or will be, as seen from the current folder."""
    inside = os.path.join("Scripts", "python.exe") if os.name == "nt" else os.path.join("bin", "python")
    return _from_here(os.path.join(".venv", inside))


def own_python() -> str:
    """``own_path`` where it is there and another than this interpreter, else None."""
    path = own_path()
    return path if os.path.exists(path) and os.path.abspath(path) != os.path.abspath(sys.executable) else None


def _from_here(path):
    path = os.path.join(PROJECT, path)
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return path


def _paddle_version():
    found = importlib.util.find_spec("paddle")
    for folder in (found.submodule_search_locations or []) if found else []:
        try:
            with open(os.path.join(folder, "version", "__init__.py"), encoding="utf-8") as file:
                told = re.search(r"full_version\s*=\s*['\"]([^'\"]+)", file.read())
        except OSError:
            continue
        if told:
            return told.group(1)
    return None


if __name__ == "__main__":
    if wrong_version():
        sys.stderr.write(f"{sys.executable}: {wrong_version()}.\n")
        sys.exit(2)
