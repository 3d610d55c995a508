"""Draw the losses of training runs side by side: python -m tools.starter.curves OUT.png TITLE=LOG [TITLE=LOG ...]

LOG is the log.txt of a run's folder. Each loss term is a mean over five of its reports.
"""
from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError

REPORT = re.compile(r"it +\d+ samples +(\d+) +\S+/s (.+)")
SMOOTHED = 5   # reports
PANEL = 3.2, 3.0  # inches
COLUMNS = 5


def read_losses(path: str | Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Samples seen (N,) and, by its name, each loss term (N,) of a log.

    Raises UserError: there is no such file, or no report in it.
    """
    try:
        reports = REPORT.findall(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    if not reports:
        raise UserError(f"{path} reports no loss; name the log.txt of a run.")
    names = reports[0][1].split()[::2]
    values = np.array([line.split()[1::2] for _, line in reports], float)
    return np.array([int(samples) for samples, _ in reports]), dict(zip(names, values.T))


def smoothed(values: np.ndarray) -> np.ndarray:
    """The mean of each value and those before it, at most ``SMOOTHED`` in all."""
    return np.array([values[max(0, index + 1 - SMOOTHED):index + 1].mean() for index in range(len(values))])


def main(argv: list[str] | None = None) -> None:
    """Read the command line and draw."""
    parser = CommandLine(prog="python -m tools.starter.curves", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("logs", nargs="+", metavar="TITLE=LOG")
    args = parser.parse_args(argv)
    from matplotlib.figure import Figure
    runs = [(title, *read_losses(log)) for title, _, log in (words.partition("=") for words in args.logs)]
    columns = min(COLUMNS, len(runs))
    rows = -(-len(runs) // columns)
    figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows), layout="tight")
    for number, (title, samples, terms) in enumerate(runs):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.set(title=title, xlabel="samples", yscale="log")
        axes.grid(alpha=0.3)
        for name, values in terms.items():
            axes.plot(samples, smoothed(values), label=name, linewidth=1)
        axes.legend(fontsize=6, loc="lower left")
    figure.savefig(args.out, dpi=90)


if __name__ == "__main__":
    run_main(main)
