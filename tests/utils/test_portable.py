"""The project does without what only POSIX systems have: modules, functions of os and signals are hidden from it."""
import subprocess
import sys

import pytest

from bgmatting.utils.files import PROJECT
from bgmatting.utils.locks import try_lock

HIDDEN = """
import builtins, importlib, os, pathlib, signal, sys
import cv2, numpy, PIL.Image, av, yaml, tqdm, safetensors, skimage.color, multiprocessing, concurrent.futures, subprocess
import paddle
for name in ("gradio", "uvicorn", "fastapi", "asyncio", "openvino", "onnxruntime", "pymatting", "torch"):  # they ask for it
    try:
        importlib.import_module(name)
    except ImportError:
        pass
real_import = builtins.__import__
def without_posix(name, globals=None, *rest, **named):
    ours = globals is not None and str(globals.get("__name__")).startswith("bgmatting")
    if ours and name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"):
        raise ModuleNotFoundError("hidden", name=name)
    return real_import(name, globals, *rest, **named)
builtins.__import__ = without_posix
for name in ("fork", "forkpty", "register_at_fork", "getuid", "geteuid", "getgid", "setpgrp", "setsid", "killpg", "statvfs",
             "sched_getaffinity", "set_blocking", "posix_fallocate", "getloadavg", "sysconf", "O_NONBLOCK", "mkfifo"):
    delattr(os, name)
for name in ("SIGHUP", "SIGCHLD", "SIGKILL", "SIGALRM", "SIGPIPE", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)
parts = ("bgmatting", "benchmarks", "dataset", "evaluation", "media", "model", "prediction", "training", "utils", "web")
paths = [path for part in parts for path in pathlib.Path(part).rglob("*.py") if "blender" not in path.parts]
imported = 0
for path in paths:
    name = ".".join(word for word in path.with_suffix("").parts if word not in ("bgmatting", "__init__"))
    try:
        importlib.import_module("bgmatting." + name if name else "bgmatting")
        imported += 1
    except ModuleNotFoundError as error:
        if error.name in ("fcntl", "resource", "pwd", "grp", "termios") or error.name.startswith("bgmatting"):
            raise
print(imported, flush=True)
from bgmatting.training.checkpoint_files import locked
with locked(sys.argv[1]):
    pass
sys.argv[1:] = ["--output", sys.argv[1] + "/out", "--backend", "paddle"]
from bgmatting.commands import start
start("predict")
"""


@pytest.mark.slow
def test_without_what_only_posix_has(tmp_path):
    """All modules are imported, a training folder is locked, and the sample pair is matted."""
    done = subprocess.run([sys.executable, "-c", HIDDEN, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 200 and list((tmp_path / "out").glob("*_pha.png"))


def test_a_lock_is_of_one_process(tmp_path):
    ask = "import sys; from bgmatting.utils.locks import try_lock; print(try_lock(open(sys.argv[1], 'ab')))"

    def asked():
        return subprocess.run([sys.executable, "-c", ask, str(tmp_path / "log")], cwd=PROJECT, capture_output=True,
                              text=True).stdout.strip()
    with open(tmp_path / "log", "ab") as file:
        assert try_lock(file) and asked() == "False"
    assert asked() == "True"


def test_a_lock_of_windows(tmp_path, monkeypatch):
    """By a stand-in for msvcrt, which is Windows's; without either module nothing is locked, and work goes on."""
    class Msvcrt:
        LK_NBLCK, taken = 2, False

        @classmethod
        def locking(cls, number, mode, size):
            if cls.taken:
                raise PermissionError(13, "Permission denied")
            cls.taken = True
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with open(tmp_path / "log", "w+b") as file:
        file.write(b"text")
        file.flush()
        monkeypatch.setitem(sys.modules, "msvcrt", None)
        assert try_lock(file)
        monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt)
        assert try_lock(file) and not try_lock(file) and file.tell() == 4
