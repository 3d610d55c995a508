"""Command lines: both spellings of every flag of several words."""
import sys
import warnings

import pytest

from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT


@pytest.mark.parametrize("given", ["--data-root", "--data_root"])
@pytest.mark.parametrize("written", ["--data-root", "--data_root"])
def test_hyphens_or_underscores(given, written):
    parser = CommandLine()
    parser.add_argument("-d", written, type=int)
    parser.add_argument("file_name")
    found = parser.parse_args([given, "3", "a"])
    assert found.data_root == 3 and found.file_name == "a"


def test_every_command_line_is_one():
    rooms = ("utils", "media", "model", "dataset", "evaluation", "prediction", "training", "benchmarks")
    for path in (*PROJECT.glob("*.py"), *(path for room in rooms for path in (PROJECT / room).rglob("*.py"))):
        if path != PROJECT / "utils" / "cli.py":
            assert "ArgumentParser(" not in path.read_text(encoding="utf-8"), path


def test_values_and_files_that_begin_with_a_hyphen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-a.png").touch()
    parser = CommandLine()
    parser.add_argument("--src")
    parser.add_argument("--number", type=int)
    parser.add_argument("--many", nargs="+")
    parser.add_argument("--there", action="store_true")
    parser.add_argument("file", nargs="?")

    def found(*words):
        args = parser.parse_args(words)
        return args.src, args.number, args.many, args.there, args.file
    assert found("--src", "-a.png", "--number", "-3") == ("-a.png", -3, None, False, None)
    assert found("--src", "--src.png", "--there", "-a.png") == ("--src.png", None, None, True, "./-a.png")
    assert found("--many", "-a.png", "b", "--src=-c") == ("-c", None, ["./-a.png", "b"], False, None)
    assert found("--there", "--", "-a.png") == (None, None, None, True, "-a.png")
    for words in (("--src", "--there"), ("--src",), ("--ther",), ("-x",)):
        with pytest.raises(SystemExit):
            found(*words)


def test_a_warning_of_the_project_is_one_line(capsys):
    def main(argv):
        warnings.warn("so it is", RuntimeWarning, stacklevel=1)
        warnings.warn("as Python shows it", UserWarning, stacklevel=1)
    with pytest.raises(SystemExit):
        run_main(main)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "note: so it is" and "UserWarning" in rest[0]


def test_what_is_wrong_on_a_command_line_is_shown_as_it_is(capsys):
    with pytest.raises(SystemExit):
        CommandLine().parse_args(["a\x1b[2J\nb\u202e\udcff"])
    said = capsys.readouterr().err
    assert r"a\x1b[2J\nb\u202e\udcff" in said and said.count("\n") == 1


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_process_without_streams_has_its_exit_code(closed, monkeypatch):
    def main(argv):
        print("said")
        raise UserError("no such file")
    monkeypatch.setattr(sys, closed, None)
    with pytest.raises(SystemExit) as ended:
        run_main(main, [])
    assert ended.value.code == 2


@pytest.mark.parametrize("words, named", [(["--sr", "x", "--bogus"], "--bogus"), (["--sorce", "a\nb"], "'--source'"),
                                          (["--number", "x"], "'x'"), (["--number"], "--number")])
def test_a_wrong_flag_is_one_line(capsys, words, named):
    parser = CommandLine(prog="tool")
    parser.add_argument("--source", "--src")
    parser.add_argument("--number", type=int)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and named in said and said.count("\n") == 1


@pytest.mark.parametrize("words", [["--src", ""], ["--src="], ["", "--src", "a"], ["--src", "a", "b", ""]])
def test_an_empty_argument_is_refused(words, capsys):
    parser = CommandLine()
    parser.add_argument("--src")
    parser.add_argument("more", nargs="*")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert parser.parse_args(["--src", "a=", "b="]).more == ["b="]
