"""Which Paddle belongs on this machine, and its installation: ``python utils/paddle_wheel.py`` (run.sh calls it).

Where ``nvidia-smi`` answers, a GPU wheel is wanted: of Paddle's own index for the newest CUDA that the driver can run, else
2.6.2, the newest one on PyPI. ``paddle.utils.run_check`` decides whether what was installed works; if none does, the CPU
wheel of requirements.txt is taken. CPU=1 in the environment asks for that from the start. One line says what was chosen,
and why. This file runs before anything is installed, so it imports the standard library alone.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

INDEX = "https://www.paddlepaddle.org.cn/packages/stable/cu{}{}/"
CUDAS = ((13, 0), (12, 9), (12, 6), (11, 8))  # those that Paddle's index has wheels for, newest first
VERSION = "3.3.1"
CHECK = ("import paddle; paddle.utils.run_check(); "
         "assert paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count(), 'it sees no GPU'")


class Wheel(NamedTuple):
    """What pip is called with, and why."""
    arguments: tuple
    why: str


def cpu_line(requirements: str) -> str:
    """The requirement of the CPU wheel, "paddlepaddle==3.3.1", in the text of requirements.txt."""
    return re.search(r"^paddlepaddle[^\s#]*", requirements, re.MULTILINE)[0]


def driver_cuda(said: str | None) -> tuple[int, int] | None:
    """(major, minor) of the newest CUDA that the driver runs, from what ``nvidia-smi`` prints; None where it names none."""
    named = re.search(r"CUDA Version:\s*(\d+)\.(\d+)", said or "")
    return (int(named[1]), int(named[2])) if named else None


def card(said: str | None) -> str:
    """The first card's name as ``nvidia-smi`` prints it, or "a card"."""
    named = re.search(r"\|\s+0\s+(\S.*?)\s{2,}", said or "")
    return named[1] if named else "a card"


def candidates(said: str | None, cpu: str, environ: Mapping[str, str]) -> list[Wheel]:
    """The wheels to try, in this order; the last one is always the CPU's.

    Args:
        said: what ``nvidia-smi`` printed, None where it is missing or failed.
        cpu: requirement of the CPU wheel.
        environ: mapping; CPU=1 forces the CPU wheel.
    """
    if environ.get("CPU", "0") not in ("", "0"):
        return [Wheel((cpu,), "CPU=1 asks for it")]
    if said is None:
        return [Wheel((cpu,), "no NVIDIA card answers (nvidia-smi)")]
    cuda = driver_cuda(said)
    if cuda is None or cuda < min(CUDAS):
        told = "names no CUDA version" if cuda is None else f"runs CUDA {cuda[0]}.{cuda[1]}"
        return [Wheel((cpu,), f"{card(said)} is there, but its driver {told}, and GPU wheels need 11.8; update the driver")]
    seen = f"{card(said)} with a driver for CUDA {cuda[0]}.{cuda[1]}"
    found = [Wheel((f"paddlepaddle-gpu=={VERSION}", "-i", INDEX.format(*version)), f"{seen}: CUDA {version[0]}.{version[1]} "
                                                                                 "wheel of Paddle's index")
             for version in CUDAS if version <= cuda]
    found.append(Wheel(("paddlepaddle-gpu==2.6.2", "numpy<2"), f"{seen}: newest GPU wheel on PyPI"))
    return [*found, Wheel((cpu,), f"{seen}, but no GPU wheel could be installed and pass its check")]


def ask_driver() -> str | None:
    """What ``nvidia-smi`` prints; None where it is not there, fails, or does not answer within 20 seconds."""
    try:
        done = subprocess.run(["nvidia-smi"], capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def run(command: list[str]) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


def install(wheels: list[Wheel], call: Callable = run, say: Callable = print) -> Wheel | None:
    """Install the first wheel that works; returns it, or None where not even the last one can be installed.

    Args:
        call: command -> (exit code, output); say: takes a line of text.
    """
    python = sys.executable
    for wheel in wheels:
        name = wheel.arguments[0]
        code, output = call([python, "-m", "pip", "install", "-q", *wheel.arguments])
        gpu = "-gpu" in name
        if code == 0 and gpu:
            code, output = call([python, "-c", CHECK])
        if code == 0:
            say(f"paddle: {name} ({wheel.why})")
            return wheel
        say(f"paddle: not {name}: {_last_line(output)}")
        if gpu:
            call([python, "-m", "pip", "uninstall", "-q", "-y", "paddlepaddle-gpu"])
    return None


def doubt(has_cuda: bool, said: str | None) -> str | None:
    """A line for a paddle that was found and does not fit the machine; None where it does.

    Args:
        has_cuda: whether that paddle is compiled for GPUs; said: as ``candidates``.
    """
    if has_cuda or said is None:
        return None
    return (f"note: {card(said)} is there, but this paddle computes on the CPU alone. `pip uninstall paddlepaddle` and run "
            f"the same command again for a GPU wheel, or set CPU=1 to keep it without this note.")


def _last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it failed without a word"])[-1][:200]


def main(argv: list[str]) -> int:
    """``install`` installs a paddle; ``check`` says where the paddle of this interpreter does not fit. Exit code."""
    if argv == ["check"]:
        if os.environ.get("CPU", "0") in ("", "0") and (said := ask_driver()) is not None:
            import paddle
            if line := doubt(paddle.is_compiled_with_cuda(), said):
                print(line, file=sys.stderr)
        return 0
    cpu = cpu_line((Path(__file__).resolve().parent.parent / "requirements.txt").read_text(encoding="utf-8"))
    return 0 if install(candidates(ask_driver(), cpu, os.environ), say=lambda line: print(line, flush=True)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
