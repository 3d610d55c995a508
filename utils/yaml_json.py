"""Reading YAML and JSON that anybody may have written: no more than a bound of bytes, of values, and of depth."""
from __future__ import annotations

import json
import os
import reprlib
import stat
from pathlib import Path

import yaml

from bgmatting.utils.errors import UserError, one_line

MOST_BYTES = 4 << 20
MOST_VALUES = 20_000  # with everything that an alias stands for
MOST_DEPTH = 20
SHOWN = 60  # characters of a value in a message


def read_yaml(path: str | os.PathLike) -> object:
    """The content of a YAML file. Raises OSError: it cannot be read; UserError: it is not YAML, is too large or too deep,
    or builds on itself through an alias."""
    text = _read(path)
    try:
        _check_yaml(text)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(one_line(" ".join(str(error).split()))[:300].split())
        raise UserError(f"{path} is not valid YAML: {reason}.") from None


def read_json(path: str | os.PathLike, most: int = MOST_BYTES) -> object:
    """The content of a JSON file of at most so many bytes, whose numbers are all finite. Raises OSError: it cannot be
    read; UserError: it is not JSON, or is too large or too deep."""
    text = _read(path, most)
    try:
        return json.loads(text, parse_constant=_not_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {one_line(error)[:300]}.") from None


def shown(value: object) -> str:
    """``value`` for a message: one line of at most 60 characters, whatever it is."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = brief.maxlong = SHOWN
    try:
        text = one_line(brief.repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= SHOWN else text[:SHOWN - 3] + "..."


def _read(path, most=MOST_BYTES):
    # Not blocking, so that a pipe without a writer is refused and not waited for.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(number, "rb") as file:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        if not stat.S_ISREG(mode):
            raise UserError(f"{path} is not a file. Name one that is.")
        data = file.read(most + 1)
    if len(data) > most:
        raise UserError(f"{path} is larger than {most >> 20} MiB; it is not what it is taken for.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: {error.reason} at byte {error.start}.") from None


def _check_yaml(text):
    """Count the values before any is made: an alias counts as all that it stands for."""
    sizes, open_nodes = {}, [[None, 0]]  # anchor -> values; [anchor, values so far] of the collections around
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"the alias *{event.anchor} stands for something around it, or for nothing")
            _add(open_nodes, sizes[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = 1
            _add(open_nodes, 1)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            sizes.pop(event.anchor, None)
            open_nodes.append([event.anchor, 1])
            if len(open_nodes) > MOST_DEPTH:
                raise ValueError(f"it is deeper than {MOST_DEPTH} levels")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            anchor, count = open_nodes.pop()
            sizes[anchor] = count
            _add(open_nodes, count)


def _add(open_nodes, count):
    open_nodes[-1][1] += count
    if open_nodes[-1][1] > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values")


def _finite(text):
    value = float(text)
    return value if abs(value) != float("inf") else _not_finite(text)


def _not_finite(text):
    raise ValueError(f"{text[:SHOWN]} is not a finite number")


MOST_LEVELS, MOST_FILES = 20, 100  # of what one configuration builds on


def read_config(path: str | os.PathLike) -> dict:
    """A configuration with the files that it builds on (``_base_``: a name or a list, relative to the file) merged in.

    The file's own keys win over those of its bases, and of several bases the first ones over those behind them, as
    PaddleSeg has it; keys below keys are merged likewise.

    Raises:
        UserError: a file is missing or no YAML, does not hold keys and values, or builds on itself.
    """
    return _with_bases(Path(path), (), [])


def _with_bases(path, above, files):
    path = Path(os.path.realpath(path))
    if path in above:
        raise UserError(f"{path} builds on itself through _base_; break the circle.")
    files.append(path)
    for most, count, what in ((MOST_LEVELS, len(above), "levels"), (MOST_FILES, len(files), "files")):
        if count > most:
            raise UserError(f"{path} is one of more than {most} {what} that build on one another; join some of them.")
    own = read_keys(path)
    bases = own.pop("_base_", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) and base and "\0" not in base for base in bases):
        raise UserError(f"'_base_' in {path} must be a file name or a list of them, not {shown(bases)}.")
    merged: dict = {}
    for base in reversed(bases):
        overlay(merged, _with_bases(path.parent / base, above + (path,), files))
    overlay(merged, own)
    return merged


def read_keys(path: str | os.PathLike) -> dict:
    """The keys and values of one YAML file. Raises UserError where it is missing, or holds something else."""
    try:
        content = read_yaml(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"no such configuration: {path}. Those of the project lie in configs.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    content = {} if content is None else content
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UserError(f"{path} is no configuration: it must hold keys and values.")
    return content


def overlay(target: dict, source: dict) -> None:
    """Write the keys of ``source`` over those of ``target``, keys below keys one by one."""
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            overlay(target[key], value)
        else:
            target[key] = value
