"""The server calls nobody: every connection and every question for a name is watched while the page is served."""
import subprocess
import sys
import time
import urllib.request

from tests.web.browser import WATCHED


def test_nobody_is_called(server):
    for path in ("/en/", "/zh/", "/en/config", "/docs", "/openapi.json", "/v1/info"):
        with urllib.request.urlopen(server.address + path, timeout=60) as answer:
            assert answer.status == 200
    end = time.monotonic() + 90
    health = server.address + "/v1/health"
    while b'"ok"' not in urllib.request.urlopen(health, timeout=60).read():  # the network is opened beside
        assert time.monotonic() < end
        time.sleep(0.2)
    time.sleep(1)  # what a library does in a thread behind an answer
    assert server.calls.read_text() == ""


def test_the_hook_sees_calls(tmp_path):
    code = WATCHED.partition("from model")[0] + "import socket\ntry: socket.getaddrinfo('no.invalid', 80)\nexcept OSError: 0"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "calls.txt"), ""], check=True)
    assert "no.invalid" in (tmp_path / "calls.txt").read_text()
