"""The log of a training run: lines on screen and in a file, scalars and images for VisualDL."""
from __future__ import annotations

import logging
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bgmatting.media.operations import LONGEST, shrunk
from bgmatting.training.checkpoint_files import LOG
from bgmatting.utils.errors import one_line
from bgmatting.utils.files import name_file

if TYPE_CHECKING:
    from bgmatting.training.schedule import Phase

PICTURES_A_SET, MOST_PICTURES = 6, 200  # tags that ``training.step`` makes images for; images of a whole run


class RunLog:
    """Writes ``save_dir/train.log`` and VisualDL records beside it, within a ``with``. Where VisualDL is missing or
    fails, training goes on with a warning. ``first``: False in all but the first of several processes: warnings on
    screen, and nothing else."""

    def __init__(self, save_dir: Path, first: bool = True):
        Path(save_dir).mkdir(parents=True, exist_ok=True)
        self._logger = logging.Logger("train", logging.INFO if first else logging.WARNING)
        form = _Lines("%(asctime)s [%(levelname)s] %(message)s", "%Y-%m-%d %H:%M:%S")
        files = [logging.FileHandler(Path(save_dir) / LOG, encoding="utf-8", errors="backslashreplace")] if first else []
        for handler in [logging.StreamHandler(sys.stdout)] + files:
            handler.setFormatter(form)
            handler.handleError = partial(_raise, handler)
            self._logger.addHandler(handler)
        self._records = self._open_records(save_dir) if first else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._record("close")
        for handler in list(self._logger.handlers):
            try:
                handler.flush()
                if isinstance(handler, logging.FileHandler):
                    handler.close()
            except OSError:
                _raise(handler)

    def info(self, text: str) -> None:
        """One line."""
        self._logger.info(text)

    def warn(self, text: str) -> None:
        """One line, marked as a warning."""
        self._logger.warning(text)

    def scalars(self, values: dict[str, float], step: int) -> None:
        """Record {tag: number}."""
        for tag, value in values.items():
            self._record("add_scalar", tag=tag, value=float(value), step=step)

    def progress(self, phase: str, epoch: int, step: int, last: Phase, meter: Meter, more: dict[str, float]) -> None:
        """The progress line, and its numbers as records. last: the run's last phase; meter: begins anew; more: {tag:
        number} to record beside its own, "train/lr" among them."""
        loss, terms, costs, ips = meter.take()
        self.info(train_line(phase, epoch, last.last_epoch, step, last.end, loss, terms, more["train/lr"], costs, ips))
        self.scalars({"train/loss": loss, "train/ips": ips, "train/reader_cost": costs[0], "train/batch_cost": costs[1],
                      **more, **{f"train/{name}": value for name, value in terms.items()}}, step)

    def pictures(self, images: dict[str, np.ndarray], step: int) -> None:
        """Record {tag: uint8 (H, W, 3)}, with sides of at most 512 pixels."""
        for tag, image in images.items():
            if self._records is not None:
                self._record("add_image", tag=tag, img=shrunk(image), step=step)

    def _open_records(self, save_dir):
        try:
            from visualdl import LogWriter
            return LogWriter(logdir=str(Path(save_dir) / "visualdl"))
        except Exception as error:  # an optional recorder must never stop a training run, whatever is wrong with it
            self.warn(f"VisualDL cannot be used ({error}); training goes on without its records.")
            return None

    def _record(self, what, **values):
        if self._records is None:
            return
        try:
            getattr(self._records, what)(**values)
        except Exception as error:  # as above
            self.warn(f"VisualDL failed ({error}); training goes on without its records.")
            self._records = None


class _Lines(logging.Formatter):
    def format(self, record):
        return "\n".join(one_line(line) for line in super().format(record).split("\n"))


def _raise(handler, _record=None):
    """Raise what is being handled: a full disk, or an output that nobody reads any more, stops the run here as elsewhere."""
    if isinstance(handler, logging.FileHandler):
        name_file(sys.exc_info()[1], handler.baseFilename)
    raise


class Meter:
    """Means since the last report: loss, its terms, seconds an iteration waited for its batch and took in all.

    Validation and checkpoints, which lie between iterations, do not count, or they would spoil the ETA.
    """

    def __init__(self):
        self.all_count, self.all_seconds = 0, 0.0  # since the meter was made
        self._clear()

    def _clear(self):
        self.losses, self.terms, self.samples, self.reader, self.seconds = [], [], 0, 0.0, 0.0

    def wait(self) -> None:
        """An iteration begins: its batch is asked for."""
        self._begun = time.perf_counter()

    def read(self) -> None:
        """The batch is there."""
        self.reader += time.perf_counter() - self._begun

    def add(self, samples: int) -> None:
        """The iteration ends."""
        seconds = time.perf_counter() - self._begun
        self.seconds += seconds
        self.all_seconds += seconds
        self.all_count += 1
        self.samples += samples

    def note(self, loss: float, terms: dict[str, float]) -> None:
        """Note the result of an iteration; of all of them before ``take``."""
        self.losses.append(loss)
        self.terms.append(terms)

    def take(self) -> tuple:
        """(loss, {term: mean}, (reader seconds, batch seconds) an iteration, samples a second), and begin anew."""
        count = len(self.losses)
        means = {name: sum(terms[name] for terms in self.terms) / count for name in self.terms[0]}
        loss, ips = sum(self.losses) / count, self.samples / self.seconds
        costs = self.reader / count, self.seconds / count
        self._clear()
        return loss, means, costs, ips


def train_line(phase: str, epoch: int, epochs: int, iteration: int, iterations: int, loss: float, terms: dict[str, float],
               rate: float, costs: tuple[float, float], ips: float) -> str:
    """The progress line, in the form PaddleSeg's users know; loss and {name: number} terms are means since the last line,
    costs (reader, batch) seconds an iteration, ips samples a second."""
    named = ", ".join(f"{name}: {value:.4f}" for name, value in terms.items())
    left = timedelta(seconds=int((iterations - iteration) * costs[1]))
    return (f"[TRAIN] {phase} epoch: {epoch}/{epochs}, iter: {iteration}/{iterations}, loss: {loss:.4f} ({named}), "
            f"lr: {rate:.2e}, reader_cost: {costs[0]:.4f}, batch_cost: {costs[1]:.4f}, ips: {ips:.2f} samples/sec "
            f"| ETA {left}")


def time_line(phase: str, seconds: float, left: int, validations: int, valid_seconds: float) -> str:
    """Estimate of the time that a phase will take: ``seconds`` an iteration, ``left`` of them, and ``validations`` to
    come."""
    whole = timedelta(seconds=int(seconds * left + validations * valid_seconds))
    return (f"[TIME] {phase}: about {whole} to its end, from {seconds:.2f} s an iteration and {valid_seconds:.0f} s a "
            f"validation ({left} and {validations} to come).")


def picture_interval(config: dict, iterations: int) -> int:
    """Iterations between two sets of pictures: as configured, or more, so that a run of ``iterations`` keeps few enough."""
    return max(config["log_images_interval"], -(-iterations * PICTURES_A_SET // MOST_PICTURES))


def picture_row(images: np.ndarray) -> np.ndarray:
    """Put a batch (B, C, H, W) of values in 0..1 side by side as uint8 (H, n * W, 3): the first four, of large ones two."""
    limit = 4 if 4 * images.shape[3] <= LONGEST else 2
    row = np.concatenate(list(np.asarray(images[:limit], np.float32).transpose(0, 2, 3, 1)), axis=1)
    row = np.rint(row.clip(0, 1) * 255).astype(np.uint8)
    return np.repeat(row, 3, axis=2) if row.shape[2] == 1 else row
