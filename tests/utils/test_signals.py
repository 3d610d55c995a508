"""Processes that are told to stop, once and twice, and whose output nobody reads."""
import os
import signal
import subprocess
import sys
import time

import pytest

from bgmatting.utils.cli import StopOnSignal
from bgmatting.utils.files import PROJECT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

BLOCKED = """
import os
from bgmatting.utils.cli import StopOnSignal, run_main
def main(argv):
    with StopOnSignal() as stop:
        print("ready", flush=True)
        os.read(os.pipe()[0], 1)  # goes on waiting behind every signal
run_main(main)
"""
STEPS = """
import time
from bgmatting.utils.cli import StopOnSignal, run_main
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
from bgmatting.utils.cli import run_main
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


def test_a_second_one_ends_the_process_whatever_it_does(number=signal.SIGTERM):
    process = started(BLOCKED)
    process.send_signal(number)
    time.sleep(0.4)
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=10) == 128 + number
    process.communicate()


def test_without_a_step_to_end_what_is_half_written_goes(tmp_path, number=signal.SIGTERM):
    process = started(f"""
import time
from bgmatting.utils.cli import run_main
from bgmatting.utils.files import WholeFolder
def main(argv):
    with WholeFolder({str(tmp_path / "set")!r}) as part:
        (part / "a").write_text("1")
        print("ready", flush=True)
        time.sleep(60)
run_main(main)
""")
    assert len(os.listdir(tmp_path)) == 1
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("", "stopped.\n") and process.returncode == 128 + number
    assert os.listdir(tmp_path) == []


def test_worker_processes_end_by_their_own_signals():
    process = started("""
import multiprocessing, time
from bgmatting.utils.cli import run_main
def main(argv):
    workers = [multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print("ready", flush=True)
    for worker in workers:
        time.sleep(0.2)
        worker.terminate()
        worker.join()
    print([worker.exitcode for worker in workers], flush=True)
run_main(main)
""")
    assert process.communicate(timeout=30) == ("[-15, -15, -15]\n", "") and process.returncode == 0


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
