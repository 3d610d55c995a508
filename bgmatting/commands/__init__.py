"""The command lines. ``predict.py``, ``eval.py`` and the other scripts of a checkout start them, ``bgmatting COMMAND`` too.

This module and the scripts are read by any Python 3, so that old ones end in one line too.
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
    "weights": ("bgmatting.model.weights.__main__", "describe, convert and average weights files"),
    "curves": ("bgmatting.training.curves", "draw the curves of training runs"),
    "plan": ("bgmatting.training.plan.__main__", "say what a training run would take"),
    "page": ("bgmatting.evaluation.page.__main__", "show results of eval as a page"),
    "machine": ("bgmatting.commands.machine", "describe this machine, for reports"),
}
LEAST = (3, 9)
MISSING = ("{} is not installed for {}. In a checkout run `sh run.sh setup` and use the Python that it names; "
           "else `pip install \"bgmatting[cpu]\"`.")


def start(name):
    """Run a command with the words of ``sys.argv`` and end the process: 2 where packages are missing."""
    if sys.version_info < LEAST:
        sys.exit(_told("Python {}.{} or later is needed; this is {}.{}. Install one, and name it by PYTHON=/path/to/python "
                       "for run.sh.".format(*(LEAST + tuple(sys.version_info[:2])))))
    import importlib
    try:
        module = importlib.import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "bgmatting":
            raise
        sys.exit(_told(MISSING.format(error.name, sys.executable)))
    from bgmatting.utils.cli import run_main
    run_main(module.main)


def _told(text):
    print("error: " + text, file=sys.stderr)
    return 2
