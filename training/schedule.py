"""The plan of a training run: which phase each step belongs to, and its learning rate. Pure functions of the step."""
from __future__ import annotations

import math
from collections import namedtuple

from paddle.io import Dataset

from bgmatting.dataset.batches import batch_length
from bgmatting.training.lessons import find_lesson
from bgmatting.training.memory import Division
from bgmatting.utils.errors import UserError

VALIDATIONS, LONGEST_INTERVAL = 30, 2000  # at least so many in a stage, and at most so many iterations apart

# epochs first..last-1 and iterations start..end-1 of the whole run
Phase = namedtuple("Phase", "name first_epoch last_epoch start end per_epoch")


def plan(config: dict, length: int, epoch_end: int | None = None, world: int = 1) -> list[Phase]:
    """The phases of a run, in order.

    Args:
        config: a stage's configuration.
        length: samples an epoch.
        epoch_end: last epoch of the run, counted over all phases; None: as configured. A phase that would begin
            after it is left out, and the last phase is made longer or shorter to end there. It counts before the
            configuration's ``iterations``, which do the same in iterations.
        world: processes that train together, each with batches of its own.

    Raises:
        UserError: nothing is left to train.
    """
    wanted = [(name, config["phases"][name]["epochs"]) for name in find_lesson(config["method"]).phases
              if config["phases"][name]["epochs"] > 0]
    phases, epoch, step, batches = [], 0, 0, config["accumulate"] * world
    for position, (name, epochs) in enumerate(wanted):
        last = epoch + epochs
        if epoch_end is not None:
            last = epoch_end if position == len(wanted) - 1 else min(last, epoch_end)
        if last <= epoch:
            break
        per_epoch = length // (batches * batch_length(length, config["phases"][name]["batch_size"], batches))
        phases.append(Phase(name, epoch, last, step, step + (last - epoch) * per_epoch, per_epoch))
        epoch, step = last, phases[-1].end
    if not phases:
        names = " or ".join(f"phases.{name}" for name in find_lesson(config["method"]).phases)
        raise UserError(f"no epochs to train: set the epochs of {names}, or --epoch-end, to 1 or more.")
    return phases if epoch_end is not None or config["iterations"] is None else _ended(phases, config["iterations"])


def division_of(config: dict, phase: str, length: int, world: int = 1) -> Division:
    """How the iterations of a phase, by name, are divided: as configured, or into smaller batches where the set is small.
    ``length`` and ``world`` as of ``plan``."""
    batches = config["accumulate"]
    return Division(batch_length(length, config["phases"][phase]["batch_size"], batches * world), batches)


def split_line(config: dict, phases: list[Phase]) -> str | None:
    """Return how the epochs or iterations that were asked for fall on the phases, where not as configured; else None."""
    wanted = {name: config["phases"][name]["epochs"] for name in find_lesson(config["method"]).phases}
    planned = {phase.name: phase.last_epoch - phase.first_epoch for phase in phases}
    shares = [f"{name} {planned[name]} of {epochs}" if name in planned else
              f"{name} none of {epochs} (what it teaches stays as it is)" for name, epochs in wanted.items() if epochs]
    if all(planned.get(name, 0) == epochs for name, epochs in wanted.items()):
        return None
    return f"[PLAN] epochs, counted over the phases: {'; '.join(shares)}. --phase trains one alone."


def _ended(phases, end):
    """The phases that begin before iteration ``end``, the last of them made longer or shorter to end there."""
    *before, last = [phase for phase in phases if phase.start < end]
    epochs = -(-(end - last.start) // last.per_epoch)
    return [*before, last._replace(last_epoch=last.first_epoch + epochs, end=end)]


def valid_interval(config: dict, phases: list[Phase]) -> int:
    """Iterations between two validations: as configured, else so many that a stage has 30 of them, and 2000 at most."""
    return config["valid_interval"] or max(1, min(LONGEST_INTERVAL, phases[-1].end // VALIDATIONS))


def plan_line(phase: Phase, config: dict, samples: Dataset, division: Division, world: int, items: int, interval: int,
              size: int) -> str:
    """Plan of a phase in one line. samples: its training set; world: processes; items: images a validation; interval:
    iterations between two; size: bytes of a checkpoint."""
    count = phase.end // interval - phase.start // interval + (phase.end % interval > 0)
    together = " x ".join(str(part) for part in (division.batch_size, division.accumulate, world))
    epochs = phase.last_epoch - phase.first_epoch
    return (f"[PLAN] {phase.name}: iterations {phase.start + 1} to {phase.end}, {epochs} epochs of {phase.per_epoch} "
            f"({samples.epoch}); {together} samples an iteration (batch x accumulate x processes); {count} validations of "
            f"{items} images; checkpoints of {size / 2 ** 20:.0f} MiB every {config['checkpoint_interval']} iterations, "
            f"{config['keep_checkpoint_max']} kept.")


def learning_rate(config: dict, phase: Phase, step: int) -> float:
    """Learning rate of a step before the factors of the network's parts."""
    done, length = step - phase.start, phase.end - phase.start
    rate = config["learning_rate"]
    if config["schedule"] == "cosine":
        low = 0.01
        rate *= low + (1 - low) * (1 + math.cos(math.pi * done / length)) / 2
    if config["schedule"] == "step":
        rate *= config["step_factor"] ** sum(done >= place for place in config["step_at"])
    if done < config["warmup_iters"]:
        rate *= (done + 1) / config["warmup_iters"]
    return rate
