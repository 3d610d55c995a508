"""Install the Paddle for this machine beside what is there: ``python utils/paddle_wheel.py`` (run.sh calls it).

    has                     exit code 0 where this Python has a paddle that can be used, or lacks only setuptools for it
    install                 install a paddle
    beside FILE... [--needs MODULE...]   install requirement files; nothing where all of the modules are there
    check                   say where the paddle of this Python does not fit the machine

Where ``nvidia-smi`` answers, a GPU wheel is wanted: of Paddle's own index for the newest CUDA that driver and card can run,
else 2.6.2, the newest one on PyPI. ``paddle.utils.run_check`` decides whether what was installed works; if none does, the
CPU wheel is taken. CPU=1 in the environment asks for that from the start. One line says what was chosen, and why. numpy,
protobuf and paddle are never replaced by another version. This file runs before anything is installed, so it imports the
standard library alone.
"""
from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
INDEX = "https://www.paddlepaddle.org.cn/packages/stable/cu{}{}/"
CHECK = ("import paddle; paddle.utils.run_check(); "
         "assert paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count(), 'it sees no GPU'")
KEPT = ("numpy", "protobuf", "paddlepaddle", "paddlepaddle-gpu")
SETUPTOOLS = "setuptools<81"  # Paddle before 3.3 imports it without asking for it, and later ones lack what it takes
OFF = ("", "0", "no", "off", "false")
PIP = ("-m", "pip", "install", "-q", "--prefer-binary")  # of a package without a wheel for this system an older wheel


class Cuda(NamedTuple):
    """A CUDA version that Paddle's index has wheels for, and the compute capabilities that they run on."""
    version: tuple[int, int]
    least: tuple[int, int]
    most: tuple[int, int]


# Newest first. CUDA 13 has nothing for cards before Turing, and Blackwell has kernels from 12.9 on alone.
CUDAS = (Cuda((13, 0), (7, 5), (99, 0)), Cuda((12, 9), (7, 5), (99, 0)), Cuda((12, 6), (0, 0), (9, 0)),
         Cuda((11, 8), (0, 0), (9, 0)))
BLACKWELL = (10, 0)


class Card(NamedTuple):
    """The first NVIDIA card: its name, the newest CUDA of its driver, its compute capability; None where it is not told."""
    name: str
    cuda: tuple[int, int] | None
    capability: tuple[int, int] | None = None


class Wheel(NamedTuple):
    """Arguments of pip, and the reason for them."""
    arguments: tuple[str, ...]
    why: str


def cpu_line(requirements: str) -> str:
    """The requirement of the CPU wheel, "paddlepaddle==3.3.1", in the text of requirements.txt."""
    return re.search(r"^paddlepaddle[^\s#]*", requirements, re.MULTILINE)[0]


def read_card(table: str, capability: str = "") -> Card:
    """The first card, from what ``nvidia-smi`` prints, and what it prints for ``--query-gpu=compute_cap``."""
    name = re.search(r"\|\s+0\s+(\S.*?)\s{2,}", table)
    cuda = re.search(r"CUDA (?:\w+ )?Version:\s*(\d+)\.(\d+)", table)
    number = re.search(r"^\s*(\d+)\.(\d+)\s*$", capability, re.MULTILINE)
    numbers = [(int(found[1]), int(found[2])) if found else None for found in (cuda, number)]
    return Card(name[1] if name else "a card", *numbers)


def glibc() -> tuple[int, int] | None:
    """The version of the C library; None where it is another one."""
    name, number = platform.libc_ver()
    parts = re.findall(r"\d+", number)
    return (int(parts[0]), int(parts[1])) if name == "glibc" and len(parts) > 1 else None


def release(newest: str, libc: tuple[int, int] | None) -> str:
    """The newest Paddle that loads on a C library; the wheels say of themselves that they run on any."""
    if libc is None or libc >= (2, 28):
        return newest
    return "3.2.2" if libc >= (2, 27) else "2.6.2"


def candidates(card: Card | None, cpu: str, environ: Mapping[str, str], libc: tuple[int, int] | None = None) -> list[Wheel]:
    """The wheels to try, in this order; the last one is always the CPU's.

    Args:
        card: None where ``nvidia-smi`` is missing or failed.
        cpu: requirement of the CPU wheel. libc: version of glibc, None: another library.
        environ: mapping; CPU=1 forces the CPU wheel.
    """
    number = release(cpu.partition("==")[2], libc)
    newest = cpu.endswith(f"=={number}")
    old = "" if newest else f"; glibc {libc[0]}.{libc[1]} is too old for {cpu.partition('==')[2]}"
    needs = () if newest else (SETUPTOOLS,) if number != "2.6.2" else ("numpy<2", SETUPTOOLS)

    def last(why):
        return [Wheel((f"paddlepaddle=={number}", *needs), why + old)]
    if environ.get("CPU", "").lower() not in OFF:
        return last("CPU=1 asks for it")
    if card is None:
        return last("no NVIDIA card answers (nvidia-smi)")
    if card.cuda is None or card.cuda < CUDAS[-1].version:
        told = "names no CUDA version" if card.cuda is None else f"runs CUDA {card.cuda[0]}.{card.cuda[1]}"
        return last(f"{card.name} is there, but its driver {told}, and GPU wheels need 11.8; update the driver")
    seen = f"{card.name} with a driver for CUDA {card.cuda[0]}.{card.cuda[1]}"
    found = [Wheel((f"paddlepaddle-gpu=={number}", "-i", INDEX.format(*cuda.version), *needs),
                   f"{seen}: CUDA {cuda.version[0]}.{cuda.version[1]} wheel of Paddle's index")
             for cuda in CUDAS if number != "2.6.2" and _runs(cuda, card)]
    if card.capability is None or card.capability < BLACKWELL:
        found.append(Wheel(("paddlepaddle-gpu==2.6.2", "numpy<2", SETUPTOOLS), f"{seen}: newest GPU wheel on PyPI"))
    return [*found, *last(f"{seen}, but no GPU wheel could be installed and pass its check")]


def _runs(cuda, card):
    if card.capability is None:
        return cuda.version <= card.cuda
    # Blackwell's first drivers name 12.8; a driver runs later ones of its major version where it needs to translate nothing.
    within = cuda.version <= card.cuda or card.capability >= BLACKWELL and cuda.version[0] <= card.cuda[0]
    return within and cuda.least <= card.capability <= cuda.most


def ask_driver() -> Card | None:
    """The first card; None where ``nvidia-smi`` is not there, fails, or does not answer within 20 seconds."""
    said = []
    for arguments in ((), ("--query-gpu=compute_cap", "--format=csv,noheader")):
        try:
            done = subprocess.run(["nvidia-smi", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                  errors="replace", timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        said.append(done.stdout if done.returncode == 0 else None)
    return None if said[0] is None else read_card(said[0], said[1] or "")  # old drivers do not know the second question


def run(command: Sequence[str]) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


def install(wheels: Iterable[Wheel], call: Callable = run, say: Callable = print) -> Wheel | None:
    """Install the first wheel that works; returns it, or None where not even the last one can be installed. call: command
    -> (exit code, output); say: takes a line of text."""
    python = sys.executable
    for wheel in wheels:
        name = wheel.arguments[0]
        code, output = call([python, *PIP, *wheel.arguments])
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


def installed(names: Iterable[str] = KEPT) -> dict[str, str]:
    """Versions of those of the packages that this Python has, however they came: {"numpy": "1.26.4"}."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def wanted(text: str, has: Callable[[str], bool]) -> list[str]:
    """Lines of a requirement file without paddle, and without OpenCV where another build of it is there. has: module name
    -> whether this Python has it."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("paddlepaddle")
            and not (line.startswith("opencv") and has("cv2"))]


def has_module(name: str) -> bool:
    """Return whether this Python has a module; it is not imported."""
    return importlib.util.find_spec(name) is not None


def lacks_setuptools() -> bool:
    """Return whether the installed paddle wants the setuptools that Pythons since 3.12 do not bring along."""
    found = [tuple(map(int, re.findall(r"\d+", text)[:2])) for name, text in installed().items() if "paddle" in name]
    wants = sys.version_info >= (3, 12) and any((2, 0) <= number < (3, 3) for number in found)
    return wants and not has_module("setuptools")


def beside(files: Sequence[str], modules: Sequence[str]) -> int:
    """Install requirement files beside what is there. Exit code of pip; 0 where nothing is missing."""
    lines = [SETUPTOOLS] if lacks_setuptools() else []
    if not modules or not all(map(has_module, modules)):
        lines += [line for file in files for line in wanted(Path(file).read_text(encoding="utf-8"), has_module)]
    if not lines:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.txt"
        kept.write_text("".join(f"{name}=={number}\n" for name, number in installed().items()), encoding="utf-8")
        return subprocess.run([sys.executable, *PIP, "-c", str(kept), *lines]).returncode


def has_paddle() -> bool:
    """Whether this Python has a paddle that is new enough and loads, be it with the setuptools that ``beside`` adds."""
    sys.path.insert(0, str(HERE))
    from bgmatting.utils.supported import unfit_paddle
    if unfit_paddle() is not None or not has_module("paddle"):
        return False
    return lacks_setuptools() or subprocess.run([sys.executable, "-c", "import paddle"], stdout=subprocess.DEVNULL,
                                                stderr=subprocess.DEVNULL).returncode == 0


def doubt(has_cuda: bool, card: Card | None) -> str | None:
    """A line for a paddle that was found and does not fit the machine; None where it does. has_cuda: whether it is
    compiled for GPUs; card: as ``candidates``."""
    if has_cuda or card is None:
        return None
    return (f"note: {card.name} is there, but this paddle computes on the CPU alone. `pip uninstall paddlepaddle` and run "
            f"the same command again for a GPU wheel, or set CPU=1 to keep it without this note.")


def _last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it failed without a word"])[-1][:200]


def _check():
    if os.environ.get("CPU", "").lower() in OFF and (card := ask_driver()) is not None:
        import paddle
        if line := doubt(paddle.is_compiled_with_cuda(), card):
            print(line, file=sys.stderr)
    return 0


def _install():
    cpu = cpu_line((HERE / "requirements.txt").read_text(encoding="utf-8"))
    wheels = candidates(ask_driver(), cpu, os.environ, glibc())
    return 0 if install(wheels, say=lambda line: print(line, flush=True)) else 1


def main(argv: Sequence[str]) -> int:
    """Do what the first word says; exit code."""
    word, *rest = argv
    if word == "beside":
        at = rest.index("--needs") if "--needs" in rest else len(rest)
        return beside(rest[:at], rest[at + 1:])
    return {"has": lambda: 0 if has_paddle() else 1, "install": _install, "check": _check}[word]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
