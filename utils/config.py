"""Stage configuration: small YAML files that build on one another through ``_base_``, and flags that override them."""
from pathlib import Path

import yaml

from utils.errors import UserError, suggest

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT / "configs" / "default.yml"


def load_config(path, overrides=None):
    """Read a stage's YAML, merge it over its ``_base_`` files and over configs/default.yml, and apply ``overrides``.

    default.yml lists every key there is, so a misspelt key is found wherever it stands.

    Args:
        path: the stage's YAML file.
        overrides: {key: value}; None values are left out.

    Returns:
        dict with every key of default.yml.

    Raises:
        UserError: a file is missing or not YAML, or a key is unknown.
    """
    config = _read(DEFAULT)
    _merge(config, _read_with_bases(Path(path), ()), str(path))
    _merge(config, {key: value for key, value in (overrides or {}).items() if value is not None}, "command line")
    return config


def _read_with_bases(path, above):
    path = path.resolve()
    if path in above:
        raise UserError(f"{path} builds on itself through _base_; break the circle.")
    own = _read(path)
    bases = own.pop("_base_", [])
    merged = {}
    for base in [bases] if isinstance(bases, str) else bases:
        _overlay(merged, _read_with_bases(path.parent / base, above + (path,)))
    _overlay(merged, own)
    return merged


def _read(path):
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"no such config file: {path}. The stages are configs/stage1.yml, stage2.yml, stage3.yml.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content or {}, dict):
        raise UserError(f"{path} must hold keys and values.")
    return content or {}


def _overlay(target, source):
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _overlay(target[key], value)
        else:
            target[key] = value


def _merge(config, source, where, prefix=""):
    """``_overlay`` that refuses keys which ``config`` does not have, and values of another kind."""
    for key, value in source.items():
        if key not in config:
            raise UserError(f"unknown key '{prefix}{key}' in {where}.{suggest(key, config)}")
        old = config[key]
        if isinstance(old, dict):
            if not isinstance(value, dict):
                raise UserError(f"'{prefix}{key}' in {where} must hold keys and values.")
            _merge(old, value, where, f"{prefix}{key}.")
        else:
            config[key] = _converted(value, old, f"{prefix}{key}", where)


def _converted(value, old, key, where):
    if old is None or value is None or isinstance(value, type(old)) and not isinstance(value, bool):
        return value
    if isinstance(old, bool) and isinstance(value, bool):
        return value
    if isinstance(old, float) and not isinstance(value, (bool, list, dict)):
        try:
            return float(value)  # YAML reads 1e-4 without a point as text
        except ValueError:
            pass
    raise UserError(f"'{key}' in {where} must be of type {type(old).__name__}, not {value!r}.")


def differences(old, new, prefix=""):
    """Lines ``key: old value, now new value`` for every key on which two configurations differ."""
    lines = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"{prefix}{key}: {before}, now {after}")
    return lines
