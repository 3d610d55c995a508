"""A server in a process of its own, and a browser that looks at it."""
import glob
import http.client
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from bgmatting.utils.files import PROJECT
from tests.media.video.clips import make_clip

SAMPLE = PROJECT / "image" / "sample"
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 90  # seconds for a server to come up

# Runs with a file and a folder: connections and questions for names to the outside are written into the file, and MODNet's
# weights are looked for in the folder.
WATCHED = """
import sys
from pathlib import Path
log = open(sys.argv[1], "a", buffering=1)
def hook(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in ("127.0.0.1", "::1"):
        log.write(f"connect {arguments[1]}\\n")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in ("127.0.0.1", "localhost", None, ""):
        log.write(f"{event} {arguments[0]}\\n")
sys.addaudithook(hook)
from bgmatting.model.weights import places
places.PLACE = Path(sys.argv[2])
from bgmatting.commands import serve as app
app.main(["--no-browser", "--port", "0"])
"""


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
def served(folder):
    """The address of an app.py under way: ``WATCHED`` with folder/calls.txt and ``folder``; folder/log.txt is its output."""
    calls, log = folder / "calls.txt", folder / "log.txt"
    calls.touch()
    with open(log, "wb") as out:
        process = subprocess.Popen([sys.executable, "-c", WATCHED, str(calls), str(folder)], stdout=out,
                                   stderr=subprocess.STDOUT, cwd=PROJECT)
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def proxied(address, prefix):
    """The address of a server behind a proxy that has it below a path, takes that off, and says so in a header."""
    class Proxy(BaseHTTPRequestHandler):
        def pass_on(self):
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            server = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.request(self.command, self.path[len(prefix):], body, {**self.headers, "X-Forwarded-Prefix": prefix})
            answer = server.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name != "transfer-encoding":
                    self.send_header(name, value)
            self.end_headers()
            try:
                while data := answer.read1(1 << 16):  # as it comes: some answers never end
                    self.wfile.write(data)
            except OSError:
                pass  # the browser has left

        do_GET = do_POST = do_DELETE = do_HEAD = pass_on

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.daemon_threads = True
        proxy.block_on_close = False
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}{prefix}"
        proxy.shutdown()


def film(path, frames):
    """Write a film of 160x120 with a square that moves before the sample's scene, and a tone; returns the scene."""
    plate = cv2.resize(sample(), (160, 120))
    images = [plate.copy() for _ in range(frames)]
    for number, image in enumerate(images):
        image[40:100, 4 * number % 120:4 * number % 120 + 40] = (200, 60, 40)
    make_clip(path, images=images, width=160, height=120, audio="aac", options={"preset": "ultrafast"})
    return plate


def sample():
    """The scene of the sample pair, uint8 RGB."""
    return np.ascontiguousarray(cv2.imread(str(SAMPLE / "bgr.jpg"))[..., ::-1])


def _address(process, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"listening at (http://\S+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"app.py did not come up: {log.read_text()[-2000:]}")
