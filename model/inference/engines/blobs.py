"""The graphs that OpenVINO keeps compiled: told apart by SHA-256 from what is damaged, which it would load as it is."""
from __future__ import annotations

import json
import os
from pathlib import Path

from bgmatting.utils.files import file_sha256, write_bytes

SUMS = "blobs.json"  # {name: SHA-256} of the compiled graphs of a folder


def sound_blobs(folder: str | os.PathLike) -> None:
    """Remove compiled graphs of a folder that are not what ``note_blobs`` saw; they are compiled once more then.

    Raises:
        OSError: one cannot be removed.
    """
    sums = _stated(folder)
    for path in _blobs(folder):
        if sums.get(path.name) != file_sha256(path):
            path.unlink(missing_ok=True)


def note_blobs(folder: str | os.PathLike) -> None:
    """Write down the compiled graphs of a folder. Where that cannot be done, they are compiled once more next time."""
    try:
        write_bytes(Path(folder, SUMS), json.dumps({path.name: file_sha256(path) for path in _blobs(folder)}).encode())
    except OSError:
        pass


def _stated(folder):
    try:
        sums = json.loads(Path(folder, SUMS).read_text())
    except (OSError, ValueError):
        return {}
    return sums if isinstance(sums, dict) else {}


def _blobs(folder):
    return list(Path(folder).glob("*.blob"))
