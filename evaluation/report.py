"""Output of an evaluation: printed tables and files: results.csv, results.json and small images."""
from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path

from bgmatting.evaluation.baselines import BASELINES
from bgmatting.evaluation.gallery import Gallery
from bgmatting.evaluation.protocols import UNKNOWN_REGION, USUAL_DIGITS, Column, Protocol, columns
from bgmatting.evaluation.scoring import Result
from bgmatting.utils.errors import one_line
from bgmatting.utils.files import write_bytes
from bgmatting.utils.machine import versions

NAME_WIDTH = 32
CELL_WIDTH = 12
PICTURES = "pictures"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet computes


def heading(shown: dict[str, Column] = UNKNOWN_REGION, first: str = "image") -> str:
    """The first line of a table. ``shown`` is {metric: evaluation.protocols.Column}: SAD, MSE x 10^3 ... by default."""
    return first.ljust(NAME_WIDTH) + "".join(column.title.rjust(CELL_WIDTH) for column in shown.values())


def line(name: str, row: dict, shown: dict[str, Column] = UNKNOWN_REGION) -> str:
    """One line of the table, each value times what its title says; '-' where there is no value."""
    name = one_line(name)
    name = name if len(name) <= NAME_WIDTH else "..." + name[3 - NAME_WIDTH:]
    return name.ljust(NAME_WIDTH) + "".join(column.text(row[metric]).rjust(CELL_WIDTH)
                                            for metric, column in shown.items())


def comparison(mean: dict, baseline_mean: dict, shown: dict[str, Column] = UNKNOWN_REGION, name: str = "network") -> str:
    """One line that says how a method's mean errors stand against those of difference keying."""
    parts = [f"{column.title.split(' e')[0]} {_ratio(mean[metric], baseline_mean[metric])}"
             for metric, column in shown.items() if mean[metric] is not None and baseline_mean[metric] is not None]
    return f"{name} against difference keying: " + ", ".join(parts)


def show(results: dict[str, Result], protocol: Protocol, count: int, pace: dict) -> None:
    """Print the means of all methods, how they stand against keying, and how fast it went."""
    print(heading(protocol.columns, f"mean of {count}"))
    for name, result in results.items():
        print(line(f"mean of {count}, {name}", result.mean, protocol.columns))
    if protocol.published:
        print("published by others, not measured here:")
    for name, values in protocol.published:
        print(line(name, values, protocol.columns))
    for name, result in results.items():
        if name not in BASELINES and "keying" in results:
            print(comparison(result.mean, results["keying"].mean, protocol.columns, name))
    if protocol.note:
        print(f"note: {protocol.note}")
    given = {name: (result.settings or {}).get("given") for name, result in results.items()}
    if len(set(given.values())) > 1:
        print("given: " + "; ".join(f"{name} {what}" for name, what in given.items() if what))
    networks = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in pace["network_seconds"].items())
    print(f"{pace['images_per_second']:.2f} images/s" + (f"; network alone: {networks}" if networks else ""))


def write_report(folder: str | Path, facts: dict, methods: dict, pictures: Gallery | None = None) -> tuple[Path, Path]:
    """Write results.csv and results.json, and small images where there are any.

    The CSV has one line per method and image, and a line named 'mean' per method. The JSON has ``facts``, the
    versions and date of the run, the units and titles of the metrics, and the same rows and means. All values are
    plain, not times 1000.

    Args:
        folder: where; made if absent.
        facts: dict of what was evaluated (weights, dataset, seed, size ...), of types that JSON knows; "protocol" in it
            as ``Protocol.facts`` says which metrics there are, and without it they are those of the unknown region.
        methods: {name: evaluation.scoring.Result, or (rows, mean)}.
        pictures: None, or ``evaluation.gallery.Gallery``.
    Returns the paths of the two files.
    """
    folder, methods = Path(folder), {name: Result(*result) for name, result in methods.items()}
    csv_path, json_path = folder / "results.csv", folder / "results.json"
    protocol = facts.get("protocol", {"family": "unknown", "sequences": False})
    shown = columns(protocol["family"], protocol["sequences"])
    content = {**facts, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
               "versions": versions(), "units": {metric: column.unit for metric, column in shown.items()},
               "shown": {metric: {"title": column.title, "times": column.times,
                                  **({} if column.digits == USUAL_DIGITS else {"digits": column.digits})}
                         for metric, column in shown.items()},
               "methods": {name: {"mean": result.mean, "images": result.rows, "settings": result.settings or {}}
                           for name, result in methods.items()}}
    if pictures is not None:
        files, content["pictures"] = pictures.files(PICTURES)
        for path, data in files.items():
            write_bytes(folder / path, data)
    write_bytes(csv_path, _csv(methods, shown).encode("utf-8", "backslashreplace"))
    write_bytes(json_path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))
    return csv_path, json_path


def _csv(methods, shown):
    text = io.StringIO()
    table = csv.DictWriter(text, ("method", "name", *shown), lineterminator="\n")
    table.writeheader()
    for method, result in methods.items():
        for row in (*result.rows, {"name": "mean", **result.mean}):
            table.writerow({column: _text_cell(value) for column, value in {"method": method, **row}.items()})
    return text.getvalue()


def _text_cell(value):
    """A name that spreadsheets would take for a formula gets an apostrophe before it."""
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA) else value


def _ratio(value, baseline):
    if value == baseline:
        return "equal"
    if value < baseline:
        return f"{baseline / value:.2f} times lower" if value > 0 else "down to 0"
    return f"{value / baseline:.2f} times HIGHER" if baseline > 0 else "HIGHER (keying has 0)"
