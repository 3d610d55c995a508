"""A server around a stand-in for the network."""
import io
import threading
import time
import zipfile
from collections import namedtuple
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from bgmatting.media import encode
from bgmatting.web.settings import Settings
from tests.prediction.command import StandIn
from tests.web.browser import served

Pair = namedtuple("Pair", "src bgr")
Server = namedtuple("Server", "address calls modnet")


class Slow(StandIn):
    """A stand-in that waits until it is ``let`` go."""

    def __init__(self):
        self.let, self.came = threading.Event(), threading.Event()

    def predict(self, src, bgr, want=("pha", "fgr", "err", "ref"), rows=None):
        self.came.set()
        assert self.let.wait(20)
        return super().predict(src, bgr, want, rows)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The one app.py of all tests that need a process: address, the file that ``WATCHED`` writes, its MODNet's weights."""
    for name in ("gradio", "fastapi", "uvicorn"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    import paddle

    from bgmatting.model import MODNet
    folder = tmp_path_factory.mktemp("server")
    paddle.seed(3)
    paddle.save(MODNet("mobilenetv2").state_dict(), str(folder / "modnet-mobilenetv2.pdparams"))
    with served(folder) as address:
        yield Server(address, folder / "calls.txt", folder / "modnet-mobilenetv2.pdparams")


@pytest.fixture(scope="session")
def decoding():
    """The processes that decode, shared by the servers of all tests."""
    from bgmatting.web.service import decoders
    made = decoders(Settings(), ["/"])
    yield made
    made.close()


@contextmanager
def opened(matter, decoding, **settings):
    """A ``TestClient`` of a server; ``service`` is that of the server."""
    for name in ("fastapi", "uvicorn", "python_multipart", "httpx"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    from fastapi.testclient import TestClient

    from bgmatting.web.server import make_app
    app = make_app(Settings(**settings), lambda: matter, decoding=decoding)
    with TestClient(app, "http://127.0.0.1") as client:
        client.service = app.service
        yield client


@pytest.fixture
def serve(decoding):
    """serve(matter=StandIn(), **settings) -> TestClient; all are closed at the end."""
    with ExitStack() as stack:
        yield lambda matter=None, **settings: stack.enter_context(opened(matter or StandIn(), decoding, **settings))


@pytest.fixture
def pair():
    """PNG bytes of a noisy scene and of the same with a square in it, 48x40; noise is what alignment finds nothing in."""
    rng = np.random.default_rng(5)
    bgr = rng.integers(0, 255, (40, 48, 3), np.uint8)
    src = bgr.copy()
    src[10:30, 12:36] = (200, 100, 50)
    return Pair(encode(".png", src), encode(".png", bgr))


def parts(pair, src="me.png", bgr="room.png"):
    """The files of a request."""
    return {"src": (src, pair.src), "bgr": (bgr, pair.bgr)}


def left(client):
    """Names of what lies in the server's folder besides that of the page."""
    return sorted(path.name for path in client.service.storage.root.iterdir() if path.name != "page")


def until(true, seconds=20):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(client, files, **data):
    """The answer to a new job."""
    return client.post("/v1/jobs", files=files, data=data)


def ended(client, key):
    """The last state of a job."""
    until(lambda: client.get(f"/v1/jobs/{key}").json()["state"] not in ("queued", "running"))
    return client.get(f"/v1/jobs/{key}").json()


def unpacked(client, key):
    """{name: bytes} of the ZIP that a job makes."""
    assert ended(client, key)["state"] == "done"
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{key}/result").content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
