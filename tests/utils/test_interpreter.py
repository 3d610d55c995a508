"""An interpreter that cannot run the project is told what to type, by every script, whatever its version."""
import ast
import subprocess
import sys

import pytest

from bgmatting.utils import interpreter
from bgmatting.utils.files import PROJECT

SCRIPTS = sorted(path for path in PROJECT.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


def test_these_are_all_scripts():
    assert {path.stem for path in SCRIPTS} >= {"app", "benchmark", "eval", "export", "predict", "train", "val"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_without_the_packages_a_script_ends_in_one_line(script, tmp_path):
    command = [sys.executable, "-S", str(script), "--src", "a b.jpg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "numpy" in done.stderr and f"{script} --src 'a b.jpg'" in done.stderr


@pytest.mark.parametrize("path", [*SCRIPTS, PROJECT / "utils" / "interpreter.py", PROJECT / "utils" / "__init__.py"],
                         ids=lambda path: path.stem)
def test_older_versions_understand_what_they_read_first(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version, paddle, fits", [
    ((3, 7), "2.4.2", False), ((3, 8), "3.0.0", False), ((3, 9), "2.5.2", False), ((3, 9), "2.6.0", True),
    ((3, 13), "3.3.1", True), ((3, 11), "0.0.0", True), ((3, 11), "10.1.0", True)])
def test_the_supported_versions(version, paddle, fits):
    assert (interpreter.wrong_version(version, paddle) is None) == fits


def test_the_interpreter_of_the_set_up_is_named_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreter, "PROJECT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert interpreter.own_python() is None
    assert "sh run.sh setup" in interpreter.way_out(None, ["eval.py", "--size", "64"])
    place = tmp_path / interpreter.own_path()
    place.parent.mkdir(parents=True)
    place.touch()
    assert interpreter.way_out(interpreter.own_python(), ["eval.py"]) == f"Run: {interpreter.own_path()} eval.py"
    monkeypatch.setattr(sys, "executable", str(place))
    assert interpreter.own_python() is None
