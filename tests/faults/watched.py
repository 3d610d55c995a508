"""Commands of predict.py in processes that are watched: for memory, for time, and for dying. For bad_media.py."""
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.faults.media_worker import peak

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = 180        # seconds for one case: it hangs
MOST = 3000        # MiB
POLL = 0.05        # seconds


class Worker:
    """A ``media_worker.py``, started anew where it dies, hangs, or takes too much."""

    def __init__(self, log):
        self._log, self._process, self._replies = log, None, None

    def run(self, argv):
        """One command; the reply of the worker, or one with "why"."""
        if self._process is None:
            self._start()
        self._process.stdin.write(json.dumps(argv) + "\n")
        self._process.stdin.flush()
        return watched(self._process, self._reply, self.stop)

    def stop(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("media_worker.py"))], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, cwd=PROJECT, text=True, encoding="utf-8")
        self._replies = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process.stdout, self._replies), daemon=True).start()

    @staticmethod
    def _listen(stream, replies):
        for line in stream:
            replies.put(json.loads(line))

    def _reply(self):
        try:
            return self._replies.get(timeout=POLL)
        except queue.Empty:
            return None


def whole_command(argv):
    """The same of a process of its own, with the network."""
    with tempfile.TemporaryFile() as file:
        process = subprocess.Popen([sys.executable, str(PROJECT / "predict.py"), *argv], stdin=subprocess.DEVNULL,
                                   stdout=file, stderr=subprocess.STDOUT, cwd=PROJECT)
        highest = [0.0]

        def reply():
            highest[0] = max(highest[0], peak(process.pid))
            try:
                process.wait(POLL)
            except subprocess.TimeoutExpired:
                return None
            if process.returncode < 0:
                return {"code": None, "text": text(), "trace": "", "peak": highest[0], "why": f"died: {process.returncode}"}
            return {"code": process.returncode, "text": text(), "trace": "", "peak": highest[0]}

        def text():
            file.seek(0)
            return file.read().decode("utf-8", "replace")
        return watched(process, reply, lambda: (process.kill(), process.wait()))


def watched(process, reply, stop):
    """What ``reply()`` gives in the end; or the process is stopped and an answer tells why."""
    begun = time.monotonic()
    while True:
        found = reply()
        if found is not None:
            return found
        used, why = peak(process.pid), None
        if process.poll() is not None:
            found = reply()  # it came between the two
            if found is not None:
                return found
            why = f"the process died: {process.returncode}"
        elif used > MOST:
            why = f"{used:.0f} MiB"
        elif time.monotonic() - begun > LIMIT:
            why = f"no end after {LIMIT} s"
        if why is not None:
            stop()
            return {"code": None, "text": "", "trace": "", "peak": used, "why": why}
