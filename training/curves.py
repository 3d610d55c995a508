"""Curves of training runs as a picture: loss and its terms, learning rate, validation.

    python -m bgmatting curves log/stage1                                   # log/stage1/curves.png
    python -m bgmatting curves log/stage1 log/stage2 --output curves.png    # runs side by side

The numbers are those of each run's train.log.
"""
from __future__ import annotations

import argparse
import io
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bgmatting.evaluation.methods import short_names
from bgmatting.media import write_bytes
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_is_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAIN = re.compile(r"\[TRAIN\] (?P<phase>\w+) epoch: .*?iter: (?P<step>\d+)/\d+, loss: (?P<loss>\S+) "
                   r"\((?P<terms>[^)]*)\), lr: (?P<lr>[^,]+),")
EVAL = re.compile(r"\[EVAL\] (?P<phase>\w+) iter: (?P<step>\d+), SAD: (?P<sad>[^,]+), MSE x1000: (?P<mse>\S+)")
NAMES = {"lr": "learning rate", "sad": "validation SAD", "mse": "validation MSE x1000"}

FIRST = ("loss", "validation SAD", "validation MSE x1000", "learning rate")  # then the terms of the loss
COLUMNS = 4
PANEL = (4.2, 3.0)  # inches


def read_curves(path: str | Path) -> dict:
    """{name: [(iteration, value, phase), ...]} of a run's folder or its train.log, in the order of iterations: "loss",
    its terms by their own names, "learning rate", "validation SAD", "validation MSE x1000".

    A run that was resumed has done some iterations twice, and one that was started over all of them: what was done last
    counts. Raises UserError: there is no log, or nothing to draw in it.
    """
    path = Path(path)
    file = path / "train.log" if path.is_dir() else path
    check_is_file(file)
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}. Name the folder of a training run.") from None
    curves = {}
    for line in lines:
        for name, point in _points(line):
            for points in curves.values():
                while points and points[-1][0] > point[0]:
                    points.pop()
            points = curves.setdefault(name, [])
            if points and points[-1][::2] == point[::2]:
                points.pop()
            points.append(point)
    curves = {name: points for name, points in curves.items() if points}
    if not curves:
        raise UserError(f"{file} has no training progress yet. Wait for its first [TRAIN] line, or name another run.")
    return curves


def _points(line):
    """(name, (iteration, value, phase)) of every number in a line of the log."""
    match = TRAIN.search(line) or EVAL.search(line)
    if match is None:
        return
    values = match.groupdict()
    phase, step, terms = values.pop("phase"), int(values.pop("step")), values.pop("terms", None)
    if terms:
        values.update(term.split(": ") for term in terms.split(", "))
    for name, value in values.items():
        if value != "-":
            yield NAMES.get(name, name), (step, float(value), phase)


def draw(runs: dict) -> Figure:
    """Draw runs, {name: curves as ``read_curves`` returns them}, into one figure: a panel for each number, a colour for
    each run, a grey line where a phase begins. Raises UserError: matplotlib is missing."""
    try:
        from matplotlib.figure import Figure  # optional; VisualDL brings it along
    except ImportError:
        raise UserError("plots need matplotlib. Run `pip install matplotlib`.") from None
    every = dict.fromkeys(name for curves in runs.values() for name in curves)
    names = [name for name in FIRST if name in every] + [name for name in every if name not in FIRST]
    rows = math.ceil(len(names) / COLUMNS)
    figure = Figure(figsize=(COLUMNS * PANEL[0], rows * PANEL[1]), layout="constrained")
    for place, name in enumerate(names, 1):
        _draw_panel(figure.add_subplot(rows, COLUMNS, place), name, runs)
    figure.axes[0].legend()
    return figure


def _draw_panel(axes, name, runs):
    axes.set_title(name)
    axes.set_xlabel("iteration")
    axes.grid(alpha=0.3)
    for number, (run, curves) in enumerate(runs.items()):
        points = curves.get(name, [])
        parts = _phases(points)
        for part in parts:  # apart: at the border of two phases the numbers mean different things
            steps, values, _ = zip(*part)
            axes.plot(steps, values, color=f"C{number}", marker="." if len(points) < 30 else None,
                      label=run if part is parts[0] else None)
        for part in parts[1:]:
            axes.axvline(part[0][0], color="grey", linewidth=0.8)


def _phases(points):
    parts = []
    for point in points:
        if not parts or parts[-1][-1][2] != point[2]:
            parts.append([])
        parts[-1].append(point)
    return parts


def main(argv: list[str] | None = None) -> None:
    parser = CommandLine(prog="python -m bgmatting curves", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, such as log/stage1")
    parser.add_argument("--output", help="PNG to write (default: curves.png in the first run's folder)")
    args = parser.parse_args(argv)
    folders = list(dict.fromkeys(args.runs))
    curves = [read_curves(folder) for folder in folders]
    first = Path(folders[0])
    output = Path(args.output or (first if first.is_dir() else first.parent) / "curves.png")
    if output.suffix.lower() != ".png":
        raise UserError(f"--output {output} must end in .png.")
    picture = io.BytesIO()
    draw(dict(zip(short_names(map(os.path.abspath, folders)), curves))).savefig(picture, format="png", dpi=100)
    try:
        write_bytes(output, picture.getvalue())
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"cannot write {output}: {error.strerror}.") from None
    print("wrote", output)


if __name__ == "__main__":
    run_main(main)
