"""Measure speed on this machine; each subcommand prints a markdown table below the machine's description.

    python benchmark.py data                                   # input pipeline, beside the authors' in Pillow
    python benchmark.py infer                                  # milliseconds a frame of every backend
    python benchmark.py infer --peer ../BackgroundMattingV2    # beside the authors' code
    python benchmark.py infer --method modnet --peer-paddleseg ../PaddleSeg   # MODNet or DIM, beside PaddleSeg's code
    python benchmark.py video --peer ../BackgroundMattingV2    # frames a second of videos, and where the time goes
    python benchmark.py train                                  # training steps a second, and peak memory
    python benchmark.py train --backbone resnet50 --phase joint --crop 1024 2048 --batch 4
"""
from __future__ import annotations

import argparse
from argparse import Namespace
from types import ModuleType

from bgmatting.utils.cli import CommandLine
from bgmatting.utils.cpu import prepare_cpu


def parse(argv: list[str] | None, commands: dict[str, ModuleType]) -> Namespace:
    """The command line; ``commands`` is {word: module with HELP, add_flags(parser) and run(args)}."""
    parser = CommandLine(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = parser.add_subparsers(metavar="COMMAND", required=True)
    for word, module in commands.items():
        command = words.add_parser(word, help=module.HELP, description=module.__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_flags(command)
        command.set_defaults(run=module.run)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    prepare_cpu()  # before anything else imports paddle
    from bgmatting.benchmarks import data, infer, train, video
    args = parse(argv, {"data": data, "infer": infer, "video": video, "train": train})
    args.run(args)
