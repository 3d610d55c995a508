"""The command lines. ``predict.py``, ``eval.py`` and the other scripts of a checkout start them, ``bgmatting COMMAND`` too.

This module and the scripts are read by any Python, so that old ones end in one line too.
"""
import sys

COMMANDS = {
    "predict": ("bgmatting.commands.predict", "mattes of photos, videos and cameras"),
    "serve": ("bgmatting.commands.serve", "a page in the browser and an HTTP API"),
    "train": ("bgmatting.commands.train", "train or fine-tune a stage"),
    "eval": ("bgmatting.commands.eval", "measure networks and other people's mattes on a benchmark"),
    "val": ("bgmatting.commands.val", "eval with the flags of PaddleSeg's val.py"),
    "export": ("bgmatting.commands.export", "write the network as ONNX, OpenVINO or a Paddle graph"),
    "benchmark": ("bgmatting.commands.benchmark", "measure speed on this machine"),
    "datasets": ("bgmatting.dataset.__main__", "show which datasets were found"),
    "check": ("bgmatting.dataset.check.__main__", "look into every file of a dataset"),
    "unpack": ("bgmatting.dataset.unpack", "unpack downloaded datasets to where they are looked for"),
    "generate": ("bgmatting.dataset.generate.__main__", "write the sample datasets"),
    "fetch": ("bgmatting.model.weights.fetch", "download published weights"),
    "weights": ("bgmatting.model.weights.__main__", "describe, convert and average weights files"),
    "curves": ("bgmatting.training.curves", "draw the curves of training runs"),
    "plan": ("bgmatting.training.plan.__main__", "say what a training run would take"),
    "page": ("bgmatting.evaluation.page.__main__", "show results of eval as a page"),
    "machine": ("bgmatting.commands.machine", "describe this machine, for reports"),
}
LEAST, NEWEST = (3, 9), (3, 13)  # Pythons that are supported
LEAST_PADDLE = (2, 6)
MISSING = "{} is not installed for {}. {}"


def start(name):
    """Run a command with the words of ``sys.argv`` and end the process: 2 where packages are missing or too old."""
    line = unfit_python() or unfit_paddle()
    if line:
        sys.exit(_told(line))
    import importlib
    try:
        module = importlib.import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "bgmatting":
            raise
        sys.exit(_told(unfit_python(NEWEST) or MISSING.format(error.name, sys.executable, _way_out())))
    from bgmatting.utils.cli import run_main
    run_main(module.main)


def unfit_python(newest=None):
    """A line for a Python older than the supported ones, or newer than ``newest``; None for all others."""
    version = tuple(sys.version_info[:2])
    if version >= LEAST and (newest is None or version <= newest):
        return None
    return ("Python {}.{} to {}.{} is needed; {} is {}.{}. Install one, and name it by PYTHON=/path/to/python for run.sh."
            .format(*(LEAST + NEWEST + (sys.executable,) + version)))


def unfit_paddle():
    """A line for an installed paddle that is too old; None for all others, own builds, and where there is none."""
    import re
    from importlib.metadata import PackageNotFoundError, version
    found = []
    for name in ("paddlepaddle", "paddlepaddle-gpu"):
        try:
            found.append(version(name))
        except PackageNotFoundError:
            continue
    numbers = [tuple(map(int, re.findall(r"\d+", text)[:2])) for text in found]
    if not found or any(number >= LEAST_PADDLE or number == (0, 0) for number in numbers):
        return None
    return ("paddle {}.{} to 3.x is needed; {} has {}. Upgrade it (README.md, \"GPU\"), or in a checkout run `sh run.sh "
            "setup`, which makes an environment of its own.".format(*(LEAST_PADDLE + (sys.executable, found[0]))))


def _way_out():
    """What to type where a package is missing: the same command by the checkout's own interpreter, or how to get it."""
    import os
    import shlex
    above = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    own = os.path.join(above, ".venv", *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
    if not os.path.isfile(os.path.join(above, "run.sh")):
        return "Install it: pip install \"bgmatting[cpu]\"."
    words = " ".join(map(shlex.quote, [own] + sys.argv))
    if os.path.exists(own) and os.path.abspath(own) != os.path.abspath(sys.executable):
        return "Run: " + words
    return "Run first: sh {} setup   and then: {}".format(shlex.quote(os.path.join(above, "run.sh")), words)


def _told(text):
    sys.stderr.write("error: " + text + "\n")
    return 2
