"""The plan of a run as lines of text: data, iterations, memory, disk, time, and the commands to go on."""
from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from bgmatting.training.memory import largest_side
from bgmatting.training.plan.probe import TOO_LARGE, measure_apart
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import find_device, free_memory

PIXELS = 2 ** 20  # of the larger batch that is tried, at two samples or more: larger ones tell more, and take longer
EXAMPLES = {"bgr": " --bgr room.jpg", "trimap": " --trimap me_trimap.png", None: ""}  # by what a method needs
ROOM = 0.9        # of a card's memory: the rest is the driver's, and fragments


class Cost(NamedTuple):
    """Cost of a phase's batches: bytes whatever their size, bytes and seconds for each sample of a given side."""
    fixed: float
    sample_bytes: float
    sample_seconds: float

    def memory(self, batch: int) -> float:
        """Bytes for a batch of so many samples."""
        return self.fixed + self.sample_bytes * batch


def cost_of(config: dict, phase: str, side: int) -> Cost | None:
    """The ``Cost`` of a phase with samples of ``side`` x ``side`` pixels, from two small batches; None where they do not
    fit in the memory that is free, or the system does not tell what they took. Raises UserError: the configuration cannot
    be used."""
    many = max(2, min(config["phases"][phase]["batch_size"], PIXELS // side ** 2))
    batches = (many // 2, many)
    found = [measure_apart(config, phase, batch, side) for batch in batches]
    for one in found:
        if one.get("error", TOO_LARGE) != TOO_LARGE:
            raise UserError(f"{phase}: training steps could not be tried: {one['error']}")
        if one.get("memory") is None:
            return None
    (few, many), (small, large) = batches, (one["memory"] for one in found)
    slope = max(0.0, (large - small) / (many - few))
    return Cost(small - slope * few, slope, found[-1]["seconds"] / many)


def lines_of(config: dict, epoch_end: int | None, gpu_memory: float | None, command: str) -> Iterator[str]:
    """Yields the plan of a run as lines of text; those of memory take a while. Raises UserError: data or settings that
    cannot be used.

    config: of ``training.config.load_config``; epoch_end: as of ``training.trainer.train``; gpu_memory: GiB of the card
    that the run is planned for, or None; command: the command line that trains so.
    """
    from bgmatting.dataset.samples import training_set
    from bgmatting.training.checkpoint import checkpoint_size
    from bgmatting.training.distributed import Ranks
    from bgmatting.training.schedule import division_of, plan, plan_line, split_line, valid_interval
    from bgmatting.training.start import catalog_of, network_of
    from bgmatting.training.step import Learner
    from bgmatting.training.validation import validation_set
    device = find_device(config["device"])
    if device == "cpu" and gpu_memory is not None:
        config = {**config, "amp": None}  # what a card computes in 16 bits takes less than what is measured here
    # This process trains nothing, so that amp does not matter to its learner; on a CPU it refuses what no run can have.
    own = config if device == "cpu" else {**config, "amp": None}
    catalog, learner = catalog_of(config), Learner(own, network_of(config), Ranks(0, 1, "cpu"))
    lesson = learner.lesson
    phases = plan(config, len(training_set(config, lesson.phases[-1], catalog, lesson.trimap)), epoch_end)
    items, interval = validation_set(config, catalog), valid_interval(config, phases)
    if line := split_line(config, phases):
        yield line
    yield from _data_lines(config, catalog)
    yield from _weights_lines(config, learner)
    seconds = 0.0
    for phase in phases:
        learner.enter(phase.name)
        samples = training_set(config, phase.name, catalog, lesson.trimap)
        division = division_of(config, phase.name, len(samples))
        side = largest_side(config, phase.name)
        yield plan_line(phase, config, samples, division, 1, len(items), interval, checkpoint_size(learner))
        cost = cost_of(config, phase.name, side)
        yield from _memory_lines(phase.name, cost, division, side, gpu_memory, device)
        seconds = None if cost is None or seconds is None else seconds + _seconds(config, phase, cost, division, side)
    yield _disk_line(config, checkpoint_size(learner))
    yield _time_line(seconds, phases[-1].end, device, gpu_memory)
    yield from _command_lines(config, command, lesson.method.needs)


def _seconds(config, phase, cost, division, side):
    share = (sum(config["phases"][phase.name]["crop"]) / 2 / side) ** 2  # of the largest crops' pixels, in the mean
    samples = division.batch_size * division.accumulate * (phase.end - phase.start)
    return cost.sample_seconds * share * samples


def _time_line(seconds, iterations, device, gpu_memory):
    if seconds is None:
        return f"time: not known for {iterations} iterations; the log estimates it after the first 20."
    where = "this machine's CPU" if device == "cpu" else device
    return (f"time: about {timedelta(seconds=int(seconds))} for {iterations} iterations on {where}, validations aside"
            + ("; a GPU takes a small part of that" if gpu_memory and device == "cpu" else "") + ".")


def _data_lines(config, catalog):
    from bgmatting.training.lessons import find_lesson
    if config["dataset_name"] == "stream":
        return [f"data: generated samples, {config['stream_length']} an epoch."]
    photos = find_lesson(config["method"]).trimap and catalog.holds_photos(config["dataset_name"])
    names = (config["dataset_name"], *(() if photos else (config["background_name"],)))
    return [f"data: {name} at {catalog.where(name)}: " + ", ".join(
        f"{split} {len(catalog.split(name, split))}" for split in catalog.splits(name)) + "." for name in names]


def _weights_lines(config, learner):
    """Weights to start from that are there are read, so that those that cannot be used are told now; others may come from
    the stage before this one, or are fetched."""
    from bgmatting.training.start import load_pretrained
    name = config["pretrain"]
    if name and os.path.exists(name):
        line, _ = load_pretrained(learner.network, name, config["data_root"], learner.lesson)
        yield line.splitlines()[0].replace("[PRETRAIN]", "weights:")


def _memory_lines(phase, cost, division, side, gpu_memory, device):
    if cost is None:
        return [f"memory: {phase} batches of {division.batch_size} x {side}x{side}: not known, since a few such samples do "
                "not fit in the memory that is free here. Plan with a smaller crop, or on a larger machine."]
    need = cost.memory(division.batch_size)
    lines = [f"memory: {phase} batches of {division.batch_size} x {side}x{side} take about {need / 2 ** 30:.1f} GiB"
             + (_free(need) if device == "cpu" else "") + "."]
    if gpu_memory is None:
        return lines
    fitting = _most(cost, division, gpu_memory * ROOM * 2 ** 30)
    if fitting is None:
        return [*lines, f"memory: not even one {side}x{side} sample fits in {gpu_memory:g} GiB: choose a smaller crop."]
    if fitting == division:
        return [*lines, f"memory: that fits in {gpu_memory:g} GiB."]
    return [*lines, f"memory: for {gpu_memory:g} GiB use --batch-size {fitting.batch_size} --accumulate "
                    f"{fitting.accumulate} (the same samples an iteration), or --batch-size auto."]


def _most(cost, division, room):
    while division is not None and cost.memory(division.batch_size) > room:
        division = division.smaller()
    return division


def _free(need):
    free = free_memory()
    if free is None:
        return ""
    return f", {free / 2 ** 30:.1f} GiB are free here" + (": too little" if need > free else "")


def _disk_line(config, size):
    kept = config["keep_checkpoint_max"] + 1  # one more while the next is written
    return (f"disk: about {(kept * size + size / 3) / 2 ** 30:.2f} GiB in {config['save_dir']} "
            f"({config['keep_checkpoint_max']} checkpoints of {size / 2 ** 20:.0f} MiB, one under way, and best_model), "
            "logs and images beside them.")


def _command_lines(config, command, needs):
    best = shlex.quote(str(Path(config["save_dir"]) / "best_model"))
    without = "without --force " if " --force" in command else ""
    return [f"next: {command}    ({without}the same command goes on after an interruption)",
            f"then: python eval.py --weights {best}",
            f"and:  python predict.py --weights {best} --src me.jpg" + EXAMPLES[needs]]
