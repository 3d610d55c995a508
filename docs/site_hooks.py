"""Hooks of mkdocs: where docstrings are read, and what becomes of links to files that are no pages.

The parts of the package stand at the top of a checkout; griffe, which reads docstrings without importing, looks for them
inside ``bgmatting``. It is shown a copy in which they are.
"""
from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from mkdocs.plugins import event_priority

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("dataset", "evaluation", "media", "model", "prediction", "training", "utils")
LANGUAGES = re.compile(r"^\[(?:中文|English)\]\([^)]*\)$", re.M)  # the site has a switch
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(((?:\.\./)+[^)#]*)(?:#[^)]*)?\)")


@event_priority(100)  # before mkdocstrings reads the paths
def on_config(config):
    """Lay the package out as it is when installed."""
    place = Path(tempfile.mkdtemp(prefix="bgmatting-docs-"))
    only_python = shutil.ignore_patterns("*.safetensors", "*.jpg", "__pycache__")
    shutil.copytree(PROJECT / "bgmatting", place / "bgmatting", ignore=only_python)
    for part in PARTS:
        shutil.copytree(PROJECT / part, place / "bgmatting" / part, ignore=only_python)
    config.plugins["mkdocstrings"].config["handlers"]["python"]["paths"] = [str(place)]
    config["copied_package"] = place
    return config


def on_page_markdown(markdown, page, config, files):
    """Name files outside docs/ where a page links to them: the site does not hold them. All languages share names."""
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def named(found):
        target = Path(os.path.normpath(folder / found[2]))
        if target.suffix == ".md" and target.is_relative_to(config.docs_dir) and target.parent.name != "hosting":
            return found[0]
        return f"{found[1]} (`{os.path.relpath(target, PROJECT)}`)"
    return LINK.sub(named, LANGUAGES.sub("", markdown)).replace(".zh.md", ".md")


def on_post_build(config):
    """Remove the copy."""
    shutil.rmtree(config["copied_package"])
