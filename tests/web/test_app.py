"""app.py's command line: one line where it cannot start, and the same app from another entry."""
import socket
import subprocess
import sys

import pytest

from bgmatting.commands import serve as app
from bgmatting.utils.cli import run_main
from bgmatting.utils.files import PROJECT
from bgmatting.web.settings import Settings, settings_of
from tests.web.browser import WATCHED


def refused(capsys, *argv):
    """The line on stderr of an app.py that does not start."""
    with pytest.raises(SystemExit) as ended:
        run_main(app.main, list(argv))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("error: ") and said.count("\n") == 1
    return said


@pytest.mark.parametrize("flag, value", [("--max-pixels", "0"), ("--max-mib", "-1"), ("--queue", "-1"), ("--port", "70000"),
                                         ("--max-seconds", "nan"), ("--upload-seconds", "0")])
def test_numbers_that_make_no_sense(capsys, flag, value):
    assert flag in refused(capsys, flag, value)


def test_a_device_that_is_not_there(capsys):
    assert "gpu:7" in refused(capsys, "--no-page", "--no-browser", "--device", "gpu:7")


def test_without_the_packages_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "fastapi", sys.modules.get("fastapi") or type(sys)("fastapi"))
    said = refused(capsys, "--no-page", "--no-browser")
    assert "pip install -r requirements-web.txt" in said


def test_a_port_that_is_taken(capsys):
    for name in ("fastapi", "uvicorn", "python_multipart"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused(capsys, "--no-page", "--no-browser", "--port", str(port))
        assert f"cannot listen at 127.0.0.1, port {port}" in said


def test_the_token_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MATTING_TOKEN", "word of old")
    assert settings_of(app.parse([])).token == "word of old"
    assert settings_of(app.parse(["--token", "another one"])).token == "another one"
    monkeypatch.setenv("MATTING_TOKEN", "")
    assert settings_of(app.parse([])) == Settings()


def test_another_entry_starts_the_same_app(tmp_path):
    entry = tmp_path / "matting.gradio.py"
    for name in ("app.py",):
        (tmp_path / name).write_text("import sys\ndef main(argv):\n    print(argv)\n")
    (tmp_path / "utils").symlink_to(PROJECT / "utils")
    entry.write_bytes((PROJECT / "docs" / "hosting" / "entry.py").read_bytes())
    done = subprocess.run([sys.executable, str(entry)], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={"PORT": "8080", "PATH": ""})
    assert done.stdout.strip() == "['--host', '0.0.0.0', '--port', '8080', '--no-browser']"


def test_calls_to_the_outside_are_seen_by_the_hook_that_watches_for_them(tmp_path):
    code = WATCHED.partition("from model")[0] + "import socket\ntry: socket.getaddrinfo('no.invalid', 80)\nexcept OSError: 0"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "calls.txt"), ""], check=True)
    assert "no.invalid" in (tmp_path / "calls.txt").read_text()
