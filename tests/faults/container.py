"""The steps of the Dockerfile in chroots; see container.sh, which calls it."""
import argparse
import http.client
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MIRROR = "http://deb.debian.org/debian"
SETTINGS = ("/etc/resolv.conf", "/etc/pip.conf", "/root/.config/pip/pip.conf")
TRUSTED, TRUSTED_INSIDE = "/etc/ssl/certs/ca-certificates.crt", "/trusted.pem"  # packages inside would replace the first
PASSED = re.compile("(?i)pip_.*|.*(proxy|_ca_|cert).*")  # of the environment: how this machine reaches packages
PORT, TOKEN = 7860, "of the container"
MOST = 1500  # MiB


def steps(text):
    """[(word, rest)] of a Dockerfile, its continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
    return [tuple(line.split(None, 1)) for line in re.sub(r"\\\n", " ", text).splitlines() if line.strip()]


def ignored(name, patterns):
    """Whether a path of the project is left out by .dockerignore."""
    left = False
    for pattern in patterns:
        wanted = pattern.lstrip("!")
        hit = any(fnmatch(part, wanted) or fnmatch(Path(part).name, wanted.replace("**/", ""))
                  for part in (name, *map(str, list(Path(name).parents)[:-1])))
        left = not pattern.startswith("!") if hit else left
    return left


class Stage:
    """One FROM of the Dockerfile: a root, its environment, folder and user."""

    def __init__(self, root, mounts):
        self.root, self._mounts, self.folder, self.user = root, mounts, "/", "root"
        self.arguments, self.environment = {}, {}

    def run(self, command, check=True, **options):
        """A shell command inside, as the stage's user."""
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        passed = {name: value.replace(TRUSTED, TRUSTED_INSIDE) for name, value in os.environ.items()
                  if PASSED.fullmatch(name)}
        inside = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, **passed,
                  **self.arguments, **self.environment}
        argv = ["chroot", f"--userspec={self.user}", str(self.root), "/usr/bin/env", "-i",
                *(f"{name}={value}" for name, value in inside.items()), "sh", "-c", f"cd {self.folder} && {command}"]
        return subprocess.run(argv, check=check, **options)

    def copy(self, words, stages):
        """COPY of the project, or of another stage."""
        flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
        source, target = [word for word in words if not word.startswith("--")]
        place = self.root / os.path.normpath(os.path.join(self.folder, target)).lstrip("/")
        if "from" in flags:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(stages[flags["from"]].root / source.lstrip("/"), place, symlinks=True)
        else:
            patterns = (PROJECT / ".dockerignore").read_text().split()
            tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT, check=True,
                                     capture_output=True, text=True)
            for name in tracked.stdout.splitlines():
                if not ignored(name, patterns):
                    (place / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(PROJECT / name, place / name)
        if "chown" in flags:
            inside = f"/{place.relative_to(self.root)}"
            user, self.user = self.user, "root"
            self.run(f"chown -R {flags['chown']} {inside} && chown {flags['chown']} {os.path.dirname(inside)}")
            self.user = user

    def __enter__(self):
        for name in SETTINGS:
            if os.path.exists(name):
                (self.root / name.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(os.path.realpath(name), self.root / name.lstrip("/"))
        if os.path.exists(TRUSTED):
            shutil.copy(TRUSTED, self.root / TRUSTED_INSIDE.lstrip("/"))
        for name in self._mounts:  # to be read alone: whatever is removed later, it is nothing of this machine
            place = self.root / name.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", name, str(place)], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", str(self.root / "proc")], check=True)
        return self

    def __exit__(self, *_):
        for name in ("/proc", *self._mounts):
            subprocess.run(["umount", "-l", str(self.root / name.lstrip("/"))], check=False)


def build(work, base, mounts):
    """The last ``Stage``, still entered, and its CMD."""
    stages = {}
    try:
        return _built(work, base, mounts, stages)
    except BaseException:
        for stage in stages.values():
            stage.__exit__()
        raise


def _built(work, base, mounts, stages):
    stage, command = None, None
    for word, rest in steps((PROJECT / "Dockerfile").read_text()):
        if word == "FROM":
            if stage is not None:
                stage.__exit__()
            name = rest.split(" AS ")[1] if " AS " in rest else "final"
            subprocess.run(["cp", "-a", str(base), str(work / name)], check=True)
            stage = stages[name] = Stage(work / name, mounts).__enter__()
        elif stage is None:
            continue  # ARG before the first FROM
        elif word in ("ARG", "ENV"):
            pairs = dict(part.split("=", 1) for part in shlex.split(rest))
            (stage.arguments if word == "ARG" else stage.environment).update(pairs)
        elif word == "WORKDIR":
            stage.folder = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            stage.copy(rest.split(), stages)
        elif word == "USER":
            stage.user = rest
        elif word == "RUN":
            print("RUN", rest, flush=True)
            stage.run(rest)
        elif word == "CMD":
            command = json.loads(rest)
    return stage, command


def tried(stage, command):
    """Start what CMD says; lines of what is not as it should be."""
    process = subprocess.Popen(["chroot", f"--userspec={stage.user}", str(stage.root), "/usr/bin/env", "-i",
                                f"HOME=/home/{stage.user}", "PATH=/usr/bin:/bin", "PYTHONUNBUFFERED=1",
                                f"TMPDIR={stage.environment['TMPDIR']}", f"MATTING_TOKEN={TOKEN}", "sh", "-c",
                                f"cd {stage.folder} && exec {shlex.join(command)}"])
    try:
        health = _answer("GET", "/v1/health", lambda body: b'"ok"' in body, 120)
        print("health:", health.decode())
        sample = PROJECT / "image" / "sample"
        made = subprocess.run(["curl", "-sf", "-H", f"Authorization: Bearer {TOKEN}", "-F", f"src=@{sample / 'src.jpg'}",
                               "-F", f"bgr=@{sample / 'bgr.jpg'}", f"http://127.0.0.1:{PORT}/v1/mattes"],
                              capture_output=True, check=False).stdout
        user = Path(f"/proc/{process.pid}/status").read_text().split("Uid:")[1].split()[0]
        print(f"matte: {len(made)} bytes; user {user}")
        return ([] if made.startswith(b"\x89PNG") else ["no matte came"]) + ([] if user != "0" else ["it runs as root"])
    finally:
        process.terminate()
        process.wait(30)


def _answer(method, path, good, seconds):
    end, body = time.monotonic() + seconds, b""
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
            connection.request(method, path)
            body = connection.getresponse().read()
            if good(body):
                return body
        except OSError:
            pass
        time.sleep(1)
    raise SystemExit(f"no good answer from {path}: {body!r}")


def checked(work, mounts):
    """Build below the folder ``work``, try the result, and list what is not as it should be."""
    base = work / "base"
    if not base.is_dir():
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(base), MIRROR], check=True)
    for name in ("graphs", "final"):
        removed(work / name)
    stage, command = build(work, base, mounts)
    try:
        failed = tried(stage, command)
    finally:
        stage.__exit__()
    size = int(subprocess.run(["du", "-sm", str(stage.root)], capture_output=True, text=True, check=True).stdout.split()[0])
    print(f"{size} MiB; {MOST} are allowed")
    return failed + ([f"{size} MiB are more than {MOST}"] if size > MOST else [])


def removed(folder):
    """Remove a folder of chroots, unless something is mounted in it."""
    if str(folder.resolve()) in Path("/proc/mounts").read_text():
        raise SystemExit(f"something is still mounted in {folder}; nothing was removed.")
    shutil.rmtree(folder, ignore_errors=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", help="folder for the chroots, kept")
    parser.add_argument("--mount", action="append", default=[], help="folder of this machine that is seen inside")
    args = parser.parse_args(argv)
    work = Path(args.work or tempfile.mkdtemp(prefix="container-"))
    try:
        failed = checked(work, args.mount)
    finally:
        if not args.work:
            removed(work)
    for line in failed:
        print("NOT SO:", line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
