"""Reads the results.json of one or several evaluations of the same pictures."""
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.errors import UserError
from utils.report import SHOWN_TIMES, TITLES

SAME = ("dataset", "backgrounds", "seed", "size", "disturb", "sample_data", "protocol")  # else the pictures differ


class Results(NamedTuple):
    """What the page shows. Errors are in plain units, not times 1000.

    names: of the pictures, in order; metrics: words, in order;
    errors: {method: {metric: float64 (n,), NaN where there is no value}}; the first method is what the others are
    compared with; settings: {method: dict}; pictures: {name: {"src", "bgr", "truth", "trimap": Path or absent,
    "pred": {method: Path}}}; runs: [(folder's name, the content of its results.json without the rows)]; notes: sentences
    that a reader must know.
    """
    names: list
    metrics: list
    errors: dict
    settings: dict
    pictures: dict
    runs: list
    notes: list


def title(metric):
    """A metric's name as tables show it: 'SAD', 'MSE ×1000'."""
    return TITLES.get(metric, metric).replace(" e3", " ×1000")


def shown(metric, value):
    """A value as tables show it, both MSE times 1000; '-' for None and NaN."""
    if value is None or math.isnan(value):
        return "-"
    value *= SHOWN_TIMES.get(metric, 1)
    return f"{value:.1f}" if abs(value) >= 1000 else f"{value:.3f}"


def read_results(folders):
    """``Results`` of one or several output folders of ``eval.py``.

    A method that several folders have under one word is shown once where its numbers are the same, else as
    'word (folder)'. Pictures are put into the order of the first folder.

    Raises:
        UserError: no results.json, one of another form, or folders whose pictures differ in name.
    """
    runs = [(label, folder, _read(folder)) for label, folder in zip(_labels(folders), map(Path, folders))]
    names = [row["name"] for row in next(iter(runs[0][2]["methods"].values()))["images"]]
    metrics = _metrics(content for _, _, content in runs)
    errors, settings, pictures = {}, {}, {}
    words = [word for _, _, content in runs for word in content["methods"]]
    for label, folder, content in runs:
        renamed = {}
        for word, method in content["methods"].items():
            found = _columns(method["images"], names, metrics, f"{folder}, method '{word}'")
            known = next((other for other in errors if other.split(" (")[0] == word and _same(errors[other], found)), None)
            renamed[word] = known or (word if words.count(word) == 1 or _all_same(runs, word, names, metrics)
                                      else f"{word} ({label})")
            errors.setdefault(renamed[word], found)
            settings.setdefault(renamed[word], method.get("settings") or {})
        _add_pictures(pictures, folder, content.get("pictures") or {}, renamed)
    facts = [(label, {key: value for key, value in content.items() if key not in ("methods", "pictures")})
             for label, _, content in runs]
    return Results(names, metrics, errors, settings, pictures, facts, _notes(facts))


def _read(folder):
    path = folder / "results.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for method in content["methods"].values():
            for row in method["images"]:
                if not isinstance(row["name"], str):
                    raise TypeError
            if not method["images"]:
                raise TypeError
        if not content["methods"]:
            raise TypeError
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no results.json in {folder}. Name an output folder of eval.py.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is not what eval.py writes, or is damaged. Run eval.py again.") from None
    return content


def _labels(folders):
    """A short name for each folder: the last part of its path, or all of it where that does not tell them apart."""
    short = [Path(folder).resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _metrics(contents):
    """Words that have a number in any row, in the order in which they come up."""
    found = {}
    for content in contents:
        for method in content["methods"].values():
            for row in method["images"]:
                found.update((key, None) for key, value in row.items() if key not in found and _number(value))
    if not found:
        raise UserError("no picture has a number in results.json. Run eval.py again.")
    return list(found)


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _columns(rows, names, metrics, where):
    own = [row["name"] for row in rows]
    if own != names:
        if sorted(own) != sorted(names) or len(set(own)) != len(own):
            odd = sorted(set(own) ^ set(names))
            more = f" Not in both: {', '.join(odd[:3])}{' ...' if len(odd) > 3 else ''}." if odd else ""
            raise UserError(f"{where} has other pictures ({len(own)}) than the first method ({len(names)}).{more} "
                            "Compare evaluations of one set with one --limit.")
        place = {name: index for index, name in enumerate(own)}
        rows = [rows[place[name]] for name in names]
    return {metric: np.array([row[metric] if _number(row.get(metric)) else np.nan for row in rows], np.float64)
            for metric in metrics}


def _same(one, other):
    return all(np.array_equal(one[metric], other[metric], equal_nan=True) for metric in one)


def _all_same(runs, word, names, metrics):
    found = [_columns(content["methods"][word]["images"], names, metrics, f"{folder}, method '{word}'")
             for _, folder, content in runs if word in content["methods"]]
    return all(_same(found[0], other) for other in found)


def _add_pictures(pictures, folder, added, renamed):
    for name, case in added.items():
        entry = pictures.setdefault(name, {"pred": {}})
        for part in ("src", "bgr", "truth", "trimap"):
            if isinstance(case.get(part), str):
                entry.setdefault(part, _inside(folder, case[part]))
        for word, path in (case.get("pred") or {}).items():
            if word in renamed:
                entry["pred"].setdefault(renamed[word], _inside(folder, path))


def _inside(folder, path):
    """A results.json may come from anybody: it names pictures of its own folder and no others."""
    whole = (folder / path).resolve()
    if folder.resolve() not in whole.parents:
        raise UserError(f"{folder / 'results.json'} names a picture outside its folder: {path}.")
    return whole


def _notes(facts):
    notes = []
    if any(content.get("sample_data") for _, content in facts):
        notes.append("These are generated sample pictures, not the real set; figures do not compare with published ones.")
    for key in SAME:
        values = {json.dumps(content.get(key), sort_keys=True) for _, content in facts if key in content}
        if len(values) > 1:
            notes.append(f"The evaluations differ in {key}, so a difference between them is not one of the methods alone.")
    return notes
