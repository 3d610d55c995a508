"""Paddle is imported with its settings in place, and without lines that say nothing to its users."""
import io
import os
import subprocess
import sys
from pathlib import Path

from bgmatting.utils import cpu
from bgmatting.utils.machine import usable_cores

PROJECT = Path(__file__).resolve().parent.parent.parent
PRINT = """
import os, sys
from bgmatting.utils.cpu import prepare_cpu
from bgmatting.utils.machine import find_device
prepare_cpu(threads=3, load=False)
try:
    find_device("gpu:4000")  # a device failure: paddle is imported there
except ValueError as error:
    print(str(error).split(" Known")[0])
print(os.environ["FLAGS_paddle_num_threads"], os.environ["OMP_NUM_THREADS"], "paddle" in sys.modules)
import paddle
paddle.nn.BatchNorm2D(1)(paddle.zeros([2, 1, 2, 2]))
print("still heard", file=sys.stderr)
"""


def test_paddle_is_quiet_with_these_threads_and_what_the_user_has_set():
    names = ("FLAGS_paddle_num_threads", "PYTHONWARNINGS")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    done = subprocess.run([sys.executable, "-c", PRINT], capture_output=True, text=True, timeout=100, cwd=PROJECT,
                          env={**environment, "OMP_NUM_THREADS": "2"})
    assert (done.stdout, done.stderr) == ("device 'gpu:4000' is not there.\n3 2 True\n", "still heard\n")


def test_only_the_thread_warning_is_left_out():
    stream = io.StringIO()
    quiet = cpu._WithoutThreadWarning(stream)
    for text in ("before", "WARNING: OMP_NUM_THREADS set to 2", "PLEASE USE OMP_NUM_THREADS WISELY.", "after"):
        print(text, file=quiet)
    assert stream.getvalue() == "before\nafter\n"


def test_the_number_of_threads_without_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert usable_cores() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
