"""What a training run will do, without doing it: ``python -m training.plan --config configs/stage1.yml --gpu-memory 16``.

Data and counts are read, nothing is written and nothing is learnt. Memory and time are estimates: two small batches of a
phase's largest crop are trained, each in a process of its own, and what they take is carried over to the run's batches.
``train.py --dry-run`` is the same. All of train.py's flags are understood.
"""
import argparse

from training.config.flags import add_flags, settings_of
from utils.cli import CommandLine, run_main
from utils.cpu import prepare_cpu


def show(args):
    """Print the plan of a parsed command line."""
    prepare_cpu()  # before anything else imports paddle
    from training.config import load_config
    from training.plan.outline import lines_of
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
