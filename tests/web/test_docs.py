"""Commands in docs/faq.md, faq_cn.md and web.md are taken by the parsers of the scripts they name."""
import re
import shlex

import pytest

from bgmatting.commands import predict
from bgmatting.utils.files import PROJECT

PAGES = ("faq.md", "faq_cn.md", "web.md")
def commands(page):
    """Command lines of the blocks of code, without comments."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("page", ("README.md", "README_cn.md", "docs/faq.md", "docs/faq_cn.md", "docs/predict.md",
                                  "docs/predict_cn.md"))
def test_no_command_writes_over_its_input(page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    found = re.findall(r"python predict\.py --src [^`\n#;；，]*", text)
    assert found
    for command in found:
        given = predict.parse(shlex.split(command)[2:])
        assert given.output not in (given.src, given.bgr, given.target_bgr), command


def test_the_table_of_options_is_current():
    from docs.options_table import PAGE, written
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text  # python -m docs.options_table


def test_both_languages_have_the_same_commands():
    names = [[line.split("   ")[0] for line in commands(page)] for page in ("faq.md", "faq_cn.md")]
    assert names[0] == names[1]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (PROJECT / "docs" / link).exists(), link
