"""One list of packages: pyproject.toml asks for what the requirement files ask for, and lock files hold what both allow."""
import re

import pytest

from bgmatting.utils.files import PROJECT

LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))


def lines(name):
    """The requirements in a file, without comments, in one spelling."""
    found = (line.partition("#")[0].strip() for line in (PROJECT / name).read_text(encoding="utf-8").splitlines())
    return sorted(line.replace('"', "'") for line in found if line)


@pytest.fixture(scope="module")
def project():
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11 and later
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_dependencies(project):
    paddle = [line for line in lines("requirements.txt") if line.startswith("paddlepaddle")]
    assert sorted(project["dependencies"] + paddle) == lines("requirements.txt")
    assert project["optional-dependencies"]["cpu"] == paddle


@pytest.mark.parametrize("extra", ["fast", "web", "extra"])
def test_extras(project, extra):
    assert sorted(project["optional-dependencies"][extra]) == lines(f"requirements-{extra}.txt")


def test_supported_pythons(project):
    from bgmatting.utils.supported import LEAST, NEWEST
    assert project["requires-python"] == f">={LEAST[0]}.{LEAST[1]},<{NEWEST[0]}.{NEWEST[1] + 1}"


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_locks_hold_what_is_asked_for(path):
    """Each package has one version that the requirement files allow, and hashes."""
    packaging = pytest.importorskip("packaging.requirements")
    text = path.read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+) \\$", text, re.MULTILINE))
    assert pinned and text.count("--hash=sha256:") >= len(pinned) and path.stat().st_size < 2 << 20
    for name in ("requirements.txt", "requirements-fast.txt", "requirements-web.txt", "requirements-dev.txt"):
        for requirement in map(packaging.Requirement, lines(name)):
            if requirement.name in pinned and (requirement.marker is None or requirement.marker.evaluate()):
                assert requirement.specifier.contains(pinned[requirement.name]), f"{path.name}: {requirement.name}"
