"""A composed benchmark written to disk, so that other programs can be measured on the very same images.

DIR/{src,bgr,pha,fgr,trimap}/NAME.png and DIR/manifest.json: the protocol, where the images come from, the versions
that made them, and the SHA-256 of every file. The folder appears under its name when it is complete.
"""
from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.evaluation.testset.placement import PLACEMENTS
from bgmatting.evaluation.testset.trimap import TRIMAPS
from bgmatting.media import write_image
from bgmatting.media.files import LARGEST_FILE
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import WholeFolder, file_sha256, write_bytes
from bgmatting.utils.yaml_json import read_json, shown

NAME = "manifest.json"
FORMAT = 1
MOST_BYTES = 1 << 26    # of a manifest: about half a million files
LONGEST_SIDE = 1 << 16  # pixels
KINDS = ("src", "bgr", "pha", "fgr", "trimap")


def export_set(items: Iterable[EvalItem], folder: str | Path, protocol: Any, facts: dict,
               progress: Callable | None = None) -> Path:
    """Write a benchmark.

    Args:
        items: sequence (or iterator) of ``EvalItem``.
        folder: where; made if absent.
        facts: dict of where the images come from (dataset, seed, versions ...), of types that JSON knows.
        progress: None, or called with each item's name once it is written.
    Returns the path of the manifest.
    Raises:
        UserError: the folder holds a benchmark already, or anything else.
        OSError: the disk is full, or the folder cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; name a new folder for the benchmark.")
    with WholeFolder(folder) as part:
        names, sums = _write_items(items, part, progress)
        content = {"format": FORMAT, **facts, "protocol": protocol.facts(), "names": names, "files": sums}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_bytes(part / NAME, text.encode("utf-8", "backslashreplace"))  # as JSON spells what is no text
    return folder / NAME


def _write_items(items, folder, progress):
    """Write the images; returns their names and {relative path: SHA-256}."""
    names, sums = [], {}
    for item in items:
        names.append(item.name)
        images = {**item._asdict(), "trimap": item.given if item.trimap is None else item.trimap}
        for kind in KINDS:
            if images[kind] is not None:
                relative = f"{kind}/{item.name}.png"
                write_image(folder / relative, images[kind])
                sums[relative] = file_sha256(folder / relative)
        if progress:
            progress(item.name)
    return names, sums


def read_manifest(folder: str | Path) -> dict | None:
    """The manifest of a folder as dict, every file in it compared; None where it has none.

    Raises UserError: it is not a manifest, a file is gone, or a file is not the one that was written.
    """
    path = Path(folder) / NAME
    try:
        content = read_json(path, MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    wrong = _what_is_wrong(content)
    if wrong:
        raise UserError(f"{path} is no manifest of a benchmark: {wrong}. Export the set again, or remove the file.")
    for relative, expected in content["files"].items():
        if _sum_of(path.parent / relative) != expected:
            raise UserError(f"{path.parent / relative} is not the file that was exported: its SHA-256 differs from "
                            f"that in {NAME}. Copy or export the set again.")
    return content


def _what_is_wrong(content):
    """The reason why ``content`` is no manifest, for a message; None where it is one."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return f"`format` must be {FORMAT}"
    names, files, protocol = (content.get(key) for key in ("names", "files", "protocol"))
    if not isinstance(names, list) or not names or not all(map(_stays_inside, names)) or len(set(names)) != len(names):
        return "`names` must be a list of different names of images"
    if not isinstance(files, dict):
        return "`files` must hold a SHA-256 for each file"
    for relative, expected in files.items():
        if not _stays_inside(relative):
            return f"{shown(relative)} in `files` leads out of the folder"
        if not isinstance(expected, str) or not re.fullmatch("[0-9a-f]{64}", expected):
            return f"the SHA-256 of {shown(relative)} must be 64 hexadecimal digits"
    if not isinstance(protocol, dict):
        return "`protocol` must hold the protocol's attributes"
    return next((f"{shown(protocol.get(key))} cannot be the `{key}` of its protocol" for key, fits in ATTRIBUTES.items()
                 if not fits(protocol.get(key))), None)


def _stays_inside(relative):
    """Whether a path of a manifest is text that names something below the folder, on any system."""
    return isinstance(relative, str) and bool(relative) and "\0" not in relative and not (
        relative.startswith(("/", "\\")) or re.match("[A-Za-z]:", relative)
        or ".." in re.split(r"[/\\]", relative))


def _sum_of(path):
    """``utils.files.file_sha256``. Raises UserError where the file cannot be read, or is no file of a image's size."""
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_FILE:
            raise UserError(f"{path} is a folder, device or pipe, or larger than any image, and {NAME} lists it. Copy or "
                            "export the set again.")
        return file_sha256(path)
    except FileNotFoundError:
        raise UserError(f"{path} is gone, and {NAME} lists it. Copy or export the set again.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None


def _is_size(value):
    return value in (None, "original") or isinstance(value, list) and len(value) == 2 and all(
        isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= LONGEST_SIDE for side in value)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


# What of the protocol is read, and what it may be; older manifests have fewer attributes.
ATTRIBUTES = {
    "name": lambda value: value is None or isinstance(value, str),
    "trimap": lambda value: isinstance(value, str) and value in TRIMAPS,
    "placement": lambda value: value is None or isinstance(value, str) and value in PLACEMENTS,
    "size": _is_size,
    "disturb": lambda value: value is None or isinstance(value, bool),
    "noise": lambda value: value is None or _is_number(value),
}
