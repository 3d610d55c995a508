"""The package as people install it: ``python tests/package.py``, about a minute. Called by .ci/run.

Builds a wheel from a clean clone of what is committed, compares its files with git's, installs it and an editable copy
into environments that borrow this Python's packages, and uses both from a folder that has packages model, utils and dataset
of its own. Prints one line a check; the exit code is 1 where one fails.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("benchmarks", "configs", "dataset", "evaluation", "image", "media", "model", "prediction", "training", "utils",
         "web")
UNSHIPPED = (".sh",)
FROM_PYTHON = """
import sys
import cv2
from bgmatting import Matter
src, bgr = (cv2.imread(f"{sys.argv[1]}/{name}.jpg")[..., ::-1] for name in ("src", "bgr"))
matte = Matter().predict(src, bgr)
sys.stdout.buffer.write(matte.pha.tobytes() + matte.fgr.tobytes())
"""


class Failed(Exception):
    """A check that failed; its text says how."""


def call(*command: object, cwd: Path, **environ: str) -> bytes:
    """What a command prints. Raises Failed with the end of what it said where it fails."""
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env={**own, **environ}, capture_output=True)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise Failed(f"{' '.join(map(str, command))[:100]}: exit code {done.returncode}\n{said[-1500:]}")
    return done.stdout


def shipped(checkout: Path) -> set[str]:
    """The files that git has of the packages, by their names in a wheel."""
    tracked = call("git", "ls-files", "bgmatting", *PARTS, cwd=checkout).decode().splitlines()
    return {name if name.startswith("bgmatting/") else f"bgmatting/{name}" for name in tracked
            if not name.endswith(UNSHIPPED)}


def build(checkout: Path, folder: Path) -> Path:
    """The wheel."""
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, checkout, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_files(wheel: Path, checkout: Path) -> str:
    """The wheel has what git has, and nothing more."""
    with zipfile.ZipFile(wheel) as pack:
        found = {name for name in pack.namelist() if ".dist-info/" not in name}
    wanted = shipped(checkout)
    if found != wanted:
        raise Failed(f"missing: {sorted(wanted - found)}; not in git: {sorted(found - wanted)}")
    return f"{len(found)} files, {wheel.stat().st_size / 1e6:.1f} MB"


class Environment:
    """A virtual environment that borrows this Python's packages.

    Args:
        what: pip's words for what to install.
    """

    def __init__(self, folder: Path, *what: object):
        call(sys.executable, "-m", "venv", "--without-pip", folder, cwd=PROJECT)
        self.python = folder / "bin" / "python"
        self.site = Path(call(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
                         .decode().strip())
        call(sys.executable, "-m", "pip", "--python", self.python, "install", "-q", "--no-deps", *what, cwd=folder)
        (self.site / "borrowed.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")

    def command(self) -> Path:
        """The program ``bgmatting``."""
        return self.python.parent / "bgmatting"

    def close(self) -> dict[str, int]:
        """Take the right to write from all installed files; returns their times."""
        times = {}
        for path in (self.site, *self.site.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
                times[str(path)] = path.stat().st_mtime_ns
        return times

    def open(self) -> None:
        """Give it back, so that the folder can be removed."""
        for path in (self.site, *self.site.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


def matte(command: list[object], cwd: Path, output: Path, cache: Path) -> str:
    """Run predict on the sample pair; a digest of what it wrote."""
    sample = PROJECT / "image" / "sample"
    call(*command, "--src", sample / "src.jpg", "--bgr", sample / "bgr.jpg", "--output", output, "--type", "pha", "fgr",
         "com", cwd=cwd, MATTING_CACHE=str(cache), PYTHONDONTWRITEBYTECODE="1")
    files = sorted(path for path in output.rglob("*") if path.is_file())
    if len(files) < 3:
        raise Failed(f"{len(files)} files in {output}")
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()[:12]


def own_packages(folder: Path) -> Path:
    """A folder whose packages have the names of the project's parts; to import one is an error."""
    for name in ("model", "utils", "dataset", "media"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise RuntimeError('a package of the user was imported')\n")
    return folder


def from_python(python: Path | str, cwd: Path, cache: Path) -> str:
    """Use ``bgmatting.Matter`` from Python; a digest of the matte."""
    data = call(python, "-c", FROM_PYTHON, PROJECT / "image" / "sample", cwd=cwd, MATTING_CACHE=str(cache),
                PYTHONDONTWRITEBYTECODE="1")
    return hashlib.sha256(data).hexdigest()[:12]


def check_same(digests: dict[str, str]) -> str:
    """All digests are one."""
    if len(set(digests.values())) != 1:
        raise Failed(f"they differ: {digests}")
    return f"{', '.join(digests)}: {next(iter(digests.values()))}"


def check_unwritten(environment: Environment, times: dict[str, int]) -> str:
    """Nothing was written beside the installed files since ``times``; rights alone do not keep root from it."""
    now = {str(path): path.stat().st_mtime_ns for path in (environment.site, *environment.site.rglob("*"))}
    changed = sorted(set(now.items()) ^ set(times.items()))
    if changed:
        raise Failed(f"written: {changed[:5]}")
    return f"{len(times)} files and folders as they were"


def check_layers(environment: Environment, checkout: Path, cwd: Path) -> str:
    """The contracts of pyproject.toml hold in the installed package."""
    shutil.copy(checkout / "pyproject.toml", cwd)  # where it looks for them
    said = call(environment.python, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache",
                cwd=cwd)
    return next(line for line in said.decode().splitlines() if "kept" in line)


def main() -> int:
    """Run all checks; exit code."""
    failed = 0

    def check(name, work, *arguments):
        nonlocal failed
        try:
            result = work(*arguments)
            print(f"ok      {name}: {result}", flush=True)
            return result
        except Failed as error:
            failed += 1
            print(f"FAILED  {name}: {error}", flush=True)
            return None

    folder = Path(tempfile.mkdtemp(prefix="package-"))
    installed = None
    try:
        checkout, cache, user = folder / "checkout", folder / "cache", own_packages(folder / "user")
        call("git", "clone", "-q", PROJECT, checkout, cwd=folder)
        wheel = check("wheel", build, checkout, folder)
        if wheel is None:
            return 1
        check("files", check_files, wheel, checkout)
        installed = Environment(folder / "installed", wheel)
        editable = Environment(folder / "editable", "--editable", checkout)
        times = installed.close()
        ways = {"python predict.py": ([sys.executable, "predict.py"], checkout),
                "wheel": ([installed.command(), "predict"], user), "editable": ([editable.command(), "predict"], user)}

        def mattes():
            return check_same({name: matte(command, cwd, folder / f"out-{name[:6]}", cache)
                               for name, (command, cwd) in ways.items()})
        check("predict, the same bytes", mattes)
        pythons = {"checkout": (sys.executable, checkout), "wheel": (installed.python, user),
                   "editable": (editable.python, user)}
        check("Matter, the same bytes", lambda: check_same(
            {name: from_python(python, cwd, cache) for name, (python, cwd) in pythons.items()}))
        check("read-only packages", check_unwritten, installed, times)
        check("layers", check_layers, installed, checkout, user)
    finally:
        if installed is not None:
            installed.open()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
