"""Writes the table of options into docs/predict.md: ``python -m docs.options_table``."""
from __future__ import annotations

from bgmatting.prediction.options import FORM, KINDS, OPTIONS, flag_of, plural
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.files import PROJECT

PAGE = PROJECT / "docs" / "predict.md"
BEGIN, END = "<!-- options: python -m docs.options_table -->\n", "<!-- end of options -->\n"


def table() -> str:
    """The table in Markdown."""
    rows = ["| flag | meaning | default | for | form field |", "| --- | --- | --- | --- | --- |"]
    forms = {name: form for form, name in FORM.items()}
    for name, about in OPTIONS.items():
        flags = ", ".join(f"`{flag}`" for flag in (flag_of(name), *about.flags))
        form = f"`{forms[name]}`" if name in forms else ""
        kinds = "" if about.kinds == KINDS else plural(about.kinds)
        rows.append(f"| {flags} | {about.help} | {about.default} | {kinds} | {form} |")
    return "\n".join(rows) + "\n"


def written(text: str) -> str:
    """``text`` of the page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def main(argv=None):
    CommandLine(description=__doc__).parse_args(argv)
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("wrote", PAGE)


if __name__ == "__main__":
    run_main(main)
