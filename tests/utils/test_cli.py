"""Command lines: both spellings of every flag of several words."""
import pytest

from utils.cli import CommandLine
from utils.files import PROJECT


@pytest.mark.parametrize("given", ["--data-root", "--data_root"])
@pytest.mark.parametrize("written", ["--data-root", "--data_root"])
def test_hyphens_or_underscores(given, written):
    parser = CommandLine()
    parser.add_argument("-d", written, type=int)
    parser.add_argument("file_name")
    found = parser.parse_args([given, "3", "a"])
    assert found.data_root == 3 and found.file_name == "a"


def test_every_command_line_is_one():
    for path in PROJECT.rglob("*.py"):
        if path.relative_to(PROJECT).parts[0] != "tests" and path != PROJECT / "utils" / "cli.py":
            assert "ArgumentParser(" not in path.read_text(encoding="utf-8"), path
