"""Every command explains itself."""
import importlib

import pytest

from bgmatting.commands import COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_is_printed(command, capsys):
    module = importlib.import_module(COMMANDS[command][0])
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0 and "usage: " in capsys.readouterr().out
