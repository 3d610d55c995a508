"""Stage configuration: small YAML files that build on one another through ``_base_``, and flags that override them."""
from __future__ import annotations

import os
from pathlib import Path

from bgmatting.training.config.rules import RULES, checked
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.files import PROJECT, WORKPLACE
from bgmatting.utils.plain_files import read_yaml, shown

DEFAULT = PROJECT / "configs" / "default.yml"
MOST_LEVELS, MOST_FILES = 20, 100  # of what one stage builds on
NAMED_WEIGHTS = ("starter", "imagenet", "auto")  # what ``pretrain`` may be beside a path
# What earlier versions did, whose checkpoints do not name these keys.
EARLIER = {"epoch_of": "foregrounds", "refine": {"train_mode": "full"}}


def load_config(path: str | Path, overrides: dict | None = None) -> dict:
    """Read a stage's YAML, merge it over its ``_base_`` files and over configs/default.yml, and apply ``overrides``.

    default.yml lists every key there is, so a misspelt key is found wherever it stands.

    Paths in the files are relative to the project's folder, those among the overrides to the current one.

    Args:
        path: the stage's YAML file.
        overrides: {key: value}; None values are left out.

    Returns:
        dict with every key of default.yml.

    Raises:
        UserError: a file is missing or not YAML, a key is unknown, or a value is not allowed (``config.rules``).
    """
    config = _read(DEFAULT)
    _merge(config, _read_with_bases(Path(path), (), []), str(path))
    _anchor(config)
    _merge(config, {key: value for key, value in (overrides or {}).items() if value is not None}, "command line")
    return config


def _anchor(config):
    for key in ("data_root", "save_dir", "pretrain"):
        if config[key] not in (None, *NAMED_WEIGHTS):
            config[key] = str(WORKPLACE / os.path.expanduser(config[key]))
    config["folders"] = {key: path and str(WORKPLACE / os.path.expanduser(path)) for key, path in config["folders"].items()}


def _read_with_bases(path, above, files):
    path = Path(os.path.realpath(path))
    if path in above:
        raise UserError(f"{path} builds on itself through _base_; break the circle.")
    files.append(path)
    for most, count, what in ((MOST_LEVELS, len(above), "levels"), (MOST_FILES, len(files), "files")):
        if count > most:
            raise UserError(f"{path} is one of more than {most} {what} that build on one another; join some of them.")
    own = _read(path)
    bases = own.pop("_base_", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) and base and "\0" not in base for base in bases):
        raise UserError(f"'_base_' in {path} must be a file name or a list of them, not {shown(bases)}.")
    merged = {}
    for base in bases:
        _overlay(merged, _read_with_bases(path.parent / base, above + (path,), files))
    _overlay(merged, own)
    return merged


def _read(path):
    try:
        content = read_yaml(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"no such config file: {path}. The stages are configs/stage1.yml, stage2.yml, stage3.yml.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    content = {} if content is None else content
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UserError(f"{path} must hold keys and values.")
    return content


def _overlay(target, source):
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _overlay(target[key], value)
        else:
            target[key] = value


def _merge(config, source, where, prefix="", rules=RULES):
    """``_overlay`` that refuses keys which ``config`` does not have, and values that ``rules`` do not allow."""
    for key, value in source.items():
        if key not in rules:
            raise UserError(f"unknown key '{prefix}{shown(key)[1:-1]}' in {where}.{suggest(key, rules)}")
        if isinstance(rules[key], dict):
            if not isinstance(value, dict):
                raise UserError(f"'{prefix}{key}' in {where} must hold keys and values, not {shown(value)}.")
            _merge(config[key], value, where, f"{prefix}{key}.", rules[key])
            continue
        try:
            config[key] = checked(value, rules[key], f"{prefix}{key}", where)
        except ValueError as error:
            raise UserError(str(error)) from None


def completed(config: object) -> dict:
    """A checkpoint's configuration, with the keys that came after its version as that version had them.

    Raises:
        UserError: a key is unknown or a value not allowed, so that it is no configuration of this program.
    """
    whole = _read(DEFAULT)
    _overlay(whole, EARLIER)
    _merge(whole, config if isinstance(config, dict) else {}, "the checkpoint's configuration")
    return whole


def differences(old: dict, new: dict, prefix: str = "") -> list[str]:
    """Lines ``key: old value, now new value`` for every key on which two configurations differ."""
    lines = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"{prefix}{key}: {before}, now {after}")
    return lines
