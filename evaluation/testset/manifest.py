"""A composed benchmark written to disk, so that other programs can be measured on the very same pictures.

DIR/{src,bgr,pha,fgr,trimap}/NAME.png and DIR/manifest.json: the protocol, where the pictures come from, the versions
that made them, and the SHA-256 of every file. The folder appears under its name when it is complete.
"""
import json
from pathlib import Path

from media import write_image
from utils.errors import UserError
from utils.files import WholeFolder, file_sha256, write_bytes

NAME = "manifest.json"
FORMAT = 1
KINDS = ("src", "bgr", "pha", "fgr", "trimap")


def export_set(items, folder, protocol, facts, progress=None):
    """Write a benchmark.

    Args:
        items: sequence (or iterator) of ``EvalItem``.
        folder: where; made if absent.
        protocol: ``evaluation.protocols.Protocol``.
        facts: dict of where the pictures come from (dataset, seed, versions ...), of types that JSON knows.
        progress: None, or called with each item's name once it is written.

    Returns:
        The path of the manifest.

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
    """Write the pictures; returns their names and {relative path: SHA-256}."""
    names, sums = [], {}
    for item in items:
        names.append(item.name)
        for kind in KINDS:
            if getattr(item, kind) is not None:
                relative = f"{kind}/{item.name}.png"
                write_image(folder / relative, getattr(item, kind))
                sums[relative] = file_sha256(folder / relative)
        if progress:
            progress(item.name)
    return names, sums


def read_manifest(folder):
    """The manifest of a folder as dict, every file in it compared; None where it has none.

    Raises:
        UserError: it is not a manifest, a file is gone, or a file is not the one that was written.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        whole = content["format"] == FORMAT and content["names"] and content["protocol"]["trimap"]
        sums = dict(content["files"])
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise UserError(f"{path} is no manifest of a benchmark. Export the set again, or remove the file.")
    for relative, expected in sums.items():
        if _sum_of(path.parent / relative) != expected:
            raise UserError(f"{path.parent / relative} is not the file that was exported: its SHA-256 differs from "
                            f"that in {NAME}. Copy or export the set again.")
    return content


def _sum_of(path):
    """``utils.files.file_sha256``. Raises UserError where the file cannot be read."""
    try:
        return file_sha256(path)
    except FileNotFoundError:
        raise UserError(f"{path} is gone, and {NAME} lists it. Copy or export the set again.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
