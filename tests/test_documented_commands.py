"""Every command line in README, the documents and the scripts' own help is taken by the parser of the command it names."""
import importlib
import re
import shlex

import cv2
import numpy as np
import pytest

from bgmatting.commands import COMMANDS
from bgmatting.utils.cli import CommandLine
from bgmatting.utils.files import PROJECT

PATTERNS = ("*.md", "docs/**/*.md", "model/**/*.md", "tools/**/*.md", "*.sh", "notebook/*.ipynb", "bgmatting/**/*.py")
PAGES = sorted({page for pattern in PATTERNS for page in PROJECT.glob(pattern)} - {PROJECT / "CHANGELOG.md"})
SCRIPTS = {"app": "serve", **{name: name for name in ("predict", "eval", "train", "val", "export", "benchmark")}}
LINE = re.compile(r"^\W*(?:/usr/bin/time -v )?(?:python3? (?:-m bgmatting )?|bgmatting )"
                  r"(?P<word>[a-z]+)(?P<script>\.py)?(?P<rest> .*)?$")
COMMENT = re.compile(r"\s+#.*|\s*\\$|\s+(?:\||>|&&|&|;).*|\\n.*|[,.)\"]+$")
OUTLINE = re.compile(r"\.\.\.|…|[\[{$%<`]|\b[A-Z]\b|\bFLAGS\b")   # of a command, where places are to be filled in


class Parsed(BaseException):
    """The words were taken."""


def lines_of(page):
    """Lines that may be commands: those of code, in Markdown also code inside a sentence."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".md":
        return [line.strip() for line in text.splitlines()]
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.S | re.M)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))
    code = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    indented = [line for line in text.splitlines() if line.startswith("    ")]
    return code + indented + [" ".join(span.split()) for span in spans]


def found():
    """{(command, words): page}, each once."""
    commands = {}
    for page in PAGES:
        for match in filter(None, map(LINE.match, lines_of(page))):
            command = SCRIPTS.get(match["word"]) if match["script"] else match["word"]
            rest = COMMENT.sub("", match["rest"] or "").strip()
            if command in COMMANDS and not OUTLINE.search(rest) and not re.fullmatch(r"[a-z]*", rest):
                commands.setdefault((command, rest), page.relative_to(PROJECT))
    return commands


FOUND = found()


def test_there_are_commands_of_every_kind():
    assert len(FOUND) > 60
    assert set(SCRIPTS.values()) <= {command for command, _ in FOUND}


@pytest.mark.parametrize("command, rest", sorted(FOUND), ids=lambda word: word.replace("/", " "))
def test_it_is_taken(command, rest, monkeypatch, capsys):
    real = CommandLine.parse_known_args

    def parse(self, args=None, namespace=None):
        answer = real(self, args, namespace)
        if not answer[1]:
            raise Parsed
        return answer

    if rest == "--help":
        return
    monkeypatch.setattr(CommandLine, "parse_known_args", parse)
    module = importlib.import_module(COMMANDS[command][0])
    try:
        with pytest.raises(Parsed):
            module.main(shlex.split(rest))
    except SystemExit as end:
        raise AssertionError(f"{FOUND[command, rest]}: {command} {rest}: {capsys.readouterr().err}") from end


UNQUICK = re.compile(r"clip|camera|first:|weights|trimap|device|config|--pair|--sheet|\.py")
QUICK = sorted((command, rest) for command, rest in FOUND if command == "predict" and "room" in rest
               and not UNQUICK.search(rest) and FOUND[command, rest].parts[:2] in (("README.md",), ("docs", "tutorial")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the photos that the documents name, small."""
    made = tmp_path_factory.mktemp("documented")
    scene = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (96, 128, 3), np.uint8), (0, 0), 3)
    photo = cv2.circle(scene.copy(), (64, 48), 25, (30, 40, 220), -1)
    (made / "photos").mkdir(), (made / "rooms").mkdir()
    for path, image in (("me.jpg", photo), ("room.jpg", scene), ("beach.jpg", scene[:, ::-1]), ("photos/a.jpg", photo),
                        ("rooms/a.jpg", scene)):
        cv2.imwrite(str(made / path), image)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("command, rest", QUICK, ids=lambda word: word.replace("/", " "))
def test_quick_ones_run(command, rest, folder, monkeypatch):
    assert len(QUICK) > 4
    monkeypatch.chdir(folder)
    assert importlib.import_module(COMMANDS[command][0]).main([*shlex.split(rest), "--overwrite"]) == 0
