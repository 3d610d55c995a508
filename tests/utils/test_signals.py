"""Processes that are told to stop, once and twice, and whose output nobody reads."""
import os
import signal
import subprocess
import sys
import time

import pytest

from utils.cli import StopOnSignal
from utils.files import PROJECT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

BLOCKED = """
import os
from utils.cli import StopOnSignal, run_main
def main(argv):
    with StopOnSignal() as stop:
        print("ready", flush=True)
        os.read(os.pipe()[0], 1)  # goes on waiting behind every signal
run_main(main)
"""
STEPS = """
import time
from utils.cli import StopOnSignal, run_main
def main(argv):
    with StopOnSignal() as stop:
        print("ready", flush=True)
        while not stop.wanted:
            time.sleep(0.01)
        time.sleep(0.3)
    print("saved", flush=True)
    return 130
run_main(main)
"""
LINES = """
from utils.cli import run_main
def main(argv):
    for number in range(100_000):
        print("line", number, flush=True)
run_main(main)
"""


def started(script):
    process = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


@pytest.mark.parametrize("number", STOPS)
def test_one_signal_lets_the_step_end(number):
    process = started(STEPS)
    process.send_signal(number)
    process.send_signal(number)  # at the same moment, as when a terminal is closed
    assert process.communicate(timeout=30) == ("saved\n", "") and process.returncode == 130


@pytest.mark.parametrize("number", STOPS)
def test_a_second_one_ends_the_process_whatever_it_does(number):
    process = started(BLOCKED)
    process.send_signal(number)
    time.sleep(0.4)
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=10) == 128 + number
    process.communicate()


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopOnSignal() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.wanted and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_output_that_nobody_reads_any_more():
    command = f"set -o pipefail; {sys.executable} -c '{LINES}' | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "line 0\n" and done.stderr == "" and done.returncode == 141
