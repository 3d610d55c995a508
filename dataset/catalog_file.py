"""Reading and checking the catalogue file, so that every slip in it is named before any work starts."""
from __future__ import annotations

from pathlib import Path

from bgmatting.dataset.layouts import BACKGROUND_LAYOUTS, FORMS, MEANT, PAIR_LAYOUTS
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.yaml_json import read_yaml, shown

KEYS = ("layout", "path", "splits", "folders", "parts", "photo", "names_are_subjects", "backgrounds_each", "also")
MOST_BACKGROUNDS = 1000  # for each foreground
FORM_KEYS = ("layout", "path", "splits")  # that another form of a set may have of its own
LAYOUTS = (*PAIR_LAYOUTS, *BACKGROUND_LAYOUTS)


def read_entries(path: str | Path) -> dict[str, dict]:
    """{name: entry} of a catalogue file; entry is a dict with `layout`, `path` (text or None), and either
    `splits` {split: folders} or both `folders` and `parts` {split: share}; `photo`, `names_are_subjects` and
    `backgrounds_each` may follow.

    Raises UserError: the file is missing, is not YAML, or has an entry that cannot be meant.
    """
    path = Path(path)
    try:
        entries = read_yaml(path)
    except FileNotFoundError:
        raise UserError(f"no such catalogue file: {path}. Check the path.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}. Name a catalogue file.") from None
    if not isinstance(entries, dict) or not entries:
        raise UserError(f"{path} lists no datasets; expected `name:` with `layout`, `path` and `splits` below it.")
    for name, entry in entries.items():
        if not _is_text(name):
            raise UserError(f"{path}: the dataset name {shown(name)} is no text. Write it in quotes.")
        _check(entry, f"{path}: {name}")
    return entries


def _check(entry, where):
    if not isinstance(entry, dict):
        raise UserError(f"{where}: expected `layout`, `path` and `splits` below the name.")
    for key in entry:
        if key not in KEYS:
            raise UserError(f"{where}: unknown key {shown(key)}.{suggest(key, KEYS)}")
    layout = entry.get("layout")
    if layout not in LAYOUTS:
        raise UserError(f"{where}: unknown layout {shown(layout)}.{suggest(layout, LAYOUTS)}")
    if "path" not in entry or not (entry["path"] is None or _is_text(entry["path"])):
        raise UserError(f"{where}: `path` must be a folder, or null where there is none yet.")
    if ("splits" in entry) == ("parts" in entry) or ("folders" in entry) != ("parts" in entry):
        raise UserError(f"{where}: needs either `splits`, or `folders` and `parts`.")
    if "splits" in entry:
        _check_splits(entry["splits"], layout, where)
    else:
        _check_folders(entry["folders"], layout, f"{where}: folders")
        _check_parts(entry["parts"], where)
    _check_marks(entry, where)
    _check_others(entry, where)


def _check_others(entry, where):
    """The other forms of a set: each as an entry of its own once the rest is filled in."""
    others = entry.get("also", [])
    if not isinstance(others, list) or not all(isinstance(other, dict) for other in others):
        raise UserError(f"{where}: `also` must be a list of forms, such as [{{path: folder}}].")
    for other in others:
        for key in other:
            if key not in FORM_KEYS:
                raise UserError(f"{where}: also: unknown key {shown(key)}.{suggest(key, FORM_KEYS)}")
        whole = other_form(entry, other)
        _check(whole, f"{where}: also")
        if whole["path"] is None or (whole["layout"] in PAIR_LAYOUTS) != (entry["layout"] in PAIR_LAYOUTS):
            raise UserError(f"{where}: also: a form needs a path, and holds pairs where the entry does.")


def other_form(entry: dict, other: dict) -> dict:
    """The entry in another of its forms: with what ``other`` says in place of its own."""
    dropped = ("also", "folders", "parts") if "splits" in other else ("also",)
    return {**{key: value for key, value in entry.items() if key not in dropped}, **other}


def _check_splits(splits, layout, where):
    if not isinstance(splits, dict) or not splits:
        raise UserError(f"{where}: `splits` must be like {{train: folder, valid: folder}}.")
    for split, folders in splits.items():
        if not _is_text(split):
            raise UserError(f"{where}: splits: the name {shown(split)} is no text. Write it in quotes.")
        _check_folders(folders, layout, f"{where}: splits: {split}")


def _check_folders(folders, layout, where):
    form = {str(key) for key in folders} if isinstance(folders, dict) else "text"
    texts = folders.values() if isinstance(folders, dict) else [folders]
    if form not in FORMS[layout] or not all(map(_is_text, texts)):
        raise UserError(f"{where}: layout {layout} needs {MEANT[layout]}.")


def _check_marks(entry, where):
    for key in ("photo", "names_are_subjects"):
        if not isinstance(entry.get(key, False), bool):
            raise UserError(f"{where}: `{key}` must be true or false.")
    each = entry.get("backgrounds_each", 1)
    if not isinstance(each, int) or isinstance(each, bool) or not 1 <= each <= MOST_BACKGROUNDS:
        raise UserError(f"{where}: `backgrounds_each` must be a whole number of 1 or more, and {MOST_BACKGROUNDS} at most.")
    if entry.get("photo") and entry["layout"] != "fgr_pha_folders":
        raise UserError(f"{where}: `photo` goes with layout fgr_pha_folders only; others bring clean foregrounds.")
    if "names_are_subjects" in entry and "parts" in entry:
        raise UserError(f"{where}: `names_are_subjects` goes with `splits`; `parts` never share a name.")


def _check_parts(parts, where):
    shares = list(parts.values()) if isinstance(parts, dict) else []
    if not shares or not all(map(_is_text, parts)) or not all(map(_is_share, shares)) or abs(sum(shares) - 1) > 1e-6:
        raise UserError(f"{where}: `parts` must be shares that add up to 1, such as {{train: 0.9, valid: 0.1}}.")


def _is_text(value):
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _is_share(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1
