"""A server in a process of its own, and a browser that looks at it."""
import glob
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from utils.files import PROJECT

FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 90  # seconds for a server to come up


def find_browser():
    """The path of a Chromium; skips the test with its reason where there is none."""
    pytest.importorskip("playwright", reason="playwright is not installed (requirements-dev.txt)")
    for name in NAMES:
        if shutil.which(name):
            return shutil.which(name)
    own = sorted(glob.glob(os.path.expanduser("~/.cache/ms-playwright/chromium-*/chrome-linux*/chrome")))
    if not own:
        pytest.skip("no Chromium is installed (apt-get install chromium, or playwright install chromium)")
    return own[-1]


@contextmanager
def served(log, *flags):
    """The address of an app.py under way; its output goes to the file ``log``."""
    with open(log, "wb") as out:
        process = subprocess.Popen([sys.executable, str(PROJECT / "app.py"), "--no-browser", "--port", "0", *flags],
                                   stdout=out, stderr=subprocess.STDOUT, cwd=log.parent)
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"listening at (http://\S+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"app.py did not come up: {log.read_text()[-2000:]}")
