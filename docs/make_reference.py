"""Writes the generated pages of docs/reference: ``python -m docs.make_reference``.

Options come from ``prediction.options``, keys from configs/default.yml and ``training.config.rules``, the HTTP API from its
OpenAPI description, Python names from the docstrings. Other pages only have their marked lists renewed.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping

from bgmatting.commands import COMMANDS
from bgmatting.media.files import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from bgmatting.media.unsupported import RAW_SUFFIXES
from bgmatting.model.weights.files import WEIGHTS_SUFFIXES
from bgmatting.model.weights.metadata import ORIGIN, SETTINGS
from bgmatting.prediction.options import FORM, KINDS, OPTIONS, flag_of, plural
from bgmatting.training.config.rules import MANY, RULES, Rule
from bgmatting.utils.cli import CommandLine, run_main
from bgmatting.utils.files import PROJECT

FOLDER = PROJECT / "docs" / "reference"
NOTE = "<!-- Written by python -m docs.make_reference; change the code it describes instead. -->\n\n"
PUBLIC = {
    "Mattes": ("model.inference.matter.Matter", "model.inference.matte.Matte", "utils.errors.UserError"),
    "From files to files": ("prediction.core.matte", "prediction.core.matte_photo", "prediction.core.matte_photos",
                            "prediction.core.matte_video", "prediction.core.matte_camera", "prediction.options.Options",
                            "prediction.report.Report"),
    "Networks": ("model.matting.MattingBase", "model.matting.MattingRefine", "model.modnet.network.MODNet",
                 "model.dim.network.DIM"),
    "Weights": ("model.weights.loading.load_weights", "model.weights.loading.load_torch_state",
                "model.weights.paddleseg.load_paddleseg_state", "model.weights.files.read_weights",
                "model.weights.files.save_weights"),
    "Losses": ("model.losses.base_loss", "model.losses.refine_loss"),
    "Metrics": ("evaluation.metrics.alpha.sad", "evaluation.metrics.alpha.mse", "evaluation.metrics.gradient.grad",
                "evaluation.metrics.connectivity.conn"),
}


def table(head: str, rows: list[tuple]) -> str:
    """A table in Markdown. head: titles of the columns, divided by "|"; cells are escaped."""
    lines = [f"| {head} |", "|" + " --- |" * (head.count("|") + 1)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def options() -> str:
    """The page of commands and of predict.py's options."""
    forms = {name: form for form, name in FORM.items()}
    rows = [(", ".join(f"`{flag}`" for flag in (flag_of(name), *about.flags)), about.help, about.default,
             "" if about.kinds == KINDS else plural(about.kinds), f"`{forms[name]}`" if name in forms else "")
            for name, about in OPTIONS.items()]
    commands = [(f"`bgmatting {name}`", about) for name, (_, about) in COMMANDS.items()]
    return ("# Commands and options\n\n" + NOTE + table("command | what it does", commands)
            + "\n`python -m bgmatting COMMAND` is the same in a checkout, and `--help` lists each command's flags.\n\n"
            "## predict.py\n\nThe flags are keyword arguments in Python and form fields over HTTP, too. An option that "
            "does not apply to a kind of\nsource is refused. Case, hyphens and underscores do not matter.\n\n"
            + table("flag | meaning | default | for | form field", rows))


def configuration() -> str:
    """The page of configuration keys: default.yml with its comments, and what the rules allow."""
    parts = ["# Configuration keys\n\n" + NOTE + "A stage's file and `train.py`'s flags override these defaults; "
             "`_base_: FILE` builds on another file.\n"]
    rows, above, heading = [], [], True
    for line in (PROJECT / "configs" / "default.yml").read_text(encoding="utf-8").splitlines()[1:]:
        comment = re.fullmatch(r"(\s*)# (.*)", line)
        found = re.fullmatch(r"( *)([a-z_]+):\s*((?:[^#{\[]|\{.*?\}|\[.*?\])*?)\s*(?:# (.*))?", line)
        if not line.strip():
            heading = True
        elif comment and comment[1]:
            rows[-1][3] += " " + comment[2]
        elif comment and heading:
            parts += _keys(rows)
            title, _, rest = comment[2].partition(": " if ": " in comment[2] else ". ")
            rest = f"{rest[:1].upper()}{rest[1:].rstrip('.')}.\n\n" if rest else ""
            parts.append(f"\n## {title.rstrip('.')}\n\n{rest}")
            rows, heading = [], False
        elif comment:
            if rows and rows[-1] is not None and not isinstance(rows[-1], str):
                parts += _keys(rows)
                rows = []
            parts.append(("" if parts[-1].endswith(" ") else "\n") + comment[2] + " ")
        elif found:
            above[len(found[1]) // 2:] = [found[2]]
            if parts[-1].endswith(" "):
                parts.append("\n\n")
            rows.append([".".join(above), found[3], _allowed(above), found[4] or ""])
    return "".join(parts + _keys(rows))


def _keys(rows: list[list]) -> list[str]:
    return [table("key | default | allowed | meaning",
                  [(f"`{key}`", f"`{value}`" if value else "", allowed, meaning) for key, value, allowed, meaning in rows])
            ] if rows else []


def _allowed(path: list[str]) -> str:
    rule = RULES
    for name in path:
        rule = rule[name]
    if isinstance(rule, Rule):
        return rule.allowed.replace(f" to {MANY}", " up")
    return "; ".join(f"{name}: {one.allowed}" for name, one in rule.items()) if all(
        isinstance(one, Rule) for one in rule.values()) and len(rule) < 4 else ""


def http() -> str:
    """The page of routes, fields and codes, from the server's OpenAPI description."""
    from bgmatting.web.refusals import CODES
    from bgmatting.web.server import make_app
    from bgmatting.web.settings import Settings
    described = make_app(Settings(), lambda: None)._app.openapi()
    parts = ["# HTTP API\n\n" + NOTE + "A running server describes itself at `/openapi.json` for programs and at `/docs` "
             "for people.\n[The page and the HTTP API](../howto/web.md) shows calls.\n"]
    for path, methods in described["paths"].items():
        for method, facts in methods.items():
            form = facts.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {})
            fields = [(f"`{name}`{' (required)' if name in form.get('required', ()) else ''}", _kind(field),
                       field.get("description", "")) for name, field in form.get("properties", {}).items()]
            answers = [(status, said["description"]) for status, said in facts["responses"].items() if str(status) != "422"]
            parts += [f"\n## {method.upper()} `{path}`\n\n{facts.get('description', facts.get('summary', ''))}\n\n",
                      table("field | type | meaning", fields) + "\n" if fields else "", table("status | answer", answers)]
    codes = [(status, f"`{code}`") for status, code in CODES.items()]
    return "".join([*parts, '\n## Errors\n\n`{"error": {"status": 400, "code": "bad_input", "message": "..."}}`; the '
                    "message is that of the command line,\n"
                    "with fields in place of flags and without paths of the server.\n\n",
                    table("status | code", codes)])


def _kind(field: Mapping) -> str:
    if "oneOf" in field:
        return " or ".join(_kind(one) for one in field["oneOf"])
    if field.get("type") == "array":
        return "repeated: " + _kind(field["items"])
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    return "file" if field.get("format") == "binary" else field["type"]


def python() -> str:
    """The page of public names: a table with their first sentences, and mkdocstrings' directives for the site."""
    parts = ["# Python API\n\n" + NOTE + "These names are stable. `Matter`, `Matte` and `UserError` are also imported from "
             "`bgmatting` itself, networks from\n`bgmatting.model`, weights from `bgmatting.model.weights`, metrics from "
             "`bgmatting.evaluation.metrics`. The site\nrenders signatures and docstrings below each table; "
             "`help()` shows them, too.\n"]
    for title, names in PUBLIC.items():
        rows = [(f"`bgmatting.{name}`", _summary(name)) for name in names]
        parts += [f"\n## {title}\n\n", table("name | what it is", rows), *(f"\n::: bgmatting.{name}\n" for name in names)]
    return "".join(parts)


def _summary(name: str) -> str:
    """The first sentence of the docstring of a name, read without importing it."""
    module, _, own = name.rpartition(".")
    path = PROJECT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    node = next(node for node in nodes if getattr(node, "name", None) == own)
    return re.split(r"(?<=\.)\s|\n\n", ast.get_docstring(node) or "")[0].replace("\n", " ")


def _listed(words: tuple) -> str:
    return ", ".join(f"`{word}`" for word in words) + "\n"


LISTS: dict[str, Callable[[], str]] = {
    "suffixes of photos": lambda: _listed(PHOTO_SUFFIXES), "suffixes of videos": lambda: _listed(VIDEO_SUFFIXES),
    "suffixes of raw photos": lambda: _listed(RAW_SUFFIXES), "suffixes of weights": lambda: _listed(WEIGHTS_SUFFIXES),
    "keys of the header": lambda: _listed(("method", "backbone", *SETTINGS, *ORIGIN))}
PAGES = {"options.md": options, "configuration.md": configuration, "http.md": http, "python.md": python}


def with_lists(text: str) -> str:
    """``text`` of a page with what stands after each ``<!-- list: NAME -->`` as it is now."""
    return re.sub(r"<!-- list: (.*?) -->\n.*\n", lambda found: f"<!-- list: {found[1]} -->\n{LISTS[found[1]]()}", text)


def written() -> dict[str, str]:
    """{name of a page in docs/reference: its text as it should be}."""
    rest = {path.name: with_lists(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.md")}
    return {**rest, **{name: page() for name, page in PAGES.items()}}


def main(argv: list[str] | None = None) -> None:
    CommandLine(description=__doc__).parse_args(argv)
    for name, text in written().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print("wrote", FOLDER)


if __name__ == "__main__":
    run_main(main)
