"""Stage configuration: small YAML files that build on one another through ``_base_``, and flags that override them."""
from __future__ import annotations

import os
from pathlib import Path

from bgmatting.training.config.rules import RULES, checked
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.files import PROJECT, WORKPLACE
from bgmatting.utils.yaml_json import overlay, read_config, read_keys, shown

DEFAULT = PROJECT / "configs" / "default.yml"
NAMED_WEIGHTS = ("starter", "imagenet", "auto")  # what ``pretrain`` may be beside a path
# What earlier versions did, whose checkpoints do not name these keys.
EARLIER = {"epoch_of": "foregrounds", "refine": {"train_mode": "full"}}


def load_config(path: str | Path, overrides: dict | None = None) -> dict:
    """Every key of default.yml as a stage's YAML, merged over its ``_base_`` files and over configs/default.yml, and then
    ``overrides`` set it ({key: value}; None: not given). Paths in the files are relative to the project's folder, those
    among the overrides to the current one.

    Raises UserError: a file is missing or not YAML, a key is unknown wherever it stands, or a value is not allowed
    (``config.rules``).
    """
    config = read_keys(DEFAULT)
    _merge(config, read_config(path), str(path))
    _anchor(config)
    _merge(config, {key: value for key, value in (overrides or {}).items() if value is not None}, "command line")
    return config


def _anchor(config):
    places = [(config, key) for key in ("data_root", "save_dir", "pretrain")]
    places += [(config[f"stream_{name}"], "folder") for name in ("painted", "rendered", "photos")]
    places += [(config["folders"], key) for key in config["folders"]]
    for section, key in places:
        if section[key] not in (None, *NAMED_WEIGHTS):
            section[key] = str(WORKPLACE / os.path.expanduser(section[key]))


def _merge(config, source, where, prefix="", rules=RULES):
    """``overlay`` that refuses keys which ``config`` does not have, and values that ``rules`` do not allow."""
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
    """A checkpoint's configuration, with the keys that came after its version as that version had them. Raises UserError:
    a key is unknown or a value not allowed."""
    whole = read_keys(DEFAULT)
    overlay(whole, EARLIER)
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
