"""Train the base or the refiner by a recipe; the same command goes on after an interruption.

    python -m training.pytorch base|refiner RECIPE.yml [--out FOLDER] [--set KEY=VALUE ...]
    python -m training.pytorch average FILE FILE... OUT.safetensors
    python -m training.pytorch join BASE REFINER OUT.safetensors    # a network of a base and a refiner trained apart
"""
import argparse
import fcntl
import os
from pathlib import Path

import cv2
import torch
import yaml

from bgmatting.training.pytorch import store
from bgmatting.training.pytorch.judging import Judge
from bgmatting.training.pytorch.phases import BasePhase, RefinerPhase
from bgmatting.training.pytorch.run import Run
from bgmatting.utils.cli import CommandLine

PHASES = {"base": BasePhase, "refiner": RefinerPhase}


def read_recipe(path, phase, changes=()):
    """The settings of one phase: the recipe's ``common`` section, the phase's own, and KEY=VALUE changes."""
    with open(path, encoding="utf-8") as file:
        recipe = yaml.safe_load(file)
    settings = {**recipe["common"], **recipe[phase]}
    for change in changes:
        key, value = change.split("=", 1)
        if key not in settings:
            raise SystemExit(f"{path} has no '{key}' for {phase}; it has {', '.join(sorted(settings))}.")
        settings[key] = yaml.safe_load(value)
    return settings


def train(args):
    """Run one phase."""
    settings = read_recipe(args.recipe, args.command, args.set)
    folder = Path(args.out or settings["out"]) / args.command
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings["threads"])
    cv2.setNumThreads(1)
    with open(folder / "pid", "a+", encoding="ascii") as file:
        alone(file, folder)
        judge = Judge(settings["judge"], whole=args.command == "refiner")
        Run(settings, folder, PHASES[args.command](settings), judge).go()


def alone(file, folder):
    """Write this process's number into the open ``file``, or end where another process trains into ``folder``."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SystemExit(f"process {(folder / 'pid').read_text().strip()} trains into {folder}.") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


def average(args):
    """Write the mean of several weights files."""
    *sources, target = args.files
    store.write_weights(store.mean([store.read_state(source) for source in sources]), target)


def join(args):
    """Write a whole network: the base of one file, the refiner of another."""
    state = {name: value for name, value in store.read_state(args.base).items() if not name.startswith("refiner.")}
    refiner = {name: value for name, value in store.read_state(args.refiner).items() if name.startswith("refiner.")}
    store.write_weights({**state, **refiner}, args.out)


def main(argv=None):
    parser = CommandLine(prog="python -m training.pytorch", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for phase in PHASES:
        command = commands.add_parser(phase, help=f"train the {phase}")
        command.add_argument("recipe", help="YAML file, see recipe.yml")
        command.add_argument("--out", help="folder for results instead of the recipe's")
        command.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings instead of the recipe's")
        command.set_defaults(run=train)
    command = commands.add_parser("average", help="the mean of several weights files of one network")
    command.add_argument("files", nargs="+", help="files, the last one to be written")
    command.set_defaults(run=average)
    command = commands.add_parser("join", help="a base and a refiner of another file")
    for name in ("base", "refiner", "out"):
        command.add_argument(name)
    command.set_defaults(run=join)
    args = parser.parse_args(argv)
    args.run(args)


if __name__ == "__main__":
    main()
