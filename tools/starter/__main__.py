"""Make starter weights by a recipe; the same command goes on after an interruption.

    python -m tools.starter initial ENCODER.npz RECIPE.yml OUT.safetensors    # a network to start from
    python -m tools.starter base|refiner|joint RECIPE.yml [--out FOLDER] [--set KEY=VALUE ...]
    python -m tools.starter last_step RECIPE.yml OUT.safetensors              # what comes after both, see last_step.py
"""
from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError, suggest
from bgmatting.utils.yaml_json import read_yaml

RECIPE = Path(__file__).parent / "recipe.yml"


def read_recipe(path: str | Path, phase: str, changes: list[str] = ()) -> dict:
    """The settings of one phase: the recipe's ``common`` section, the phase's own, and KEY=VALUE changes.

    Raises:
        UserError: the file, a section or a key is missing, or a change names a key that recipes do not have.
    """
    import yaml
    known = _sections(RECIPE, phase)
    settings = _sections(path, phase)
    if wrong := sorted(set(settings) ^ set(known)):
        raise UserError(f"{path} must have the keys of {RECIPE} for {phase}; look at {', '.join(wrong)}.")
    for change in changes:
        key, separator, value = change.partition("=")
        if key not in settings or not separator:
            raise UserError(f"--set {change}: write KEY=VALUE with a key of the recipe.{suggest(key, settings)}")
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"--set {change}: the value is not YAML.") from None
    return settings


def _sections(path, phase):
    try:
        recipe = read_yaml(path)
        return {**recipe["common"], **recipe[phase]}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}. {RECIPE} is a recipe.") from None
    except (KeyError, TypeError):
        raise UserError(f"{path} has no sections 'common' and '{phase}' with keys. See {RECIPE}.") from None


def stage_of(settings: dict) -> dict:
    """The stage's configuration that a recipe's samples are made by. Raises UserError: a key or a value is not allowed."""
    from bgmatting.training.config import DEFAULT, load_config
    return load_config(DEFAULT, {**settings["stage"], "dataset_name": "stream", "seed": settings["seed"]})


def train(args) -> None:
    """Run one phase."""
    from bgmatting.training.checkpoint_files import locked
    from tools.starter.processes import train_together
    settings = read_recipe(args.recipe, args.command, args.set)
    stage = stage_of(settings)
    folder = Path(args.out or settings["out"]) / args.command
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        train_together(settings, stage, folder, args.command)


def initial(args) -> None:
    """Write a network to start from."""
    import torch

    from tools.starter.initial import write_initial
    from tools.starter.processes import samples_of
    settings = read_recipe(args.recipe, "base")
    torch.set_num_threads(settings["threads"])
    write_initial(args.encoder, samples_of(stage_of(settings)), args.out)


def last_step(args) -> None:
    """Fit the network of the last step."""
    import torch

    from tools.starter.last_step import write_last_step
    settings = read_recipe(args.recipe, "last_step", args.set)
    torch.set_num_threads(settings["threads"] * settings["processes"])
    write_last_step(settings, stage_of(settings), args.out)


def main(argv: list[str] | None = None) -> None:
    """Read the command line and do what it asks for."""
    parser = CommandLine(prog="python -m tools.starter", description=__doc__,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for phase, what in (("base", "the base"), ("refiner", "the refiner"), ("joint", "both together")):
        command = commands.add_parser(phase, help=f"train {what}")
        command.add_argument("recipe", help="YAML file, see recipe.yml")
        command.add_argument("--out", help="folder for results instead of the recipe's")
        command.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings instead of the recipe's")
        command.set_defaults(run=train)
    command = commands.add_parser("initial", help="a network whose encoder is a pretrained one")
    command.add_argument("encoder", help=".npz of arrays, see initial.py")
    command.add_argument("recipe", help="YAML file, whose samples the statistics are measured on")
    command.add_argument("out", help="safetensors to write")
    command.set_defaults(run=initial)
    command = commands.add_parser("last_step", help="the small network that ends a matte")
    command.add_argument("recipe", help="YAML file, see recipe.yml")
    command.add_argument("out", help="safetensors to write")
    command.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings instead of the recipe's")
    command.set_defaults(run=last_step)
    args = parser.parse_args(argv)
    if importlib.util.find_spec("torch") is None:
        raise UserError("PyTorch is not installed; run 'pip install -r requirements-torch.txt'.")
    args.run(args)


if __name__ == "__main__":
    run_main(main)
