"""``sh run.sh setup`` with stand-ins: a Python without packages, a pip that writes down what it is asked for, nvidia-smi."""
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from bgmatting.utils import supported
from bgmatting.utils.files import PROJECT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="run.sh is for systems with a shell")
PIP = '''
"""Installs empty modules, and writes down its words and its constraints."""
import pathlib, re, sys
MODULES = {"opencv-python": "cv2", "scikit-image": "skimage", "pyyaml": "yaml", "pillow": "PIL",
           "paddlepaddle-gpu": "paddle", "paddlepaddle": "paddle"}
words = sys.argv[1:]
with open(LOG, "a") as log:
    for at, word in enumerate(words):
        words[at] = "kept:" + ",".join(open(word).read().split()) if word.endswith("kept.txt") else word
    print(*words, file=log)
site = pathlib.Path(__file__).parent.parent
if words[0] == "install":
    for word in words[1:]:
        name, _, number = re.match(r"([\\w-]*)([=<>]*)([\\w.]*)", word).groups()
        if name and not name.startswith("-") and "kept" not in name:
            folder = site / MODULES.get(name, name.replace("-", "_"))
            folder.mkdir(exist_ok=True)
            code = f"__version__ = '{number}'\\nis_compiled_with_cuda = lambda: False\\n" if folder.name == "paddle" else ""
            (folder / "__init__.py").write_text(code)
'''
SMI = """#!/bin/sh
cat <<'END'
| NVIDIA-SMI 570.86.10   Driver Version: 570.86.10   CUDA Version: 12.8     |
|   0  NVIDIA GeForce RTX 5090        Off |   00000000:01:00.0 Off |
END
"""


class Machine:
    """A checkout and a machine to set it up on.

    Args:
        makes: which of the modules "venv" and "virtualenv" make an environment with a pip.
    """

    def __init__(self, folder, makes=("venv",)):
        self.project, self._bin, self.log = folder / "project", folder / "bin", folder / "pip.log"
        for name in ("bgmatting", "utils"):
            shutil.copytree(PROJECT / name, self.project / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (PROJECT / "run.sh", *PROJECT.glob("requirements*.txt")):
            shutil.copy(path, self.project)
        self.base = folder / "base" / "bin" / "python"
        self.site = self._make(folder / "base")
        self.log.touch()
        self._bin.mkdir()
        for name in ("dirname", "sed", "cmp", "cp", "cat", "grep", "rm", "sh"):
            (self._bin / name).symlink_to(shutil.which(name))
        self._write("python3", f"""#!/bin/sh
case "$1 $2" in
"-m venv" | "-m virtualenv")
    made=$3; [ "$made" != -q ] || made=$4
    "{self.base}" -m venv --without-pip --without-scm-ignore-files "$made" 2>/dev/null \\
        || "{self.base}" -m venv --without-pip "$made"
    case " {' '.join(makes)} " in *" $2 "*) cp -r "{self.site}/pip" "$made"/lib/python*/site-packages ;; *) exit 1 ;; esac ;;
*) exec "{self.base}" "$@" ;;
esac
""")

    def _make(self, folder):
        venv.create(folder, with_pip=False, symlinks=True)
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "pip").mkdir()
        (site / "pip" / "__init__.py").touch()
        (site / "pip" / "__main__.py").write_text(f"LOG = {str(self.log)!r}\n{PIP}")
        return site

    def _write(self, name, text):
        (self._bin / name).write_text(text)
        (self._bin / name).chmod(0o755)

    def has(self, name, number, module=None, url=None):
        """A package is there already; ``url``: from which pip had it."""
        folder = self.site / (module or name)
        folder.mkdir()
        (folder / "__init__.py").write_text(f"__version__ = '{number}'\nis_compiled_with_cuda = lambda: True\n")
        facts = self.site / f"{name.replace('-', '_')}-{number}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
        if url:
            (facts / "direct_url.json").write_text(f'{{"url": "{url}", "dir_info": {{}}}}')

    def card(self):
        """There is a card."""
        self._write("nvidia-smi", SMI)

    def setup(self, **environ):
        """What ``sh run.sh setup`` ends as, and the calls of pip that install."""
        done = subprocess.run(["sh", str(self.project / "run.sh"), "setup"], capture_output=True, text=True,
                              env={"PATH": str(self._bin), "HOME": str(self.project), **environ}, cwd=self.project.parent)
        calls = [line for line in self.log.read_text().splitlines() if line.startswith("install")]
        self.log.write_text("")
        return done, calls


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_fresh_machine(machine):
    done, calls = machine.setup()
    assert done.returncode == 0, done.stderr
    assert "install -q --prefer-binary paddlepaddle==3.3.1" in calls
    assert any("numpy>=" in call and "paddle" not in call for call in calls)
    assert any("openvino" in call for call in calls) or sys.version_info >= (3, 13)  # for which not all of it has wheels
    assert (machine.project / ".venv" / "installed.txt").is_file()
    assert machine.setup()[1] == []  # all is there


@pytest.mark.parametrize("makes, code", [(("virtualenv",), 0), ((), 2)])
def test_a_python_whose_venv_has_no_pip(tmp_path, makes, code):
    done, calls = Machine(tmp_path, makes).setup()
    assert done.returncode == code and bool(calls) == (code == 0)
    assert code == 0 or "python3-venv" in done.stderr


def test_what_is_there_is_never_replaced(machine):
    machine.has("numpy", "1.26.4", url="file:///build/numpy")
    machine.has("paddlepaddle-gpu", "2.6.2", "paddle")
    machine.has("opencv-python-headless", "4.10.0", "cv2")
    done, calls = machine.setup()
    assert done.returncode == 0 and "with paddle 2.6.2" in done.stdout, done.stderr
    assert calls and all("-c kept:numpy==1.26.4,paddlepaddle-gpu==2.6.2" in call for call in calls)
    assert not any(word.startswith(("paddle", "opencv")) for call in calls for word in call.split() if "kept" not in word)
    assert not (machine.project / ".venv").exists()
    assert machine.setup()[1] == []


def test_a_paddle_that_is_too_old_stays_where_it_is(machine):
    machine.has("paddlepaddle-gpu", "2.4.2", "paddle")
    for environ in ({}, {"PYTHON": "python3"}):
        done, _ = machine.setup(**environ)
        assert done.returncode == 0 and "with paddle 3.3.1" in done.stdout, done.stderr
    assert "2.4.2" in (machine.site / "paddle" / "__init__.py").read_text()


def test_an_environment_of_ones_own_is_filled(machine):
    done, calls = machine.setup(PYTHON=str(machine.base))
    assert done.returncode == 0, done.stderr
    assert "install -q --prefer-binary paddlepaddle==3.3.1" in calls and not (machine.project / ".venv").exists()


def test_the_card_and_its_wheels(machine):
    """The stand-in for paddle fails the check, so that the wheels are tried in turn; CPU=1 asks for none of them."""
    machine.card()
    done, calls = machine.setup()
    tried = [call.split()[3] for call in calls if " paddlepaddle" in call]
    assert done.returncode == 0
    assert tried == ["paddlepaddle-gpu==3.3.1"] * 2 + ["paddlepaddle-gpu==2.6.2", "paddlepaddle==3.3.1"]
    shutil.rmtree(machine.project / ".venv")
    done, calls = machine.setup(CPU="1")
    assert [call.split()[3] for call in calls if " paddlepaddle" in call] == ["paddlepaddle==3.3.1"] and done.stderr == ""


@pytest.mark.parametrize("python", ["nowhere/python", "sh"])
def test_a_python_that_is_none(machine, python):
    done, calls = machine.setup(PYTHON=python)
    assert done.returncode == 2 and calls == [] and not (machine.project / ".venv").exists()


@pytest.mark.parametrize("version, fits", [((2, 7), False), ((3, 8), False), ((3, 9), True), ((3, 13), True),
                                           ((3, 14), False)])
def test_supported_pythons(monkeypatch, version, fits):
    monkeypatch.setattr(sys, "version_info", (*version, 1))
    assert (supported.unfit_python(supported.NEWEST) is None) == fits
    assert (supported.unfit_python() is None) == (version >= (3, 9))  # a newer one may have what is needed


@pytest.mark.parametrize("numbers, fits", [
    ({}, True), ({"paddlepaddle": "3.3.1"}, True), ({"paddlepaddle-gpu": "2.6.2.post120"}, True),
    ({"paddlepaddle": "0.0.0"}, True), ({"paddlepaddle-gpu": "2.5.2"}, False), ({"paddlepaddle": "1.8.5"}, False),
    ({"paddlepaddle": "2.4.0", "paddlepaddle-gpu": "3.0.0rc1"}, True)])
def test_supported_paddles(monkeypatch, numbers, fits):
    from importlib import metadata

    def version(name):
        if name not in numbers:
            raise metadata.PackageNotFoundError(name)
        return numbers[name]
    monkeypatch.setattr(metadata, "version", version)
    assert (supported.unfit_paddle() is None) == fits


def test_a_command_says_what_is_too_old(tmp_path):
    facts = Path(tmp_path, "paddlepaddle-2.4.2.dist-info")
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: paddlepaddle\nVersion: 2.4.2\n")
    done = subprocess.run([sys.executable, "-m", "bgmatting", "predict", "--help"], cwd=PROJECT, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "2.4.2" in done.stderr
