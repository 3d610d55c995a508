"""How fast training steps are and how much memory they take: ``python benchmark.py train``.

A step is the trainer's own: both directions through the network, loss, and optimizer, on a batch that is there already.
Every combination runs in a process of its own, so that its peak memory is its own.
"""
from __future__ import annotations

from argparse import ArgumentParser, Namespace

from bgmatting.training.config import DEFAULT, load_config
from bgmatting.training.config.rules import LEAST_CROP
from bgmatting.training.plan.probe import measure_apart
from bgmatting.utils.errors import UserError
from bgmatting.utils.machine import describe_machine, find_device

HELP = "training steps a second and peak memory, for each backbone, phase and crop"
CROPS = {"base": (256, 512), "joint": (512, 1024)}


def add_flags(parser: ArgumentParser) -> None:
    """The flags of ``benchmark.py train``."""
    add = parser.add_argument
    add("--backbone", nargs="+", default=["mobilenetv2"], help="default: mobilenetv2")
    add("--phase", nargs="+", default=["base", "joint"], choices=["base", "joint"], help="default: both")
    add("--crop", nargs="+", type=int, help="sides in pixels (default: 256 512 for base, 512 1024 for joint)")
    add("--batch", type=int, help="samples a batch (default: 8 for base, 4 for joint, as the stages)")
    add("--steps", type=int, default=5, help="to measure, after one for warming up (default: %(default)s)")
    add("--device", help="cpu, gpu or gpu:N (default: a GPU where there is one)")


def run(args: Namespace) -> None:
    """Measure each combination, and print its row at once. Raises UserError: a flag that cannot be used."""
    works = combinations(args)
    print("\n".join(describe_machine()))
    print("\n".join(heading(args.steps)), flush=True)
    for work in works:
        print(row(work, measured(work)), flush=True)


def combinations(args: Namespace) -> list[dict]:
    """Combinations to measure: dicts of backbone, phase, crop, batch, steps and device."""
    if args.steps < 1 or args.batch is not None and args.batch < 1:
        raise UserError("--steps and --batch must be 1 or more.")
    if args.device:
        find_device(args.device)
    works = []
    for backbone in args.backbone:
        for phase in args.phase:
            for crop in args.crop or CROPS[phase]:
                least = LEAST_CROP[phase]
                if crop < least or crop % 4:
                    raise UserError(f"--crop {crop} must be a multiple of 4, and {least} or more for {phase}.")
                batch = args.batch or load_config(DEFAULT)["phases"][phase]["batch_size"]
                works.append({"backbone": backbone, "phase": phase, "crop": crop, "batch": batch, "steps": args.steps,
                              "device": args.device})
    return works


def measured(work: dict) -> dict:
    """Result of ``training.plan.probe.measure_apart`` for one of ``combinations``."""
    config = load_config(DEFAULT, {"backbone": work["backbone"], "device": work["device"]})
    return measure_apart(config, work["phase"], work["batch"], work["crop"], work["steps"])


def heading(steps: int) -> list[str]:
    """The first lines of the table."""
    return [f"Median of {steps} steps after one for warming up.", "",
            "| backbone | phase | crop | batch | device | steps/s | images/s | peak memory |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |"]


def row(work: dict, found: dict) -> str:
    """One line of the table, from one of ``combinations`` and what was ``measured``."""
    start = f"| {work['backbone']} | {work['phase']} | {work['crop']}x{work['crop']} | {work['batch']} |"
    if "error" in found:
        return f"{start} {work['device'] or '-'} | {found['error']} | - | - |"
    memory = "-" if found["memory"] is None else f"{found['memory'] / 2 ** 30:.2f} GiB"
    rate = 1 / found["seconds"]
    return f"{start} {found['device']} | {rate:.3f} | {work['batch'] * rate:.2f} | {memory} |"
