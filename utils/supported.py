"""Which Pythons and paddles are supported. Read by any Python, so that old ones end in one line."""
import sys

LEAST, NEWEST = (3, 9), (3, 13)
LEAST_PADDLE = (2, 6)


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
    return ("paddle {}.{} to 3.x is needed; {} has {}. Upgrade it (docs/howto/gpu.md), or in a checkout run `sh run.sh "
            "setup`, which makes an environment of its own.".format(*(LEAST_PADDLE + (sys.executable, found[0]))))
