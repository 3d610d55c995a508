"""The command lines. ``predict.py``, ``eval.py`` and the other scripts of a checkout start them, ``bgmatting COMMAND`` too.

This module and the scripts are read by any Python, so that old ones end in one line too.
"""
import sys

from bgmatting.utils.supported import NEWEST, unfit_paddle, unfit_python

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


def _way_out():
    """The line to type where a package is missing: the same command by the checkout's own interpreter, or how to get it."""
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
