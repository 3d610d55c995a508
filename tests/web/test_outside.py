"""The server calls nobody: every connection and every question for a name is watched while the page is served."""
import re
import subprocess
import sys
import time
import urllib.request

import pytest

from utils.files import PROJECT

WATCHED = """
import sys
log = open(sys.argv[1], "a", buffering=1)
def hook(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in ("127.0.0.1", "::1"):
        log.write(f"connect {arguments[1]}\\n")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in ("127.0.0.1", "localhost", None, ""):
        log.write(f"{event} {arguments[0]}\\n")
sys.addaudithook(hook)
import app
app.main(["--no-browser", "--port", "0"])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(address, the file that the hook writes into)"""
    for name in ("gradio", "fastapi", "uvicorn"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    folder = tmp_path_factory.mktemp("watched")
    (folder / "calls.txt").touch()
    with open(folder / "out.txt", "wb") as out:
        process = subprocess.Popen([sys.executable, "-c", WATCHED, str(folder / "calls.txt")], cwd=PROJECT, stdout=out,
                                   stderr=subprocess.STDOUT)
    try:
        end, found = time.monotonic() + 90, None
        while found is None:
            assert time.monotonic() < end and process.poll() is None, (folder / "out.txt").read_text()
            found = re.search(r"listening at (http://\S+)", (folder / "out.txt").read_text())
            time.sleep(0.1)
        yield found[1], folder / "calls.txt"
    finally:
        process.terminate()
        process.wait(20)


def test_nobody_is_called(served):
    address, calls = served
    for path in ("/en/", "/zh/", "/en/config", "/docs", "/openapi.json", "/v1/info"):
        with urllib.request.urlopen(address + path, timeout=60) as answer:
            assert answer.status == 200
    end = time.monotonic() + 90
    while b'"ok"' not in urllib.request.urlopen(address + "/v1/health", timeout=60).read():  # the network is opened beside
        assert time.monotonic() < end
        time.sleep(0.2)
    time.sleep(2)  # what a library does in a thread at its start
    assert calls.read_text() == ""


def test_the_hook_sees_calls(tmp_path):
    code = WATCHED.partition("import app")[0] + "import socket\ntry: socket.getaddrinfo('no.invalid', 80)\nexcept OSError: 0"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "calls.txt")], check=True)
    assert "no.invalid" in (tmp_path / "calls.txt").read_text()
