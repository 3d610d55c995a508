"""What an evaluation prints, and the files it leaves: results.csv and results.json."""
import csv
import datetime
import importlib.metadata
import io
import json
import os
import platform
from pathlib import Path

import cv2
import numpy as np

from utils.errors import UserError, no_space
from utils.evaluate import METRICS
from utils.media import write_bytes

TITLES = {"sad": "SAD", "mse": "MSE e3", "grad": "Grad", "conn": "Conn", "fg_mse": "FG MSE e3"}
SHOWN_TIMES = {"sad": 1, "mse": 1000, "grad": 1, "conn": 1, "fg_mse": 1000}
UNITS = {
    "sad": "sum of absolute differences / 1000", "mse": "mean squared difference (tables show it times 1000)",
    "grad": "gradient error, sum", "conn": "connectivity error, sum",
    "fg_mse": "mean squared difference of the foreground (tables show it times 1000)",
}
NAME_WIDTH = 32
CELL_WIDTH = 10


def heading():
    """The first line of the table: image, then SAD, MSE x 10^3, Grad, Conn, FG MSE x 10^3."""
    return "image".ljust(NAME_WIDTH) + "".join(TITLES[metric].rjust(CELL_WIDTH) for metric in METRICS)


def line(name, row):
    """One line of the table; both MSE times 1000, '-' where there is no value."""
    name = name if len(name) <= NAME_WIDTH else "..." + name[3 - NAME_WIDTH:]
    return name.ljust(NAME_WIDTH) + "".join(_cell(metric, row[metric]).rjust(CELL_WIDTH) for metric in METRICS)


def comparison(mean, baseline_mean):
    """One line that says how the network's mean errors stand against those of the baseline."""
    parts = [f"{TITLES[metric].split(' e3')[0]} {_ratio(mean[metric], baseline_mean[metric])}"
             for metric in METRICS if mean[metric] is not None and baseline_mean[metric] is not None]
    return "network against difference keying: " + ", ".join(parts)


def prepare_folder(folder, flag="--output"):
    """Create the output folder and make sure that it can be written, before hours of work depend on it.

    Args:
        flag: what names the folder on the command line.

    Raises:
        UserError: it is a file, or cannot be created or written.
    """
    folder = Path(folder)
    probe = folder / f".probe.{os.getpid()}"
    try:
        write_bytes(probe, b"")
        probe.unlink()
    except OSError as error:
        if no_space(error):
            raise
        raise UserError(f"cannot write into the output folder {folder}: {error.strerror}. "
                        f"Name another with {flag}.") from None
    return folder


def write_report(folder, facts, methods):
    """Write results.csv and results.json.

    The CSV has one line per method and image, and a line named 'mean' per method. The JSON has ``facts``, the
    versions and date of the run, the units, and the same rows and means. All values are plain, not times 1000.

    Args:
        folder: where; made if absent.
        facts: dict of what was evaluated (weights, dataset, seed, size ...), of types that JSON knows.
        methods: {word: (rows, mean)} as ``utils.evaluate.evaluate`` returns them.

    Returns:
        The paths of the two files.
    """
    csv_path, json_path = Path(folder) / "results.csv", Path(folder) / "results.json"
    content = {**facts, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
               "versions": versions(), "units": UNITS,
               "methods": {word: {"mean": mean, "images": rows} for word, (rows, mean) in methods.items()}}
    write_bytes(csv_path, _csv(methods).encode("utf-8"))
    write_bytes(json_path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    return csv_path, json_path


def versions():
    """{name: version} of what the numbers depend on."""
    found = {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__}
    for package in ("paddlepaddle", "paddlepaddle-gpu"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _csv(methods):
    text = io.StringIO()
    table = csv.DictWriter(text, ("method", "name", *METRICS), lineterminator="\n")
    table.writeheader()
    for word, (rows, mean) in methods.items():
        table.writerows({"method": word, **row} for row in rows)
        table.writerow({"method": word, "name": "mean", **mean})
    return text.getvalue()


def _cell(metric, value):
    if value is None:
        return "-"
    value *= SHOWN_TIMES[metric]
    return f"{value:.1f}" if abs(value) >= 1000 else f"{value:.3f}"


def _ratio(value, baseline):
    if value == baseline:
        return "equal"
    if value < baseline:
        return f"{baseline / value:.2f} times lower" if value > 0 else "down to 0"
    return f"{value / baseline:.2f} times HIGHER" if baseline > 0 else "HIGHER (keying has 0)"
