"""The numbers in a run's train.log: what the trainer reported every few iterations, and the validations."""
import re
from pathlib import Path

from utils.errors import UserError

TRAIN = re.compile(r"\[TRAIN\] (?P<phase>\w+) epoch: .*?iter: (?P<step>\d+)/\d+, loss: (?P<loss>\S+) "
                   r"\((?P<terms>[^)]*)\), lr: (?P<lr>[^,]+),")
EVAL = re.compile(r"\[EVAL\] (?P<phase>\w+) iter: (?P<step>\d+), SAD: (?P<sad>[^,]+), MSE x1000: (?P<mse>\S+)")
NAMES = {"lr": "learning rate", "sad": "validation SAD", "mse": "validation MSE x1000"}


def read_curves(path):
    """Read the log of a run.

    A run that was resumed has done some iterations twice, and one that was started over all of them: what was done
    last counts.

    Args:
        path: the run's folder, or its train.log.

    Returns:
        {name: [(iteration, value, phase), ...]} in the order of iterations: "loss", its terms by their own names,
        "learning rate", "validation SAD", "validation MSE x1000".
    Raises:
        UserError: there is no log, or nothing to draw in it.
    """
    path = Path(path)
    file = path / "train.log" if path.is_dir() else path
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
    found = TRAIN.search(line) or EVAL.search(line)
    if found is None:
        return
    values = found.groupdict()
    phase, step, terms = values.pop("phase"), int(values.pop("step")), values.pop("terms", None)
    if terms:
        values.update(term.split(": ") for term in terms.split(", "))
    for name, value in values.items():
        yield NAMES.get(name, name), (step, float(value), phase)
