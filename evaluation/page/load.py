"""Reads the results.json of one or several evaluations of the same images."""
from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bgmatting.evaluation.methods import short_names
from bgmatting.evaluation.protocols import UNKNOWN_REGION, USUAL_DIGITS, Column
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_is_file

TITLES = {metric: column.title for metric, column in UNKNOWN_REGION.items()}  # where a file has none
SAME = ("dataset", "backgrounds", "seed", "size", "disturb", "sample_data")  # else the images differ


class Results(NamedTuple):
    """Contents of the page. Errors are in plain units.

    names: of the images, in order; groups: None, or for each image the clip or the foreground that it belongs to;
    columns: {metric: Column}, in order; errors: {method: {metric: float64 (n,), NaN where there is no value}}; the first
    method is what the others are compared with; settings: {method: dict}; pictures: {name: {"src", "bgr", "truth",
    "trimap": Path or absent, "pred": {method: Path}}}; runs: [(folder's name, the content of its results.json without
    the rows)]; notes: sentences that a reader must know; published: {name:
    {metric: number}} of others.
    """
    names: list
    groups: list | None
    columns: dict
    errors: dict
    settings: dict
    pictures: dict
    runs: list
    notes: list
    published: dict = {}


def read_results(folders: list[str | Path]) -> Results:
    """``Results`` of one or several output folders of ``eval.py``.

    A method that several folders have under one word is shown once where its numbers are the same, else as
    'word (folder)'. Images are put into the order of the first folder.

    Raises UserError: no results.json, one of another form, folders whose images differ in name, or one metric in
        different units.
    """
    labels = short_names(map(os.path.abspath, folders))
    runs = [(label, folder, _read(folder)) for label, folder in zip(labels, map(Path, folders))]
    names = [row["name"] for row in next(iter(runs[0][2]["methods"].values()))["images"]]
    columns = _columns([content for _, _, content in runs])
    errors, settings, pictures = {}, {}, {}
    all_methods = [method for _, _, content in runs for method in content["methods"]]
    for label, folder, content in runs:
        renamed = {}
        for method, scored in content["methods"].items():
            values = _values(scored["images"], names, columns, f"{folder}, method '{method}'")
            known = next((other for other in errors
                          if other.split(" (")[0] == method and _same(errors[other], values)), None)
            renamed[method] = known or (method if all_methods.count(method) == 1 or _all_same(runs, method, names, columns)
                                        else f"{method} ({label})")
            errors.setdefault(renamed[method], values)
            settings.setdefault(renamed[method], scored.get("settings") or {})
        _add_pictures(pictures, folder, content.get("pictures") or {}, renamed)
    facts = [(label, {key: value for key, value in content.items() if key not in ("methods", "pictures", "shown")})
             for label, _, content in runs]
    groups = _groups(names, facts[0][1])
    notes = _notes(facts, names, groups)
    return Results(names, groups, columns, errors, settings, pictures, facts, notes, _published(facts))


def _read(folder):
    path = folder / "results.json"
    check_is_file(path)
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


def _columns(contents):
    """{metric: Column} of what has a number in any row, in the order in which it comes up."""
    columns = {}
    for content in contents:
        metrics = dict.fromkeys(key for method in content["methods"].values() for row in method["images"]
                                for key, value in row.items() if _number(value))
        for metric in metrics:
            column = _column(metric, content)
            if columns.setdefault(metric, column) != column:
                raise UserError(f"the evaluations measure '{metric}' in different ways ({columns[metric].unit}; "
                                f"{column.unit}). Compare evaluations of one protocol.")
    if not columns:
        raise UserError("no image has a number in results.json: all are smaller than what the protocol scores, or have no "
                        "pixel that is unknown in the trimap. Run eval.py on larger images, or with --trimap whole.")
    return columns


def _column(metric, content):
    shown = (content.get("shown") or {}).get(metric) or {}
    title = str(shown.get("title", TITLES.get(metric, metric)))
    exponent = re.search(r" e(\d)$", title)
    times = shown.get("times", 10 ** int(exponent.group(1)) if exponent else 1)
    if exponent:
        title = f"{title[:exponent.start()]} ×{10 ** int(exponent.group(1))}"
    digits = shown.get("digits", USUAL_DIGITS)
    return Column(title, times if _number(times) else 1, str((content.get("units") or {}).get(metric, "")),
                  digits if digits in range(10) else USUAL_DIGITS)


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _values(rows, names, metrics, where):
    own = [row["name"] for row in rows]
    if own != names:
        if sorted(own) != sorted(names) or len(set(own)) != len(own):
            odd = sorted(set(own) ^ set(names))
            more = f" Not in both: {', '.join(odd[:3])}{' ...' if len(odd) > 3 else ''}." if odd else ""
            raise UserError(f"{where} has other images ({len(own)}) than the first method ({len(names)}).{more} "
                            "Compare evaluations of one set with one --limit.")
        place = {name: index for index, name in enumerate(own)}
        rows = [rows[place[name]] for name in names]
    return {metric: np.array([row[metric] if _number(row.get(metric)) else np.nan for row in rows], np.float64)
            for metric in metrics}


def _same(one, other):
    return all(np.array_equal(one[metric], other[metric], equal_nan=True) for metric in one)


def _all_same(runs, method, names, columns):
    values = [_values(content["methods"][method]["images"], names, columns, f"{folder}, method '{method}'")
              for _, folder, content in runs if method in content["methods"]]
    return all(_same(values[0], other) for other in values)


def _add_pictures(pictures, folder, added, renamed):
    for name, case in added.items():
        entry = pictures.setdefault(name, {"pred": {}})
        for part in ("src", "bgr", "truth", "trimap"):
            if isinstance(case.get(part), str):
                entry.setdefault(part, _inside(folder, case[part]))
        for method, path in (case.get("pred") or {}).items():
            if method in renamed:
                entry["pred"].setdefault(renamed[method], _inside(folder, path))


def _inside(folder, path):
    """A results.json may come from anybody: it names images of its own folder and no others."""
    whole = (folder / path).resolve()
    if folder.resolve() not in whole.parents:
        raise UserError(f"{folder / 'results.json'} names an image outside its folder: {path}.")
    return whole


def _groups(names, facts):
    """Names of frames are CLIP/FRAME, and those of a foreground before several backgrounds NAME_0, NAME_1 ..."""
    protocol, each, groups = facts.get("protocol"), facts.get("backgrounds_each"), list(names)
    if _number(each) and each > 1:
        groups = [re.sub(r"_\d+$", "", name) for name in groups]
    if isinstance(protocol, dict) and protocol.get("sequences") or all("/" in name for name in names):
        groups = [name.rpartition("/")[0] or name for name in groups]
    return groups if len(set(groups)) < len(groups) else None


def _published(facts):
    """Figures of others that belong to the protocol of all evaluations."""
    told = [(content.get("protocol") or {}).get("published") for _, content in facts]
    if not isinstance(told[0], list) or any(other != told[0] for other in told):
        return {}
    return {str(pair[0]): {metric: value for metric, value in pair[1].items() if _number(value)} for pair in told[0]
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], dict)}


def _notes(facts, names, groups):
    notes = []
    if groups is not None and len(set(groups)) < len(names):
        notes.append(f"The {len(names)} images show {len(set(groups))} clips or foregrounds. Images of one are alike, "
                     "so intervals and tests draw these as wholes and not image by image.")
    if any(content.get("sample_data") for _, content in facts):
        notes.append("These are generated sample images, not the real set; figures do not compare with published ones.")
    flat = [{**content, **{f"protocol.{key}": value for key, value in (content.get("protocol") or {}).items()}}
            for _, content in facts]
    differing = [key for key in dict.fromkeys(key for content in flat for key in content)
                 if (key in SAME or key.startswith("protocol."))
                 and len({json.dumps(content[key], sort_keys=True) for content in flat if key in content}) > 1]
    if differing:
        notes.append(f"The evaluations differ in {', '.join(differing)}, so a difference between them is not one of the "
                     "methods alone.")
    return notes
