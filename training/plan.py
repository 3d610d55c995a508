"""What a training run will do, without doing it: ``python -m training.plan --config configs/stage1.yml --gpu-memory 16``.

Data and counts are read, nothing is written and nothing is learnt. Memory and time are estimates: two small batches go
forward and backward, and what they take is carried over to the run's batches by their pixels. ``train.py --dry-run`` is the
same. All of train.py's flags are understood.
"""
import argparse
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from training.config.flags import add_flags, settings_of
from utils.cli import CommandLine, run_main
from utils.cpu import prepare_cpu
from utils.machine import free_memory, peak_memory

PROBES = (1, 3)   # samples of the two batches that are tried
PROBE_SIDE = 256  # pixels of their sides, or a phase's smallest crop where that is smaller
EXAMPLES = {"bgr": " --bgr room.jpg", "trimap": " --trimap me_trimap.png", None: ""}  # by what a method needs
ROOM = 0.9        # of a card's memory: the rest is the driver's, and fragments


class Cost(NamedTuple):
    """What a phase's batches take: bytes that do not depend on the batch, bytes and seconds for each pixel of a sample."""
    fixed: float
    pixel_bytes: float
    pixel_seconds: float

    def memory(self, pixels):
        """Bytes for a batch of so many pixels, all samples together."""
        return self.fixed + self.pixel_bytes * pixels


def measure(learner, phase, side):
    """The ``Cost`` of a phase, from two batches of square samples.

    Args:
        learner: ``training.step.Learner`` that has entered ``phase`` (its name); side: pixels.
    """
    from training.memory import images
    seen = []
    for batch in PROBES:
        _forget_peak()
        before = _held()
        started = time.perf_counter()
        learner.rehearse(phase, images(batch, side))
        seen.append((batch * side * side, max(0, (peak_memory(learner.ranks.device) or before) - before),
                     time.perf_counter() - started))
    (few, small, short), (many, large, long) = seen
    slope, rate = max(0.0, (large - small) / (many - few)), max(0.0, (long - short) / (many - few))
    return Cost(max(0.0, small - slope * few), slope, rate or long / many)


def lines_of(config, epoch_end=None, gpu_memory=None, config_name=None):
    """The plan of a run, as lines of text.

    Args:
        config: as ``training.config.load_config`` returns it; epoch_end: as of ``training.trainer.train``.
        gpu_memory: GiB of the card that the run is planned for, or None.
        config_name: the stage's file, for the commands.

    Raises:
        UserError: data or settings that cannot be used.
    """
    from dataset.samples import training_set
    from training.distributed import Ranks
    from training.memory import Division, largest_side
    from training.schedule import plan, plan_line, valid_interval
    from training.start import catalog_of, network_of
    from training.state import checkpoint_size
    from training.step import Learner
    from training.validation import validation_set
    catalog, learner = catalog_of(config), Learner(config, network_of(config), Ranks(0, 1, "cpu"))
    lesson = learner.lesson
    phases = plan(config, len(training_set(config, lesson.phases[-1], catalog, lesson.trimap)), epoch_end)
    items, interval = validation_set(config, catalog), valid_interval(config, phases)
    lines, seconds = _data_lines(config, catalog), 0.0
    for phase in phases:
        learner.enter(phase.name)
        samples = training_set(config, phase.name, catalog, lesson.trimap)
        settings = config["phases"][phase.name]
        division, side = Division(settings["batch_size"], config["accumulate"]), largest_side(config, phase.name)
        lines.append(plan_line(phase, config, samples, division, 1, len(items), interval, checkpoint_size(learner)))
        cost = measure(learner, phase.name, max(1, min(PROBE_SIDE, settings["crop"][0]) // lesson.cell) * lesson.cell)
        lines += _memory_lines(phase.name, cost, division, side, gpu_memory)
        mean_side = sum(settings["crop"]) / 2
        pixels = division.batch_size * division.accumulate * mean_side ** 2
        seconds += cost.pixel_seconds * pixels * (phase.end - phase.start)
    lines.append(_disk_line(config, checkpoint_size(learner)))
    lines.append(f"time: about {timedelta(seconds=int(seconds))} for {phases[-1].end} iterations on this machine's CPU, "
                 "validations aside" + ("; a GPU takes a small part of that" if gpu_memory else "") + ".")
    return lines + _command_lines(config, config_name, lesson.method.needs)


def _data_lines(config, catalog):
    from training.lessons import find_lesson
    if config["dataset_name"] == "stream":
        return [f"data: generated samples, {config['stream_length']} an epoch."]
    photos = find_lesson(config["method"]).trimap and catalog.holds_photos(config["dataset_name"])
    names = (config["dataset_name"], *(() if photos else (config["background_name"],)))
    return [f"data: {name} at {catalog.where(name)}: {_counts(catalog, name)}." for name in names]


def _counts(catalog, name):
    return ", ".join(f"{split} {len(catalog.split(name, split))}" for split in catalog.splits(name))


def _memory_lines(phase, cost, division, side, gpu_memory):
    need = cost.memory(division.batch_size * side * side)
    lines = [f"memory: {phase} batches of {division.batch_size} x {side}x{side} take about {need / 2 ** 30:.1f} GiB"
             + _free(need) + "."]
    if gpu_memory is None:
        return lines
    fitting = _most(cost, division, side, gpu_memory * ROOM * 2 ** 30)
    if fitting is None:
        return [*lines, f"memory: not even one {side}x{side} sample fits in {gpu_memory:g} GiB: choose a smaller crop."]
    if fitting == division:
        return [*lines, f"memory: that fits in {gpu_memory:g} GiB."]
    return [*lines, f"memory: for {gpu_memory:g} GiB use --batch-size {fitting.batch_size} --accumulate "
                    f"{fitting.accumulate} (the same samples an iteration), or --batch-size auto."]


def _most(cost, division, side, room):
    while division is not None and cost.memory(division.batch_size * side * side) > room:
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
            "logs and pictures beside them.")


def _command_lines(config, name, needs):
    stage = f"python train.py --config {name}" if name else "python train.py --config ..."
    best = Path(config["save_dir"]) / "best_model"
    return [f"next: {stage}    (the same command goes on after an interruption)",
            f"then: python eval.py --weights {best}",
            f"and:  python predict.py --weights {best} --src me.jpg" + EXAMPLES[needs]]


def _held():
    """Bytes that this process holds now; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0


def _forget_peak():
    """Let the peak of memory count from now on, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pass


def show(args):
    """Print the plan of a parsed command line."""
    prepare_cpu()  # before anything else imports paddle
    from training.config import load_config
    name, overrides = settings_of(args)
    for line in lines_of(load_config(name, overrides), args.epoch_end, getattr(args, "gpu_memory", None), name):
        print(line, flush=True)


def main(argv=None):
    parser = CommandLine(prog="python -m training.plan", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    parser.add_argument("--gpu-memory", type=float, metavar="GIB", help="of the card that the run is planned for")
    show(parser.parse_args(argv))


if __name__ == "__main__":
    run_main(main)
