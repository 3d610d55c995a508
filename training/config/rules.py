"""Allowed values of each key of a stage's configuration. ``configs/default.yml`` says what it means."""
from __future__ import annotations

from typing import Callable, NamedTuple

from bgmatting.model.methods import METHODS
from bgmatting.utils.errors import suggest
from bgmatting.utils.yaml_json import shown

MANY = 10 ** 9
LEAST_CROP = {"base": 16, "joint": 64, "whole": 64}  # the coarse network sees a quarter of a joint crop
PHASES = tuple(LEAST_CROP)  # of all methods
MOST_SIDE = 16384  # pixels


class Rule(NamedTuple):
    """Rule for a value: what is allowed, in words after "must be"; and (value) -> the value as it is used, which raises
    ValueError where it is not allowed."""
    allowed: str
    taken: Callable


def whole(least: int, most: int = MANY) -> Rule:
    """A whole number."""
    def taken(value):
        return value if type(value) is int and least <= value <= most else _refuse()
    return Rule(f"a whole number from {least} to {most}", taken)


def number(least: float, most: float, below: bool = False) -> Rule:
    """A number; YAML reads 1e-4, without a point, as text. ``below``: ``most`` itself is too much."""
    def taken(value):
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            _refuse()
        value = float(value) if not isinstance(value, str) or len(value) < 100 else _refuse()
        return value if least <= value <= most and not (below and value == most) else _refuse()
    return Rule(f"a number from {least:g} to {'below ' if below else ''}{most:g}", taken)


def flag() -> Rule:
    """true or false."""
    return Rule("true or false", lambda value: value if type(value) is bool else _refuse())


def text(null: bool = False) -> Rule:
    """A name or a path."""
    def taken(value):
        fits = null if value is None else type(value) is str and 0 < len(value) < 4096 and "\0" not in value
        return value if fits else _refuse()
    return Rule("text" + (" or null" if null else ""), taken)


def choice(*values: str | int | None) -> Rule:
    """One of a few values."""
    def taken(value):
        return value if any(type(value) is type(known) and value == known for known in values) else _refuse()
    return Rule("one of " + ", ".join("null" if value is None else str(value) for value in values), taken)


def or_null(rule: Rule) -> Rule:
    """Values that ``rule`` allows, or null."""
    return Rule(f"{rule.allowed}, or null", lambda value: None if value is None else rule.taken(value))


def names() -> Rule:
    """A list of names."""
    def taken(value):
        fits = type(value) is list and len(value) <= 1000 and all(type(name) is str for name in value)
        return value if fits else _refuse()
    return Rule("a list of names", taken)


def sides(least: int) -> Rule:
    """The range of a crop's sides."""
    def taken(value):
        fits = type(value) is list and len(value) == 2 and all(type(side) is int for side in value)
        return value if fits and least <= value[0] <= value[1] <= MOST_SIDE else _refuse()
    return Rule(f"[least, most] sides in pixels, whole numbers from {least} to {MOST_SIDE}, the smaller first", taken)


def numbers(least: int, most: int = MANY) -> Rule:
    """A list of whole numbers, each larger than the one before."""
    def taken(value):
        fits = type(value) is list and len(value) <= 1000 and all(type(one) is int and least <= one <= most for one in value)
        return value if fits and value == sorted(set(value)) else _refuse()
    return Rule(f"a list of whole numbers from {least} to {most}, the smaller first", taken)


def _refuse():
    raise ValueError


def _phase(name, *parts):
    return {"epochs": whole(0, 10 ** 6), "batch_size": whole(1, 4096), "size": whole(16, MOST_SIDE),
            "crop": sides(LEAST_CROP[name]), "rates": dict.fromkeys(parts, number(0, 1000))}


_CHANCE = number(0, 1)
_SOURCE = {"share": _CHANCE, "folder": text(null=True)}

RULES = {
    "method": choice(*METHODS),
    "dataset_name": text(), "background_name": text(), "data_root": text(null=True),
    "folders": dict.fromkeys(("fgr", "pha", "bgr", "valid_fgr", "valid_pha", "valid_bgr"), text(null=True)),
    "epoch_of": choice("longer", "foregrounds"),
    "stream_length": whole(1), "stream_camouflage": _CHANCE, "stream_kinds": names(),
    "stream_painted": _SOURCE, "stream_rendered": _SOURCE, "stream_photos": _SOURCE,
    "bad_files_max": whole(0), "num_workers": whole(0, 256),
    "backbone": text(), "pretrain": text(null=True),
    "refine": {"backbone_scale": number(0.01, 0.5), "kernel_size": choice(1, 3),
               "mode": choice("full", "sampling", "thresholding"), "train_mode": choice("full", "sampling"),
               "train_pixels": whole(0), "sample_pixels": whole(0),
               "threshold": _CHANCE},
    "seed": whole(0, 2 ** 32 - 1), "device": text(null=True), "learning_rate": number(0, 1),
    "optimizer": choice("adam", "sgd"), "momentum": number(0, 1, below=True), "weight_decay": number(0, 1),
    "iterations": or_null(whole(1)),
    "schedule": choice("constant", "cosine", "step"), "step_at": numbers(1), "step_factor": _CHANCE,
    "warmup_iters": whole(0), "clip_norm": number(0, 10 ** 6),
    "accumulate": whole(1, 10 ** 4), "batch_auto": flag(),
    "amp": choice(None, "O1", "O2"), "amp_dtype": choice("float16", "bfloat16"),
    "ema": number(0, 1, below=True), "freeze_norm": flag(), "nonfinite_max": whole(1), "detach_error": flag(),
    "phases": {"base": _phase("base", "backbone", "aspp", "decoder"),
               "joint": _phase("joint", "backbone", "aspp", "decoder", "refiner"),
               "whole": {**_phase("whole", "backbone", "rest"), "cuts": numbers(16, MOST_SIDE), "cut_unknown": _CHANCE}},
    "augment": {"shadow": _CHANCE, "noise": _CHANCE, "noise_sigma": _CHANCE, "bgr_jitter": _CHANCE,
                "bgr_affine": _CHANCE, "jpeg": _CHANCE, "exposure": _CHANCE, "subpixel": _CHANCE},
    "save_dir": text(), "log_train_loss_interval": whole(1), "log_images_interval": whole(1),
    "valid_interval": or_null(whole(1)), "patience": whole(0), "valid_count": whole(1, 10 ** 5),
    "valid_size": whole(16, MOST_SIDE), "checkpoint_interval": whole(1), "keep_checkpoint_max": whole(1, 10 ** 4),
}


def checked(value: object, rule: Rule, key: str, where: str) -> object:
    """``value`` as the configuration takes it. Raises ValueError: it is not allowed; the text says what is."""
    try:
        return rule.taken(value)
    except (ValueError, TypeError, OverflowError):
        near = suggest(value, rule.allowed[len("one of "):].split(", ")) if rule.allowed.startswith("one of ") else ""
        near = near if near.startswith(" Did") else ""
        raise ValueError(f"'{key}' in {where} must be {rule.allowed}, not {shown(value)}.{near}") from None
