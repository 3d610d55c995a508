"""Plan a training run, without doing it: ``python -m bgmatting plan --config configs/stage1.yml --gpu-memory 16``.

Data and counts are read and nothing is learnt; where sample data stands in for the sets, it is generated. Memory and
time are estimates: two small batches of a phase's largest crop are trained, each in a process of its own, and what they
take is carried over to the run's batches. ``train.py --dry-run`` is the same. All of train.py's flags are understood.
"""
from __future__ import annotations

import argparse
import math
import os

from bgmatting.training.config.flags import add_flags, command_of, settings_of
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.errors import UserError


def show(args: argparse.Namespace) -> None:
    """Print the plan of a parsed command line."""
    prepare_cpu()  # before anything else imports paddle
    from bgmatting.training.config import load_config
    from bgmatting.training.plan.outline import lines_of
    name, overrides = settings_of(args)
    config, gpu_memory = load_config(name, overrides), getattr(args, "gpu_memory", None)
    if gpu_memory is not None and not 0 < gpu_memory < math.inf:
        raise UserError(f"--gpu-memory is the GiB of a card, such as 16; not {gpu_memory:g}.")
    if os.path.exists(config["save_dir"]) and not os.path.isdir(config["save_dir"]):
        raise UserError(f"{config['save_dir']} is no folder to save in. Name another with --save-dir.")
    for line in lines_of(config, args.epoch_end, gpu_memory, command_of(args)):
        print(line, flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = CommandLine(prog="python -m bgmatting plan", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    parser.add_argument("--gpu-memory", type=float, metavar="GIB", help="of the card that the run is planned for")
    show(parser.parse_args(argv))


if __name__ == "__main__":
    run_main(main)
