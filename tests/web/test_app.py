"""app.py's command line: one line where it cannot start, and the same app from another entry."""
import socket
import subprocess
import sys

import pytest

from bgmatting.commands import serve as app
from bgmatting.utils.cli import run_main
from bgmatting.utils.files import PROJECT
from bgmatting.web.settings import Settings, settings_of
from tests.prediction.weights import write_weights
from tests.web.browser import WATCHED


@pytest.mark.parametrize("flags, named", [
    *((flags, flags.split()[0]) for flags in ("--max-pixels 0", "--max-mib -1", "--queue -1", "--port 70000",
                                              "--max-seconds nan", "--upload-seconds 0")),
    ("--no-page --weights {folder}/modnet.safetensors", "modnet.safetensors"),
    ("--no-page --weights {folder}/dim.safetensors", "dim.safetensors"),
    ("--no-page --weights {folder}/none.safetensors", "none.safetensors"),
    ("--no-page --device gpu:7", "gpu:7"), ("--no-page --port {taken}", "{taken}"), ("--no-page", "requirements-web.txt")])
def test_what_cannot_start_is_one_line(capsys, monkeypatch, tmp_path, flags, named):
    for name in ("fastapi", "uvicorn", "python_multipart"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    if "taken" not in flags:
        monkeypatch.setattr(app, "run", lambda *_: None)  # or what is not refused would serve
    for kind in ("modnet", "dim"):
        write_weights(tmp_path / f"{kind}.safetensors", kind)
    if "requirements" in named:
        monkeypatch.setitem(sys.modules, "uvicorn", None)
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(SystemExit) as ended:
        taken = str(other.getsockname()[1])
        run_main(app.main, ["--no-browser", *flags.format(taken=taken, folder=tmp_path).split()])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("error: ") and said.count("\n") == 1
    assert named.format(taken=taken) in said


@pytest.mark.parametrize("flags", ["--max-memory -1", "--precision int4", "--backbone-scale 0", "--refine-mode some"])
def test_a_network_that_cannot_be_opened_ends_the_server(tmp_path, flags):
    for name in ("fastapi", "uvicorn", "python_multipart"):
        pytest.importorskip(name, reason=f"requirements-web.txt is not installed ({name} is missing)")
    command = [sys.executable, str(PROJECT / "app.py"), "--no-browser", "--no-page", "--port", "0", *flags.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_the_token_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MATTING_TOKEN", "word of old")
    assert settings_of(app.parse([])).token == "word of old"
    assert settings_of(app.parse(["--token", "another one"])).token == "another one"
    monkeypatch.setenv("MATTING_TOKEN", "")
    assert settings_of(app.parse([])) == Settings()


def test_another_entry_starts_the_same_app(tmp_path):
    entry = tmp_path / "matting.gradio.py"
    (tmp_path / "app.py").touch()
    (tmp_path / "bgmatting" / "commands").mkdir(parents=True)
    (tmp_path / "bgmatting" / "commands" / "serve.py").write_text("def main(argv):\n    print(argv)\n")
    (tmp_path / "bgmatting" / "utils").symlink_to(PROJECT / "utils")
    entry.write_bytes((PROJECT / "docs" / "hosting" / "entry.py").read_bytes())
    done = subprocess.run([sys.executable, str(entry)], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={"PORT": "8080", "PATH": ""})
    assert done.stdout.strip() == "['--host', '0.0.0.0', '--port', '8080', '--no-browser']"


def test_calls_to_the_outside_are_seen_by_the_hook_that_watches_for_them(tmp_path):
    code = WATCHED.partition("from bgmatting")[0] \
        + "import socket\ntry: socket.getaddrinfo('no.invalid', 80)\nexcept OSError: 0"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "calls.txt"), ""], check=True)
    assert "no.invalid" in (tmp_path / "calls.txt").read_text()
