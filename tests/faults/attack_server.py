"""Whether app.py can be misused: attacks over loopback on servers of its own, with a stand-in for the network.

    python -m tests.faults.attack_server            # all of them, minutes
    python -m tests.faults.attack_server --quick    # fewer spellings, and nothing that waits for timers

Prints how many attacks of each kind were tried, and each one that got through; ends with 1 where one did. What honest users
do is tried as well: a server that refuses everything would be no success.
"""
from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bgmatting.utils.files import PROJECT
from tests.faults import traps
from tests.media.video.clips import make_clip
from tests.media.video.test_video_sound import many_channels

SAMPLE = PROJECT / "image" / "sample"
MOUNTS = ("/en", "/zh")
MARK = "the-secret-of-this-machine"
DESCRIPTORS = 64
SERVER = """
import sys
from bgmatting.commands import serve as app
from tests.faults import traps
from tests.prediction.command import StandIn
traps.set_up()
if int(sys.argv[1]):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
app.open_matter = lambda options: StandIn()
app.main(["--no-browser", "--port", "0", *sys.argv[2:]])
"""


class Tally:
    """What was tried: ``held`` counts an attack by its kind, and keeps it where it got through."""

    def __init__(self) -> None:
        self.tried, self.through = Counter(), []

    def held(self, kind: str, what: object, is_held: bool, seen: object = "") -> None:
        self.tried[kind] += 1
        if not is_held:
            self.through.append(f"{kind}: {str(what)[:150]}: {str(seen)[:300]}")


class Target:
    """A server under attack. process, port; folder: its TMPDIR; log: Path of what it writes."""

    def __init__(self, process, port, folder, log) -> None:
        self.process, self.port, self.folder, self.log = process, port, folder, log

    def ask(self, method, path, body=b"", headers=(), host="") -> tuple[int, dict, bytes]:
        """(status, headers by lower-case names, body) of a request. host: None for none."""
        given = [("Host", host or f"127.0.0.1:{self.port}")] if host is not None else []
        given += [("Content-Length", len(body))] if body else []
        lines = "".join(f"{name}: {value}\r\n" for name, value in [*given, *headers])
        return self.raw(f"{method} {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode() + body, method)

    def raw(self, data: bytes, method="GET") -> tuple[int, dict, bytes]:
        """The answer to bytes; status 0 where there is none within 20 s."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            try:
                connection.sendall(data)
                answer = http.client.HTTPResponse(connection, method=method)
                answer.begin()
                names = {name.lower() for name, _ in answer.getheaders()}
                return answer.status, {name: answer.getheader(name) for name in names}, answer.read()
            except (OSError, http.client.HTTPException):
                return 0, {}, b""

    def event(self, path, function, data, **more):
        """The answer to an event of the page; function: one of ``functions``."""
        event = {"data": data, "fn_index": function["id"], "session_hash": "s", **more}
        return self.ask("POST", path, json.dumps(event).encode(), [("Content-Type", "application/json")])

    def functions(self, mount):
        """What Gradio says of the page's events, those with most inputs first."""
        found = json.loads(self.ask("GET", f"{mount}/config")[2])["dependencies"]
        return sorted(found, key=lambda one: -len(one["inputs"]))

    def upload(self, mount, name, data):
        """What the page calls an uploaded file."""
        body, kind = form([("files", name, data)])
        return json.loads(self.ask("POST", f"{mount}/gradio_api/upload", body, [("Content-Type", kind)])[2])[0]


def form(parts):
    """(body, content type) of a form of (name, name of a file or None, bytes)."""
    data = b""
    for name, file, value in parts:
        named = "" if file is None else f'; filename="{file}"'
        data += f'--frontier\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + value + b"\r\n"
    return data + b"--frontier--\r\n", "multipart/form-data; boundary=frontier"


@contextmanager
def running(*flags: str, descriptors: int = 0, environment: dict | None = None):
    """A ``Target``."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        log = Path(folder, "log.txt")
        with open(log, "wb") as out:
            process = subprocess.Popen([sys.executable, "-c", SERVER, str(descriptors), *flags], cwd=PROJECT, stdout=out,
                                       stderr=out, env={**os.environ, "TMPDIR": folder, **(environment or {})})
        try:
            end = time.monotonic() + 120
            while not (found := re.search(r"listening at http://\S+?:(\d+)", log.read_text())):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"app.py did not come up: {log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield Target(process, int(found[1]), Path(folder), log)
        finally:
            process.terminate()
            process.wait(30)


class Listener:
    """A server of somebody else on this machine: ``asked`` counts who connects."""

    def __init__(self) -> None:
        self._socket, self.asked = socket.create_server(("127.0.0.1", 0)), 0
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/photo.png"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            connection, _ = self._socket.accept()
            self.asked += 1
            connection.close()


def marked(path, **more):
    """A file as Gradio's pages hand it in."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def shapes(path):
    """The ways in which an event can hand in a file."""
    one = marked(path)
    return (one, {"path": path}, marked(path, url=path), [one], [[one]], {"video": one}, {"image": one}, path,
            marked(path, is_stream=True), {"value": {"x": [{"y": one}]}})


def honest(target, tally, quick):
    """What the page does for its users."""
    kind = "honest use"
    pictures = [("a b\u4eba.jpg", (SAMPLE / "src.jpg").read_bytes()), ("b.jpg", (SAMPLE / "bgr.jpg").read_bytes())]
    for mount in MOUNTS:
        run, root = f"{mount}/gradio_api/run/predict", f"http://127.0.0.1:{target.port}{mount}/gradio_api/file="
        functions = target.functions(mount)
        paths = [target.upload(mount, *picture) for picture in pictures]
        swap = next(one for one in functions if len(one["inputs"]) == 2 == len(one["outputs"]))
        status, _, answer = target.event(run, swap, [marked(path, url=root + path, orig_name="x.jpg") for path in paths])
        made = (json.loads(answer).get("data") or [{}])[0]
        tally.held(kind, f"{mount}: an event with uploads", status == 200 and made["path"] == paths[1], answer)
        tally.held(kind, f"{mount}: the address of a file", made.get("url", "").startswith(root), made)
        _, headers, got = target.ask("GET", f"{mount}/gradio_api/file={quote(paths[1])}")
        tally.held(kind, f"{mount}: the file again", got == pictures[1][1] and "jpeg" in headers["content-type"], headers)
        sample = next(one for one in functions if not one["inputs"] and len(one["outputs"]) == 2)
        status, _, answer = target.event(run, sample, [])
        tally.held(kind, f"{mount}: the sample pair", status == 200 and b"src.jpg" in answer, answer)
        for place in (target.folder, PROJECT):
            for text in (answer, *(target.ask("GET", f"{mount}{page}")[2] for page in ("/", "/config"))):
                tally.held("places of the machine", place, str(place).encode() not in text, text)
    for path in ("/v1/health", "/docs", "/v1/info", "/openapi.json"):
        head, get = target.ask("HEAD", path), target.ask("GET", path)
        length = head[1].get("content-length")
        tally.held(kind, f"HEAD {path}", head[0] == 200 and not head[2] and length == get[1]["content-length"], head)
    status, headers, _ = target.ask("PUT", "/v1/jobs/x")
    tally.held(kind, "Allow", (status, headers.get("allow")) == (405, "DELETE, GET, HEAD"), headers)


def read_files(target, tally, quick):
    """Files of the machine, through every route of the page that takes a path."""
    with tempfile.TemporaryDirectory(prefix="outside-") as folder:
        secret, link, near = Path(folder, "secret.txt"), Path(folder, "link.png"), target.folder / "secret.png"
        secret.write_text(MARK)
        near.write_text(MARK)
        link.symlink_to(secret)
        paths = [str(secret), str(near), str(link), f"file://{secret}", quote(str(secret), safe=""), f"//{secret}",
                 f"uploads/../../../..{secret}", f"uploads/{secret}", f"uploads//{secret}", f"UPLOADS/..{secret}",
                 "uploads/..", "uploads", "/etc/shadow", "/etc/../etc/passwd", "/proc/self/environ", "/proc/self/cwd/app.py",
                 "app.py", "./requirements.txt", "image/sample/../../app.py", f"{SAMPLE}/src.jpg", "~/.ssh/id_rsa",
                 "/dev/zero", "/dev/stdin", "\\\\host\\share\\a.png", f"{secret}\0.png", "uploads/" + "a/" * 3000]
        for mount, some in zip(MOUNTS, (paths, paths[::5] if quick else paths)):
            _hand_in(target, tally, mount, some, quick)
            _ask_for(target, tally, mount, some[::3] if quick else some)
        copies = [path for path in target.folder.rglob("*") if path.is_file() and path not in (near, target.log)
                  and MARK in path.read_text(errors="replace")]
        tally.held("read a file", "a copy among the page's files", not copies, copies)
        near.unlink()


def _hand_in(target, tally, mount, paths, quick):
    functions = target.functions(mount)
    events = [(function, paths[0], shape) for function in functions for shape in shapes(paths[0])[:1]]
    events += [(functions[0], path, shape) for path in paths
               for shape in shapes(path)[::4 if quick and path != paths[0] else 1]]
    for function, path, shape in events:
        for route in ("run/predict", "queue/join"):
            status, _, answer = target.event(f"{mount}/gradio_api/{route}", function, [shape] * len(function["inputs"]),
                                             event_data=shape)
            is_held = MARK.encode() not in answer and status != 0 and (status == 403 or shape == path)
            tally.held("read a file", f"{route} {shape}", is_held, (status, answer))
    for route in ("api/predict", "run/0", "call/predict", "call/v2/predict", "component_server", "component_server/",
                  "stream/s", "process_recording", "vibe-edit", "run-history/connect"):
        status, _, answer = target.event(f"{mount}/gradio_api/{route}", functions[0], [marked(paths[0])], fn_name="ls",
                                         component_id=1)
        tally.held("read a file", route, status in (404, 405), (status, answer))


def _ask_for(target, tally, mount, paths):
    for path in paths:
        for route in ("file=", "file/", "proxy=", "stream/", "static/", "custom_component/x/client/"):
            for written in (quote(path), quote(path, safe=""), quote(quote(path, safe=""), safe="")):
                status, _, answer = target.ask("GET", f"{mount}/gradio_api/{route}{written}")
                tally.held("read a file", f"{route}{written}", status in (400, 403, 404), (status, answer))
    for route in ("/static/../../app.py", "/assets/..%2f..%2fapp.py", "/svelte/../../../app.py", "/../app.py",
                  "/%2e%2e/app.py"):
        status, _, answer = target.ask("GET", mount + route)
        tally.held("read a file", route, status in (400, 403, 404), (status, answer))


def fetch_addresses(target, tally, quick):
    """Addresses that the server would fetch for the client."""
    kind, listener, mount = "fetch an address", Listener(), MOUNTS[0]
    address, mine = listener.address, target.upload(mount, "me.png", b"x")
    given = [*shapes(address), *shapes(address.upper()), {"path": "", "url": address}, {"path": mine, "url": address},
             marked(mine, url=f"{address}?{mine}"), marked(mine, url=f"{address}/gradio_api/file="),
             marked(None, url=address)]
    for function in target.functions(mount)[:2 if quick else None]:
        for shape in given:
            for route in ("run/predict", "queue/join"):
                status, _, _ = target.event(f"{mount}/gradio_api/{route}", function, [shape] * len(function["inputs"]))
                tally.held(kind, f"{route} {shape}", not listener.asked and status != 0, status)
    for route in ("file=", "proxy=", "file/", "stream/"):
        status, headers, _ = target.ask("GET", f"{mount}/gradio_api/{route}{address}")
        tally.held(kind, route, not listener.asked and status in (400, 403, 404), (status, headers))
    for name in ("X-Gradio-Server", "X-Forwarded-Host"):
        text = target.ask("GET", f"{mount}/config", headers=[(name, "http://evil.example/x")])[2]
        tally.held(kind, name, b"evil.example" not in text)


def serve_live(target, tally, quick):
    """Uploads that a browser would run as part of the page."""
    live = b"<html><svg xmlns='http://www.w3.org/2000/svg'><script>alert(document.domain)</script></svg></html>"
    names = ("a.html", "a.HTM", "a.svg", "a.SVGZ", "a.xhtml", "a.xml", "a.js", "a.mjs", "a.css", "a.pdf", "a.swf", "a.mht",
             "a.json", "a", "a.png.html", "a.html.png", "a.html;.png", "..\\a.html", "a.html%00.png", ".html", "a.htm l")
    for mount in MOUNTS[:1 if quick else 2]:
        for name in names:
            path = target.upload(mount, name, live)
            status, headers, _ = target.ask("GET", f"{mount}/gradio_api/file={quote(path)}")
            kind = headers.get("content-type", "")
            is_shown = not headers.get("content-disposition", "").startswith("attachment")
            is_held = "sandbox" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"
            tally.held("live upload", name, is_held and not (is_shown and kind != "image/png"), (status, headers))
            tally.held("places of the machine", name, not path.startswith("/") and str(target.folder) not in path, path)


def other_sites(target, tally, quick):
    """Requests that another web page has the user's browser send, and names that lead here."""
    port, kind = target.port, "another web page"
    own = f"http://localhost:{port}"
    good = f"localhost:{port} 127.0.0.1:{port} [::1]:{port} localhost localhost:1 LOCALHOST:8080 localhost.:80".split()
    bad = (f"evil.example evil.example:{port} localhost.evil.example 127.0.0.1.nip.io evil.example:localhost 0.0.0.0 [::1 * "
           f"evil.example#localhost 169.254.169.254:{port} [::] [::ffff:10.0.0.1] localhost:99999 localhost:x "
           f"localhost,evil localhost@evil localhost/evil localhost.. 127.0.0.1:80:80").split()
    for path in ("/v1/health", "/v1/info", "/docs", "/en/config", "/"):
        for host in good:
            status = target.ask("GET", path, host=host)[0]
            tally.held("honest use", f"{path} as {host}", status in (200, 307), status)
        for host in (*bad, " ", "localhost, evil.example"):
            status = target.ask("GET", path, host=host)[0]
            tally.held(kind, f"{path} for {host}", 400 <= status < 500, status)
    for headers in ([("Host", "evil.example"), ("Host", "localhost")], [("Host", "localhost"), ("Host", "evil")], [],
                    [("Host", "evil.example"), ("X-Forwarded-Host", "localhost")]):
        status = target.ask("GET", "/docs", host=None, headers=headers)[0]
        tally.held(kind, f"/docs with {headers}", status in (400, 403), status)
    for place in ("http://evil.example", "https://u@localhost", "//evil.example", own):
        status = target.ask("GET", f"{place}/v1/health", host=f"localhost:{port}")[0]
        tally.held(kind, f"target {place}", status == 200 if place == own else 400 <= status < 500, status)
    status = target.raw(b"GET /v1/health HTTP/1.0\r\n\r\n")[0]
    tally.held(kind, "HTTP/1.0 without a host", 400 <= status < 500, status)
    foreign = (f"http://evil.example https://evil.example:443 null http://localhost:1 http://localhost http:// {own}/ "
               f"http://localhost:{port}.evil.example http://evil.example@localhost:{port} file:// chrome-extension://abc "
               f"ftp://localhost:{port} http://localhost.evil.example:{port} http://127.0.0.1:{port} http://[::1]:{port}").split()
    for method, path in (("POST", "/v1/mattes"), ("POST", "/v1/jobs"), ("DELETE", "/v1/jobs/x"), ("POST", "/v1/cameras"),
                         ("GET", "/v1/info"), ("POST", "/en/gradio_api/run/predict"), ("POST", "/zh/gradio_api/upload"),
                         ("OPTIONS", "/en/gradio_api/upload")):
        for origin in (*foreign, ""):
            status, headers, _ = target.ask(method, path, host=f"localhost:{port}", headers=[("Origin", origin)])
            is_held = status == 403 and "access-control-allow-origin" not in headers
            tally.held(kind, f"{method} {path} from {origin}", is_held, status)
        status = target.ask(method, path, headers=[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")])[0]
        tally.held(kind, f"{method} {path}, cross-site", status == 403, status)
        status = target.ask(method, path, host=f"LOCALHOST:{port}", headers=[("Origin", own)])[0]
        tally.held("honest use", f"{method} {path} from the page itself", status not in (0, 403, 500), status)
    status = target.ask("GET", "/en/", headers=[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")])[0]
    tally.held("honest use", "a link to the page", status == 200, status)
    upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", 13),
               ("Sec-WebSocket-Key", "eDEyMzQ1Njc4OTAxMjM0NQ=="), ("Origin", "http://evil.example")]
    for path in ("/en/gradio_api/queue/join", "/queue/join", "/en/queue/join", "/v1/cameras"):
        status = target.ask("GET", path, headers=upgrade)[0]
        tally.held(kind, f"websocket {path}", 400 <= status < 500, status)
    policy = target.ask("GET", "/en/")[1]["content-security-policy"]
    tally.held(kind, "the page in a foreign frame", "frame-ancestors 'self';" in policy, policy)


def forms(target, tally, quick):
    """Forms that are none: 400 and one line, never a traceback."""
    good, kind = form([("src", "a.png", b"x"), ("bgr", "b.png", b"y")])
    part = b'--frontier\r\nContent-Disposition: form-data; name="src"; filename="a.png"\r\n\r\nx\r\n'

    def headed(lines):
        return b"--frontier\r\n" + lines + b"\r\n\r\nx\r\n--frontier--\r\n"
    bad = [(good, other) for other in (
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=frontier", "application/json",
        "application/x-www-form-urlencoded", "", f"{kind}x", "multipart/form-data; boundary=" + "b" * 999)]
    bad += [(body, kind) for body in (
        b"preamble" + good, good[2:], b"", b"\r\n", good[:-14], part[:-4], part, part * 2 + b"--frontier--\r\n",
        b"--frontier--\r\n", headed(b""), headed(b"Content-Disposition: form-data"), headed(b"X: " + b"y" * 20000),
        headed(b"Content-Disposition: form-data; name"), headed(b"Content-Disposition: attachment; filename=a"),
        headed(b"Content Disposition: x"),
        b"--frontier\nContent-Disposition: form-data; name=src\n\nx", b"\xff\xfe" * 99)]
    bad += [form(parts) for parts in (
        [("src", None, b"x" * (1100 << 10))], [("type", None, b"com")] * 41, [("src", "a.png", b"")] * 41,
        [(f"f{number}", "a.png", b"x") for number in range(50)], [("n" * 1500, None, b"x")], [("\u0131", "a.png", b"x")])]
    for path in ("/v1/mattes", "/v1/jobs"):
        for body, sent in bad:
            status, _, answer = target.ask("POST", path, body, [("Content-Type", sent)])
            is_held = status == 400 and b'"bad_input"' in answer
            tally.held("malformed form", f"{path} {sent[:60]} {body[:60]}", is_held, answer)
    src, bgr = ((SAMPLE / name).read_bytes() for name in ("src.jpg", "bgr.jpg"))
    for name in ("\u7167" * 90 + ".jpg", "\U0001f600" * 62 + ".jpg", "a" * 1500, "x." + "y" * 300, "e\u0301" * 90, "..",
                 "a\tb.jpg"):
        body, sent = form([("src", name, src), ("bgr", name, bgr)])
        status, _, answer = target.ask("POST", "/v1/mattes", body, [("Content-Type", sent.replace("m", "M"))])
        tally.held("honest use", f"a file called {name[:20]}", status == 200, answer[:200])
    body, sent = form([("src", "a.jpg", src), ("bgr", "b.jpg", bgr)])
    body = body.replace(b'filename="a.jpg"', b"filename*=UTF-8''%E4%BA%BA.jpg")
    status, headers, answer = target.ask("POST", "/v1/mattes", body, [("Content-Type", sent)])
    tally.held("honest use", "filename* alone", "%E4%BA%BA" in headers.get("content-disposition", ""), answer[:200])
    said = target.log.read_text()
    tally.held("malformed form", "a traceback in the log", "Traceback" not in said, said[-300:])


def tokens(tally, quick):
    """Servers with a token, one of them open to other machines."""
    kind, word = "token", "\u5bc6\u7801\u5bc6\u7801 p\u00e4sswort"
    with running("--no-page", environment={"MATTING_TOKEN": word}) as target:
        def status(**headers):
            return target.ask("GET", "/v1/info", headers=headers.items())[0]
        for text in (f"Bearer {word}", f"bearer {word}", f"BEARER   {word}"):
            tally.held("honest use", text, status(Authorization=text) == 200)
        for text in ("Bearer", "Bearer ", f"Basic {word}", word, f"Bearer {word}x", f"Bearer {word[:-1]}", f"xBearer {word}",
                     "Bearer " + "?" * len(word)):
            tally.held(kind, text, status(Authorization=text) == 401)
        for path in ("/v1/info", "/v1/health/", "/v1/health/../info", "/", "/docs"):
            tally.held(kind, f"{path} without", target.ask("GET", path)[0] == 401)
        code, headers, _ = target.ask("GET", f"/v1/info?x=1&token={quote(word)}")
        cookie = headers.get("set-cookie", "")
        tally.held("honest use", "?token=", code == 303 and headers["location"] == "/v1/info?x=1", (code, headers))
        tally.held("honest use", "the cookie", status(Cookie=f"a/b=1; {cookie.partition(';')[0]}") == 200, cookie)
        is_held = "HttpOnly" in cookie and "SameSite" in cookie and "Secure" not in cookie
        tally.held(kind, "the cookie", is_held and word not in cookie and quote(word) not in cookie, cookie)
        tally.held(kind, "a cookie with the token", status(Cookie=f"{cookie.partition('=')[0]}={quote(word)}") == 401)
        _, headers, _ = target.ask("GET", f"/?token={quote(word)}", headers=[("X-Forwarded-Proto", "https")])
        tally.held(kind, "Secure behind https", "Secure" in headers.get("set-cookie", ""), headers)
        for path in ("//evil.example/", "///evil.example", "/\\evil.example", "/%5Cevil.example", "/%2F/evil.example",
                     "/%0d%0aX: y"):
            code, headers, _ = target.ask("GET", f"{path}?token={quote(word)}")
            place = headers.get("location", "")
            is_held = code in (303, 400) and "x" not in headers and not re.match(r"/[/\\]|\w+:", place)
            tally.held(kind, f"redirect of {path}", is_held, headers)
        tally.held(kind, "?token= of a POST", target.ask("POST", f"/v1/mattes?token={quote(word)}")[0] == 401)
    if quick:
        return
    with running("--no-page", "--host", "0.0.0.0") as target:
        time.sleep(0.3)
        made = re.search(r"\?token=([\w-]{20,})", target.log.read_text())
        tally.held(kind, "none beyond this machine", made is not None and target.ask("GET", "/v1/info")[0] == 401)
        word = made[1] if made else ""
        tally.held("honest use", "the made one",
                   target.ask("GET", "/v1/info", headers=[("Authorization", f"Bearer {word}")])[0] == 200)


def connections(tally, quick):
    """Clients that hold connections, at ``DESCRIPTORS`` descriptors."""
    kind, post = "held connections", b"POST /v1/mattes HTTP/1.1\r\nHost: localhost\r\nContent-"
    starts = {"half a head": post, "nothing": b"", "noise": b"\x16\x03\x01" * 50,
              "a body for GET": b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nx",
              "half a body": post + b"Type: multipart/form-data; boundary=f\r\nContent-Length: 999\r\n\r\n--f\r\n"}
    with running("--no-page", descriptors=DESCRIPTORS) as target:
        for name, start in starts.items():
            held = []
            for _ in range(DESCRIPTORS + 6):
                held.append(socket.create_connection(("127.0.0.1", target.port), 10))
                held[-1].sendall(start)
            for attempt in range(3):
                began = time.monotonic()
                status = target.ask("GET", "/v1/health")[0]
                tally.held(kind, f"{name}, {attempt}", status == 200 and time.monotonic() - began < 5, status)
                time.sleep(0.2)
            if not quick and name != "half a body":  # that has its own, longer time
                time.sleep(20)
                left = len(os.listdir(f"/proc/{target.process.pid}/fd"))
                tally.held(kind, f"{name}: they end", left < 20, left)
            for one in held:
                one.close()
        said = target.log.read_text()
        tally.held(kind, "the log", len(said) < 5000 and "Traceback" not in said, len(said))


def media(tally, quick):
    """Files that crash a decoder, keep it, eat memory, or name other files and addresses: each is one failed request."""
    src, bgr = ((SAMPLE / name).read_bytes() for name in ("src.jpg", "bgr.jpg"))
    patience = "6" if quick else "2"  # seconds that a busy machine may take for an honest photo
    flags = ("--no-page", "--decode-seconds", patience, "--decode-mib", "600", "--max-mib", "30")
    with tempfile.TemporaryDirectory(prefix="media-") as folder, running(*flags) as target:
        clip, sound = Path(folder, "clip.mp4"), Path(folder, "sound.mkv")
        make_clip(clip, 20)
        many_channels(sound, "libopus", "7.1", "flt")
        clip, sound = clip.read_bytes(), sound.read_bytes()
        honestly = [("src", "a.jpg", src), ("bgr", "b.jpg", bgr)]
        _judge(target, tally, "honest use", "a photo", honestly, 200)
        _judge(target, tally, "honest use", "sound of 8 channels", [("src", "a.mkv", sound), ("bgr", None, b"median")], 200)
        for way in traps.WAYS[:5:2] if quick else traps.WAYS:
            for moment in traps.MOMENTS:
                end = traps.trap(way, moment)
                pairs = {"src": ("a.jpg", src + end, bgr), "bgr": ("a.jpg", src, bgr + end),
                         "plate": ("a.mp4", clip, bgr + end)}
                forms = {what: [("src", name, one), ("bgr", "b.jpg", other), ("fit", None, b"crop")]
                         for what, (name, one, other) in pairs.items()}
                forms["target"] = [*honestly, ("target", "c.jpg", src + end)]
                forms["video"] = [("src", "a.mp4", clip + end), ("bgr", None, b"median")]
                forms["a ZIP"] = [("zip", "a.zip", _zip({"src/a.jpg": src + end, "bgr/a.jpg": bgr}))]
                for name, parts in list(forms.items())[::1 if not quick else 2 if way == "crash" else 6]:
                    _judge(target, tally, "decoder", f"{way} at {moment} of {name}", parts, 400)
            status, _, answer = target.ask("POST", "/v1/cameras")
            camera = json.loads(answer)["id"]
            status, _, answer = target.ask("POST", f"/v1/cameras/{camera}/frame", src + traps.trap(way, "look"))
            tally.held("decoder", f"{way} at a camera's picture", status == 400 or way == "noise", answer)
            target.ask("DELETE", f"/v1/cameras/{camera}")
            _judge(target, tally, "honest use", f"a photo after {way}", honestly, 200)
        _naming(target, tally, honestly[1])
        status, _, answer = target.ask("POST", "/v1/cameras")
        status, _, answer = target.ask("POST", f"/v1/cameras/{json.loads(answer)['id']}/frame", bytes(5 << 20))
        tally.held("decoder", "a camera's picture of 5 MiB", status == 413, answer)
        _judge(target, tally, "honest use", "a photo at the end", honestly, 200)
        said = target.log.read_text()
        tally.held("decoder", "a traceback in the log", "Traceback" not in said, said[-300:])


def _zip(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def _judge(target, tally, kind, what, parts, wanted):
    """Send a form to where it belongs, and compare the status of its answer, or of the job's result, with that ``wanted``.

    A file that ends the wrong one of its two moments, or an answer that was only disturbed, may be done as well.
    """
    is_job = any(name == "zip" or (file or "").endswith((".mp4", ".mkv")) for name, file, _ in parts)
    body, sent = form(parts)
    status, _, answer = target.ask("POST", "/v1/jobs" if is_job else "/v1/mattes", body, [("Content-Type", sent)])
    if status == 202:
        key, end = json.loads(answer)["id"], time.monotonic() + 60
        while json.loads(target.ask("GET", f"/v1/jobs/{key}")[2])["state"] in ("queued", "running"):
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        status, _, answer = target.ask("GET", f"/v1/jobs/{key}/result")
        target.ask("DELETE", f"/v1/jobs/{key}")
    is_one_line = status == 200 or answer.startswith(b"{") and "\n" not in json.loads(answer)["error"]["message"]
    tally.held(kind, what, status == wanted and is_one_line and target.process.poll() is None, (status, answer[:200]))


def _naming(target, tally, bgr):
    """Videos that name other files and addresses, for FFmpeg to open."""
    listener, secret = Listener(), target.folder / "secret.mp4"
    make_clip(secret, 5)
    address = listener.address
    named = {
        "a playlist": "#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", "concat": "ffconcat version 1.0\nfile '{}'\n",
        "a description": "v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=control:{}\n",
        "a reference": "[Reference]\nRef1={}\n",
        "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
                'mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>'
                '</AdaptationSet></Period></MPD>', "SVG": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}"/></svg>'}
    for kind, text in named.items():
        for place in (address, f"file://{secret}", str(secret), f"concat:{secret}", f"subfile,,start,0,end,0,,:{secret}"):
            for name in ("a.mp4", "a.m3u8", "a.avi"):
                parts = [("src", name, text.format(place).encode()), bgr]
                body, sent = form(parts)
                status, _, answer = target.ask("POST", "/v1/jobs", body, [("Content-Type", sent)])
                tally.held("decoder", f"{kind} of {place} as {name}", status == 400 and not listener.asked, answer[:200])


def budgets(tally):
    """More than is allowed of everything that clients can heap up; tests/web tries the same inside one process."""
    kind = "budget"
    src, bgr = ((SAMPLE / name).read_bytes() for name in ("src.jpg", "bgr.jpg"))
    flags = ("--no-page", "--max-frames", "20", "--max-result-mib", "0.5", "--max-spool-mib", "6", "--max-results", "2",
             "--jobs-per-client", "1", "--max-cameras", "2")
    with tempfile.TemporaryDirectory(prefix="media-") as folder, running(*flags) as target:
        clip, longer = Path(folder, "clip.mp4"), Path(folder, "longer.mp4")
        make_clip(clip, 20)
        make_clip(longer, 21)

        def begin(path, *more, sender="10.0.0.1"):
            body, sent = form([("src", path.name, path.read_bytes()), ("bgr", None, b"first:2"), *more])
            return target.ask("POST", "/v1/jobs", body, [("Content-Type", sent), ("X-Forwarded-For", sender)])
        status, _, answer = begin(longer)
        tally.held(kind, "frames", status == 413, answer)
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: target.ask("POST", "/v1/cameras")[0], range(6)))
        tally.held(kind, "cameras", sorted(found) == [200] * 2 + [429] * 4, found)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: begin(clip)[0], range(4)))
        tally.held(kind, "jobs of a client", sorted(found) == [202, 429, 429, 429], found)
        status, _, answer = begin(clip, sender="10.0.0.2")
        tally.held("honest use", "a job of another client", status == 202, answer)
        status, _, answer = begin(clip, sender="10.0.0.3")
        tally.held(kind, "results that are kept", status == 429, answer)
        body, sent = form([("src", "a.jpg", src), ("bgr", "b.jpg", bgr), ("format", None, b"tiff")])
        status, _, answer = target.ask("POST", "/v1/mattes", body, [("Content-Type", sent)])
        tally.held(kind, "bytes of results", status == 413, answer[:200])
        body, sent = form([("src", "a.jpg", src + bytes(7 << 20)), ("bgr", "b.jpg", bgr)])
        status, _, answer = target.ask("POST", "/v1/mattes", body, [("Content-Type", sent)])
        tally.held(kind, "bytes in all", status == 429, answer[:200])


def attack(quick: bool) -> Tally:
    """Try everything."""
    tally = Tally()
    media(tally, quick)
    if not quick:
        budgets(tally)
    with running() as target:
        for part in (honest, serve_live, other_sites, forms, fetch_addresses, read_files, honest):
            part(target, tally, quick)
    tokens(tally, quick)
    connections(tally, quick)
    return tally


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer spellings, and nothing that waits for timers")
    tally = attack(parser.parse_args(argv).quick)
    for kind, count in sorted(tally.tried.items()):
        print(f"{kind:24} {count:5} tried")
    for line in tally.through:
        print("GOT THROUGH:", line)
    print(f"{sum(tally.tried.values())} tried, {len(tally.through)} got through")
    return 1 if tally.through else 0


if __name__ == "__main__":
    sys.exit(main())
