"""Exported graphs on disk: made once for a weights file, kept in the user's cache, with an answer to check engines by.

A folder holds each of ``engines.graphs.Graphs`` as .onnx or as Paddle's files; check.npz: a small input and what the layers
themselves answer to it; and the SHA-256 of each. It is its user's alone. One that is not, or whose files are not what was
written, is made anew.
"""
from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bgmatting.model.inference.engines.base import EngineError
from bgmatting.utils.files import create_hidden, file_sha256, remove_leftovers

VERSION = 3  # of the graphs; another one makes them anew
SUMS = "sums.json"  # {name: SHA-256} of the other files
_EXPORTING = threading.Lock()  # paddle's tracer and the standard streams, silent meanwhile, belong to the process


def cache_folder() -> Path:
    """Return where exported graphs are kept: $MATTING_CACHE, else background-matting in the user's cache folder."""
    named = os.environ.get("MATTING_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "background-matting"


def exported_graphs(kind: str, sha256: str, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Path:
    """The folder of a weights file's graphs, made if it is not there yet.

    Args:
        kind: "onnx" or "paddle".
        sha256: of the weights file. described, arrays: as for ``engines.graphs.network_of``.

    Raises EngineError: a package for the export is missing, or the export fails.
    """
    folder = cache_folder() / f"{sha256[:16]}-{kind}-{VERSION}"
    with _EXPORTING:
        if not _complete(folder):
            _fill(folder, kind, described, arrays)
    return folder


def _fill(folder, kind, described, arrays):
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_leftovers([folder])
        made, _ = create_hidden(folder, partial(os.mkdir, mode=0o700))  # for this user alone
    except OSError as error:
        raise EngineError(f"no exported graphs can be kept in {folder.parent}: {error.strerror}") from None
    try:
        _export(kind, made, described, arrays)
        (made / SUMS).write_text(json.dumps({path.name: file_sha256(path) for path in made.iterdir()}))
        if not _complete(folder):  # another process may have been faster
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(made, folder)  # whole or not at all
    except OSError as error:
        if not _complete(folder):
            raise EngineError(f"exported graphs cannot be written to {folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _complete(folder):
    """Whether a folder is this user's alone, and its files are what was written: a graph is a program."""
    try:
        facts = folder.stat()
        if hasattr(os, "getuid") and (facts.st_uid != os.getuid() or facts.st_mode & 0o077):
            return False
        sums = json.loads((folder / SUMS).read_text())
        return "check.npz" in sums and all(file_sha256(folder / name) == wanted for name, wanted in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def stored_answers(folder: Path) -> dict[str, np.ndarray]:
    """Answers of the layers when the graphs of ``folder`` were exported, for ``base.check_engine``."""
    with np.load(folder / "check.npz") as stored:
        return dict(stored)


def _export(kind, folder, described, arrays):
    from bgmatting.utils.cpu import prepare_cpu
    prepare_cpu()
    from bgmatting.model.inference.engines.graphs import Graphs, network_of
    from bgmatting.model.inference.engines.onnx_export import save_graph
    graphs = Graphs(described, network_of(described, arrays))
    np.savez(folder / "check.npz", **graphs.answers())
    for name, layer in graphs.layers.items():
        save_graph(layer, graphs.specs(name), folder / name, kind)
