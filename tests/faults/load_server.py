"""Whether app.py stands: many clients at once over loopback, with right, huge, damaged, slow and aborted uploads.

    python -m tests.faults.load_server                          # 32 clients for two minutes
    python -m tests.faults.load_server --seconds 20 --clients 8

Judged: nothing but expected answers; memory of the server flat within 10 % after the first third; no file left; 95 % of
the right ones answered within 1.3 x (places in line x what one takes in that run, as the server tells). Ends with 1 where
something is not so. Other work beside it counts as the server's: a machine that is busy for a part of the run fails the last
of these.
"""
import argparse
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from bgmatting.media import encode, read_bytes
from bgmatting.utils.files import PROJECT

SAMPLE = PROJECT / "image" / "sample"
QUEUE = 8
FLAT, LATE = 1.10, 1.3
HUGE = 210 << 20             # bytes that a request claims
MIX = {"right": 12, "damaged": 4, "huge": 2, "pixels": 2, "slow": 1, "aborted": 3, "no form": 1, "film": 1, "health": 2}
EXPECTED = {"right": {200, 429}, "damaged": {400, 429}, "huge": {413}, "pixels": {413, 429}, "slow": {408, 429},
            "aborted": {0, 429}, "no form": {400, 429}, "film": {400, 429}, "health": {200}}  # 0: the client left
UPLOAD_SECONDS = 4           # that the server gives an upload
BOUNDARY = "----------matting"


def form(**files):
    """(body, content type) of a multipart form of {name: (file name, bytes)}."""
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{head}"{name}"; filename="{file}"\r\n\r\n'.encode() + data + b"\r\n" for name, (file, data) in files.items()]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def inputs():
    """{kind: (path, body, content type)}"""
    src, bgr = (read_bytes(SAMPLE / name) for name in ("src.jpg", "bgr.jpg"))
    wide = encode(".png", np.zeros((9000, 9000), np.uint8))
    right = form(src=("src.jpg", src), bgr=("bgr.jpg", bgr))
    made = dict.fromkeys(("right", "slow", "aborted", "huge"), ("/v1/mattes", *right))
    made["damaged"] = ("/v1/mattes", *form(src=("src.jpg", src[:len(src) // 2]), bgr=("bgr.jpg", bgr)))
    made["pixels"] = ("/v1/mattes", *form(src=("src.png", wide), bgr=("bgr.jpg", bgr)))
    made["no form"] = ("/v1/mattes", b"{}", "application/json")
    made["film"] = ("/v1/jobs", *form(src=("list.mp4", b"#EXTM3U\n#EXTINF:9,\nfile:///etc/hostname\n"), bgr=("b.jpg", bgr)))
    return made


class Client:
    """Sends requests of one kind after the other. address: (host, port)."""

    def __init__(self, address, sent):
        self._address, self._sent, self.work = address, sent, []

    def send(self, kind):
        """(status, seconds, body); status 0 where the client left. ``work`` collects what the server took."""
        started = time.monotonic()
        connection = http.client.HTTPConnection(*self._address, timeout=180)
        try:
            if kind == "health":
                connection.request("GET", "/v1/health")
            elif kind in ("slow", "aborted", "huge"):
                if self._part(connection, kind):
                    return 0, time.monotonic() - started, b""
            else:
                path, body, content = self._sent[kind]
                connection.request("POST", path, body, {"Content-Type": content})
            answer = connection.getresponse()
            if answer.getheader("Server-Timing"):
                self.work.append(float(answer.getheader("Server-Timing").rpartition("=")[2]) / 1000)
            return answer.status, time.monotonic() - started, answer.read()
        finally:
            connection.close()

    def _part(self, connection, kind):
        """Send a part of a request; whether the client leaves then."""
        path, body, content = self._sent[kind]
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", content)
        connection.putheader("Content-Length", str(HUGE if kind == "huge" else len(body)))
        connection.endheaders()
        if kind != "slow":
            connection.send(body[:len(body) // 3])
            return kind == "aborted"
        for at in range(0, len(body), 2000):
            try:
                connection.send(body[at:at + 2000])
            except OSError:
                break  # the server has answered
            time.sleep(0.3)
            if at > 2000 * (UPLOAD_SECONDS + 2) * 4:
                break
        return False


def memory(pid):
    """MiB that a process holds; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(next((line for line in text.splitlines() if line.startswith("VmRSS")), "VmRSS 0").split()[1]) / 1024


def memory_of_children(pid):
    """MiB that the processes hold that a process has begun: those that decode."""
    paths = Path(f"/proc/{pid}/task").glob("*/children")
    return sum(memory(child) for path in paths for child in path.read_text().split())


def started(folder):
    """(process, (host, port)) of a server whose files lie in ``folder``."""
    process = subprocess.Popen(
        [sys.executable, str(PROJECT / "app.py"), "--no-page", "--no-browser", "--port", "0", "--queue", str(QUEUE),
         "--upload-seconds", str(UPLOAD_SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**__import__("os").environ, "TMPDIR": str(folder)})
    for line in process.stdout:
        if line.startswith("listening at "):
            parts = urlsplit(line.split()[2])
            threading.Thread(target=lambda: [print("server:", text, end="") for text in process.stdout], daemon=True).start()
            return process, (parts.hostname, parts.port)
    raise SystemExit("app.py did not come up.")


class Load:
    """Clients at work. seen: [(kind, status, seconds)]; wrong: lines."""

    def __init__(self, address, sent, expected):
        self._address, self._sent, self._expected = address, sent, expected
        self.seen, self.wrong, self.work, self._lock = [], [], [], threading.Lock()

    def run(self, seed, end):
        """One client until ``end``."""
        rng, client = random.Random(seed), Client(self._address, self._sent)
        while time.monotonic() < end:
            kind = rng.choices(list(MIX), MIX.values())[0]
            try:
                status, seconds, body = client.send(kind)
                said = self._judged(kind, status, body)
            except (OSError, http.client.HTTPException, socket.timeout) as error:
                status, seconds, said = -1, 0.0, f"{type(error).__name__}: {error}"
            with self._lock:
                self.work, client.work = self.work + client.work, []
                self.seen.append((kind, status, seconds))
                if said:
                    self.wrong.append(f"{kind}: {said}")
            if status == 429:
                time.sleep(rng.uniform(0.2, 1.0))

    def _judged(self, kind, status, body):
        if status not in EXPECTED[kind]:
            return f"answer {status}: {body[:200]!r}"
        if status == 200 and kind == "right" and body != self._expected:
            return "another matte than that of one alone"
        if status >= 400 and set(json.loads(body)["error"]) != {"status", "code", "message"}:
            return f"an error of another shape: {body[:200]!r}"
        return None


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=120.0)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        process, address = started(folder)
        try:
            failed = measured(process, address, args, Path(folder))
        finally:
            process.terminate()
            process.wait(30)
        rest = [path.name for path in Path(folder).iterdir()]
        if rest:
            failed.append(f"left behind the end: {rest}")
    for line in failed:
        print("NOT SO:", line)
    return 1 if failed else 0


def measured(process, address, args, folder):
    """Run the clients, print what was seen, and return what is not as it should be."""
    sent = inputs()
    client = Client(address, sent)
    expected = client.send("right")[2]
    alone = statistics.median(client.send("right")[1] for _ in range(5))
    load, memories, decoding = Load(address, sent, expected), [], [0]
    end = time.monotonic() + args.seconds
    threads = [threading.Thread(target=load.run, args=(seed, end)) for seed in range(args.clients)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        time.sleep(1)
        memories.append(memory(process.pid))
        decoding.append(memory_of_children(process.pid))
    for thread in threads:
        thread.join()
    time.sleep(3)
    print(f"processes that decode: at most {max(decoding):.0f} MiB")
    return told(load, memories, alone, [path for path in folder.rglob("*") if path.is_file()])


def told(load, memories, alone, files):
    """Print, and list what is not so."""
    counts = Counter((kind, status) for kind, status, _ in load.seen)
    for (kind, status), count in sorted(counts.items()):
        print(f"{kind:10} {status:4} {count:6}")
    times = sorted(seconds for kind, status, seconds in load.seen if (kind, status) == ("right", 200))
    one = statistics.mean(load.work) if load.work else alone
    p95, bound = times[int(0.95 * (len(times) - 1))] if times else 0.0, LATE * (QUEUE + 1) * one
    third = memories[len(memories) // 3:] or memories
    growth = max(third[len(third) // 2:]) / max(third[:len(third) // 2 + 1])
    print(f"alone {alone:.2f} s, among others {one:.2f} s; right ones: {len(times)}, p95 {p95:.2f} s, bound {bound:.2f} s; "
          f"memory {third[0]:.0f} -> "
          f"{third[-1]:.0f} MiB (x {growth:.3f})")
    failed = load.wrong[:20]
    if not times:
        failed.append("no matte was made")
    if p95 > bound:
        failed.append(f"p95 {p95:.2f} s is above {bound:.2f} s")
    if growth > FLAT:
        failed.append(f"memory grew {growth:.3f} times")
    if files:
        failed.append(f"files left: {files[:5]}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
