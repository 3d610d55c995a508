"""Measure speed on this machine; each subcommand prints a markdown table below the machine's description.

`python benchmark.py --help` shows how; ``bgmatting benchmark`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("benchmark")
