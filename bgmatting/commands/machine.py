"""Describe this machine: processor, cores, memory, device and versions, to go with a report or a measurement."""
from __future__ import annotations

from bgmatting import __version__
from bgmatting.utils.cli import CommandLine, say
from bgmatting.utils.machine import describe_machine, find_device, free_memory


def main(argv: list[str] | None = None) -> None:
    """Print the description; ``argv`` as of any command."""
    CommandLine(prog="bgmatting machine", description=__doc__).parse_args(argv)
    for line in describe_machine():
        say(line)
    free = free_memory()
    memory = "" if free is None else f", {free / 2 ** 30:.1f} GiB of memory free"
    say(f"bgmatting {__version__}, device {find_device()}{memory}")
