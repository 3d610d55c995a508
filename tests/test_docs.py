"""The documentation says what is so: links, paths, generated pages, figures' places, both languages, and its words."""
import re
import shlex
from pathlib import Path

import pytest

from bgmatting.commands import predict
from bgmatting.utils.files import PROJECT

PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("model/weights/*.md"),
                *PROJECT.glob("tools/**/*.md")])
NEW = [page for page in PAGES if page.name != "CHANGELOG.md" and "tools" not in page.parts]  # whose words are looked at
ENGLISH = [page for page in NEW if not page.name.endswith((".zh.md", "_cn.md"))]
PAIRS = [(PROJECT / "README.md", PROJECT / "README_cn.md"),
         *((page.with_name(page.name.replace(".zh", "")), page) for page in PAGES if page.name.endswith(".zh.md"))]
CHINESE = [chinese for _, chinese in PAIRS]
TOP = ("bgmatting|benchmarks|configs|dataset|docs|evaluation|examples|media|model|notebook|prediction|requirements|tests"
       "|tools|training|utils|web")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`|\$\$.*?\$\$", re.S | re.M)
CJK = r"[\u4e00-\u9fff]"
# Words that mean something else in the field, or nothing, and what is written in their place.
INSTEAD = {r"films?": "video", r"the house": "architecture", r"floors": "layers", r"signs": "characters",
           r"mend(s|ed|ing)?": "fix", r"unless told": "unless given", r"as ever": "as before"}


def name(page):
    return str(page.relative_to(PROJECT)) if isinstance(page, Path) else ""


def blocks(page):
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)).splitlines()


def anchors(page):
    """Anchors of a page's headings, as a Git host makes them."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), link


def test_generated_pages_are_current():
    pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")
    from docs.make_reference import FOLDER, written
    stale = [page for page, text in written().items() if (FOLDER / page).read_text(encoding="utf-8") != text]
    assert not stale, "python -m docs.make_reference"


@pytest.mark.parametrize("page", [page for page in NEW if not page.name.startswith(("coming_from", "MODEL_CARD"))], ids=name)
def test_paths_and_modules_exist(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    for path in re.findall(rf"`((?:{TOP})/[\w./-]*)", text):
        assert "NAME" in path or (PROJECT / path.rstrip(".")).exists(), path
    for module in re.findall(rf"\bbgmatting\.((?:{TOP})[\w.]*)", text):
        place = PROJECT.joinpath(*module.strip(".").split("."))
        assert any(one.exists() for one in (place, place.with_suffix(".py"), place.parent / "__init__.py",
                                            place.parent.with_suffix(".py"))), module


def test_architecture_names_every_part():
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    contract = re.search(r"layers = \[(.*?)\]", (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.S)[1]
    for part in re.findall(r"bgmatting\.(\w+)", contract):
        assert f"`{part}/`" in text or f"bgmatting.{part}" in text, part


def test_readme_is_short():
    lines = (PROJECT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(" ".join(line for line in lines if not line.startswith("|")).split()) <= 700


@pytest.mark.parametrize("page", NEW, ids=name)
def test_no_command_writes_over_its_input(page):
    for command in filter(None, (re.match(r"(?:python predict\.py|bgmatting predict) (.*)", line) for line in blocks(page))):
        given = predict.parse(shlex.split(re.split(r"\s{2,}#", command[1])[0]))
        assert given.output not in (given.src, given.bgr, given.target_bgr), command


@pytest.mark.parametrize("english, chinese", PAIRS, ids=name)
def test_both_languages_have_the_same_commands(english, chinese):
    left, right = ([re.split(r"\s{2,}#|\s{3,}", line)[0] for line in blocks(page)] for page in (english, chinese))
    assert [line.replace("<this repository>", "X") for line in left] == [line.replace("<本仓库地址>", "X") for line in right]


@pytest.mark.parametrize("page", ENGLISH, ids=name)
def test_words_are_those_of_the_field(page):
    text = CODE.sub(" ", page.read_text(encoding="utf-8"))
    for word, better in INSTEAD.items():
        found = re.search(rf"\b{word}\b", text, re.I)
        assert not found, f"{found[0]}: write {better}"


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_chinese_has_its_own_punctuation(page):
    text = re.sub(r"\]\([^)]*\)", "]", CODE.sub("码", page.read_text(encoding="utf-8")))
    assert not re.search(rf"{CJK}[,;:?!()]|[,;?!]{CJK}|\({CJK}", text), page
    for word, better in {"背景照片": "背景图", "逐数对齐": "数值一致", "底板": "背景图"}.items():
        assert word not in text, better
