"""What a person sees: the nearest right name, one line on stderr, and an exit code."""
import errno

import pytest

from bgmatting.utils.cli import run_main
from bgmatting.utils.errors import UserError, suggest


def end(main, capsys):
    with pytest.raises(SystemExit) as ended:
        run_main(main, [])
    return ended.value.code, capsys.readouterr().err


def raising(error):
    def main(argv):
        raise error
    return main


def test_suggest_the_nearest_else_the_list():
    assert suggest("phaa", ["pha", "fgr"]) == " Did you mean 'pha'?"
    assert suggest("xyz", ["pha", "fgr"]) == " Known: pha, fgr."
    assert suggest("xyz", []) == ""
    assert suggest(5, ["train"]) == " Known: train."


def test_success_and_own_codes(capsys):
    assert end(lambda argv: None, capsys) == (0, "")
    assert end(lambda argv: 3, capsys) == (3, "")


def test_user_error_is_one_line_and_code_2(capsys):
    assert end(raising(UserError("no such image: a.jpg.")), capsys) == (2, "error: no such image: a.jpg.\n")


def test_full_disk_names_the_file(capsys):
    code, said = end(raising(OSError(errno.ENOSPC, "No space left on device", "out/a.png")), capsys)
    assert code == 2 and "out/a.png" in said and said.count("\n") == 1


def test_stopping_by_hand(capsys):
    assert end(raising(KeyboardInterrupt()), capsys) == (130, "stopped.\n")


def test_faults_of_the_program_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_main(raising(ZeroDivisionError()))
    with pytest.raises(PermissionError):
        run_main(raising(PermissionError(errno.EACCES, "denied")))


def test_places_that_cannot_be_used_are_one_line(capsys):
    code, said = end(raising(PermissionError(errno.EACCES, "Permission denied", "a\n\x1b/b")), capsys)
    assert code == 2 and said == "error: a\\n\\x1b/b: Permission denied. Look at its permissions, or name another place.\n"
    code, said = end(raising(FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/x']")), capsys)
    assert code == 2 and "TMPDIR" in said and said.count("\n") == 1


def test_nothing_that_a_terminal_obeys_is_printed(capsys):
    def main(argv):
        print("a\x1b[2Jb\u202ec\udcff\r\nd")
    with pytest.raises(SystemExit):
        run_main(main)
    assert capsys.readouterr().out == "a\\x1b[2Jb\\u202ec\\udcff\r\nd\n"
