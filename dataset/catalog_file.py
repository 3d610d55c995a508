"""Reading and checking the catalogue file, so that every slip in it is named before any work starts."""
from pathlib import Path

import yaml

from dataset.layouts import BACKGROUND_LAYOUTS, FORMS, MEANT, PAIR_LAYOUTS
from utils.errors import UserError, suggest
from utils.files import check_is_file

KEYS = ("layout", "path", "splits", "folders", "parts", "photo", "names_are_subjects", "backgrounds_each")
LAYOUTS = (*PAIR_LAYOUTS, *BACKGROUND_LAYOUTS)


def read_entries(path):
    """{name: entry} of a catalogue file; entry is a dict with `layout`, `path` (text or None), and either
    `splits` {split: folders} or both `folders` and `parts` {split: share}; `photo`, `names_are_subjects` and
    `backgrounds_each` may follow.

    Raises:
        UserError: the file is missing, is not YAML, or has an entry that cannot be meant.
    """
    path = Path(path)
    check_is_file(path)
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no such catalogue file: {path}. Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(entries, dict) or not entries:
        raise UserError(f"{path} lists no datasets; expected `name:` with `layout`, `path` and `splits` below it.")
    for name, entry in entries.items():
        _check(entry, f"{path}: {name}")
    return entries


def _check(entry, where):
    if not isinstance(entry, dict):
        raise UserError(f"{where}: expected `layout`, `path` and `splits` below the name.")
    for key in entry:
        if key not in KEYS:
            raise UserError(f"{where}: unknown key '{key}'.{suggest(key, KEYS)}")
    layout = entry.get("layout")
    if layout not in LAYOUTS:
        raise UserError(f"{where}: unknown layout '{layout}'.{suggest(layout, LAYOUTS)}")
    if "path" not in entry or not isinstance(entry["path"], (str, type(None))):
        raise UserError(f"{where}: `path` must be a folder, or null where there is none yet.")
    if ("splits" in entry) == ("parts" in entry) or ("folders" in entry) != ("parts" in entry):
        raise UserError(f"{where}: needs either `splits`, or `folders` and `parts`.")
    if "splits" in entry:
        _check_splits(entry["splits"], layout, where)
    else:
        _check_folders(entry["folders"], layout, f"{where}: folders")
        _check_parts(entry["parts"], where)
    _check_marks(entry, where)


def _check_splits(splits, layout, where):
    if not isinstance(splits, dict) or not splits:
        raise UserError(f"{where}: `splits` must be like {{train: folder, valid: folder}}.")
    for split, folders in splits.items():
        _check_folders(folders, layout, f"{where}: splits: {split}")


def _check_folders(folders, layout, where):
    form = set(folders) if isinstance(folders, dict) else "text"
    texts = folders.values() if isinstance(folders, dict) else [folders]
    if form not in FORMS[layout] or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{where}: layout {layout} needs {MEANT[layout]}.")


def _check_marks(entry, where):
    for key in ("photo", "names_are_subjects"):
        if not isinstance(entry.get(key, False), bool):
            raise UserError(f"{where}: `{key}` must be true or false.")
    each = entry.get("backgrounds_each", 1)
    if not isinstance(each, int) or isinstance(each, bool) or each < 1:
        raise UserError(f"{where}: `backgrounds_each` must be a whole number of 1 or more.")
    if entry.get("photo") and entry["layout"] != "fgr_pha_folders":
        raise UserError(f"{where}: `photo` goes with layout fgr_pha_folders only; others bring clean foregrounds.")
    if "names_are_subjects" in entry and "parts" in entry:
        raise UserError(f"{where}: `names_are_subjects` goes with `splits`; `parts` never share a name.")


def _check_parts(parts, where):
    shares = list(parts.values()) if isinstance(parts, dict) else []
    if not shares or not all(isinstance(share, (int, float)) and share > 0 for share in shares) \
            or abs(sum(shares) - 1) > 1e-6:
        raise UserError(f"{where}: `parts` must be shares that add up to 1, such as {{train: 0.9, valid: 0.1}}.")
