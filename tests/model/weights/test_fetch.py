"""Fetching weights, from an https server on this machine that breaks off, sends too much, or sends something else."""
import errno
import hashlib
import http.client
import http.server
import os
import ssl
import threading

import numpy as np
import pytest
from safetensors.numpy import save

from bgmatting.model.weights import fetch as fetching
from bgmatting.model.weights.fetch import fetch, published
from bgmatting.utils.errors import UserError

trustme = pytest.importorskip("trustme")
DATA = save({"x": np.arange(200_000, dtype=np.float32)})


class Server:
    """Serves ``data`` at /w.safetensors; ``cut`` bytes of each answer at most; /away leads to ``away``."""

    def __init__(self):
        self.data, self.cut, self.away, self.seen, self.tag = DATA, None, None, [], '"1"'
        authority, outer = trustme.CA(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.seen.append(self.headers.get("Range"))
                if self.path.startswith("/away"):
                    self.send_response(302)
                    self.send_header("Location", outer.away)
                    self.end_headers()
                    return
                start, data = 0, outer.data
                if self.headers.get("Range") and self.headers.get("If-Range") == outer.tag:
                    start = int(self.headers["Range"][6:-1])
                self.send_response(206 if start else 200)
                self.send_header("ETag", outer.tag)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                self.wfile.write(data[start:][:outer.cut])
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.base = f"https://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture(scope="module")
def server():
    made = Server()
    yield made
    made.http.shutdown()


@pytest.fixture
def get(server, tmp_path):
    """get(path) -> what ``fetch`` returns for that path of the server."""
    server.data, server.cut, server.tag = DATA, None, '"1"'
    server.seen.clear()
    return lambda path="/w.safetensors": fetch("w", tmp_path, {"w": server.base + path}, lambda _: None, server.trust)


def test_a_file_arrives_with_its_checksum_and_is_fetched_once(server, get, tmp_path):
    path = get()
    assert path == tmp_path / "w.safetensors" and path.read_bytes() == DATA
    assert (tmp_path / "w.safetensors.sha256").read_text().split()[0] == hashlib.sha256(DATA).hexdigest()
    assert get() == path and len(server.seen) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["w.safetensors", "w.safetensors.sha256"]


def test_a_broken_connection_is_taken_up_again(server, get, tmp_path):
    server.cut = 300_000
    with pytest.raises(UserError):
        get()
    assert not (tmp_path / "w.safetensors").exists()
    server.cut = None
    assert get().read_bytes() == DATA and server.seen == [None, "bytes=300000-"]
    (tmp_path / "w.safetensors").unlink()
    (tmp_path / "w.safetensors.sha256").unlink()
    server.cut = 300_000
    with pytest.raises(UserError):
        get()
    server.cut, server.tag, server.data = None, '"2"', save({"y": np.zeros(7, np.float32)})  # has changed meanwhile
    assert get().read_bytes() == server.data


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here is always full")
def test_a_full_disk_is_no_fault_of_the_address(get, tmp_path):
    (tmp_path / ".w.part.safetensors").symlink_to("/dev/full")
    with pytest.raises(OSError) as raised:
        get()
    assert raised.value.errno == errno.ENOSPC and raised.value.filename == str(tmp_path / "w.safetensors")


@pytest.mark.parametrize("error", [http.client.IncompleteRead(b""), http.client.BadStatusLine("")])
def test_an_answer_that_is_no_http_is_one_line(get, monkeypatch, error):
    def broken(*_):
        raise error
    monkeypatch.setattr(fetching, "_download", broken)
    with pytest.raises(UserError):
        get()


def test_a_place_that_cannot_be_written_is_no_fault_of_the_address(get, tmp_path):
    (tmp_path / ".w.part.safetensors").mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        get()
    assert raised.value.filename


@pytest.mark.parametrize("data", (b"<html>not found</html>", b"", DATA[:-100], DATA))
def test_what_is_no_weights_file_or_too_large_is_not_kept(server, get, tmp_path, monkeypatch, data):
    server.data = data
    if len(data) == len(DATA):
        monkeypatch.setattr(fetching, "LARGEST", len(DATA) - 1)
    with pytest.raises(UserError):
        get()
    assert list(tmp_path.iterdir()) == []


def test_a_second_fetch_has_the_checksum_of_the_first(server, get, tmp_path):
    get().unlink()
    server.data = save({"x": np.zeros(3, np.float32)})
    with pytest.raises(UserError, match="sha256"):
        get()
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.safetensors.sha256"]


@pytest.mark.parametrize("away", ("http://127.0.0.1:9/w.safetensors", "file:///etc/passwd", "ftp://127.0.0.1/w"))
def test_nothing_but_https_is_followed(server, get, tmp_path, away):
    server.away = away
    with pytest.raises(UserError):
        get("/away.safetensors")
    with pytest.raises(UserError):
        fetch("w", tmp_path, {"w": away}, lambda _: None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError):  # a stranger is not trusted
        fetch("w", tmp_path, {"w": server.base + "/w.safetensors"}, lambda _: None)


def test_all_published_weights_have_an_https_address(tmp_path):
    found = published()
    assert {"modnet-mobilenetv2", "modnet-resnet50_vd", "modnet-hrnet_w18", "dim-vgg16", "authors-resnet50"} <= set(found)
    assert all(address.startswith("https://") for address in found.values())
    with pytest.raises(UserError, match="modnet-mobilenetv2"):
        fetch("modnet-mobilenetv3", tmp_path)
