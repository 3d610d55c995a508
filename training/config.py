"""Stage configuration: small YAML files that build on one another through ``_base_``, and flags that override them."""
from pathlib import Path

import yaml

from utils.errors import UserError, suggest
from utils.files import PROJECT

DEFAULT = PROJECT / "configs" / "default.yml"
CHOICES = {"schedule": ("constant", "cosine"), "amp": (None, "O1", "O2"), "amp_dtype": ("float16", "bfloat16")}

# Counts that a run divides by or that have no meaning below 1.
AT_LEAST_ONE = ("stream_length", "log_train_loss_interval", "log_images_interval", "valid_interval", "valid_count",
                "valid_size", "checkpoint_interval", "keep_checkpoint_max", "accumulate", "nonfinite_max",
                "phases.base.batch_size", "phases.joint.batch_size", "phases.base.size", "phases.joint.size")
AT_LEAST_ZERO = ("num_workers", "bad_files_max", "seed", "warmup_iters", "clip_norm", "phases.base.epochs",
                 "phases.joint.epochs", "learning_rate", "refine.sample_pixels", "refine.train_pixels", "stream_camouflage",
                 "ema")
LEAST_CROP = {"base": 16, "joint": 64}  # the coarse network sees a quarter of a joint crop


def load_config(path, overrides=None):
    """Read a stage's YAML, merge it over its ``_base_`` files and over configs/default.yml, and apply ``overrides``.

    default.yml lists every key there is, so a misspelt key is found wherever it stands.

    Paths in the files are relative to the project's folder, those among the overrides to the current one.

    Args:
        path: the stage's YAML file.
        overrides: {key: value}; None values are left out.

    Returns:
        dict with every key of default.yml.

    Raises:
        UserError: a file is missing or not YAML, a key is unknown, or a value is of another kind or out of range.
    """
    config = _read(DEFAULT)
    _merge(config, _read_with_bases(Path(path), ()), str(path))
    _anchor(config)
    _merge(config, {key: value for key, value in (overrides or {}).items() if value is not None}, "command line")
    _check_ranges(config)
    return config


def _anchor(config):
    for key in ("data_root", "save_dir", "pretrain"):
        if config[key] not in (None, "starter"):
            config[key] = str(PROJECT / Path(config[key]).expanduser())


def _read_with_bases(path, above):
    path = path.resolve()
    if path in above:
        raise UserError(f"{path} builds on itself through _base_; break the circle.")
    own = _read(path)
    bases = own.pop("_base_", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise UserError(f"'_base_' in {path} must be a file name or a list of them, not {bases!r}.")
    merged = {}
    for base in bases:
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
    kind = str if old is None else type(old)  # what may be null is text otherwise: a path, a device
    if old is None and value is None or type(value) is kind:
        return value
    if kind is float and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-4, without a point, as text
        except (TypeError, ValueError):
            pass
    raise UserError(f"'{key}' in {where} must be of type {kind.__name__}, not {value!r}.")


def _check_ranges(config):
    for least, keys in ((1, AT_LEAST_ONE), (0, AT_LEAST_ZERO)):
        for key in keys:
            value = config
            for part in key.split("."):
                value = value[part]
            if not value >= least:  # so that nan is refused as well
                raise UserError(f"'{key}' must be {least} or more, not {value}.")
    for phase, least in LEAST_CROP.items():
        crop = config["phases"][phase]["crop"]
        if len(crop) != 2 or not all(type(side) is int for side in crop) or not least <= crop[0] <= crop[1]:
            raise UserError(f"'phases.{phase}.crop' must be [smallest, largest] side, {least} or more, not {crop}.")
    for key, choices in CHOICES.items():
        if config[key] not in choices:
            raise UserError(f"unknown {key} '{config[key]}'.{suggest(config[key], filter(None, choices))}")
    if config["ema"] >= 1:
        raise UserError(f"'ema' must be below 1, not {config['ema']}; 0.999 is usual, 0 switches it off.")


def completed(config):
    """A checkpoint's configuration, with the keys that came after its version at their defaults."""
    whole = _read(DEFAULT)
    _overlay(whole, config)
    return whole


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
