"""stdin and stdout as places of data."""
from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from bgmatting.utils.errors import UserError


@contextmanager
def own_stdout() -> Iterator[BinaryIO]:
    """Give stdout as a binary file, to nobody else: what is printed meanwhile, by libraries too, goes to stderr."""
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):  # a stand-in without a file behind it
        with redirect_stdout(sys.stderr):
            yield sys.__stdout__.buffer
        return
    kept = os.dup(number)
    try:
        os.dup2(sys.stderr.fileno(), number)
        with redirect_stdout(sys.stderr), os.fdopen(kept, "wb", closefd=False) as file:
            yield file
    finally:
        os.dup2(kept, number)
        os.close(kept)


@contextmanager
def spooled(stream: BinaryIO) -> Iterator[str]:
    """Give the path of a temporary file with all that ``stream`` holds. Raises UserError: it holds nothing, or is a
    terminal."""
    if stream.isatty():
        raise UserError("--src - reads a photo or video from stdin, which is this terminal. Pipe one in: < me.jpg.")
    with TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        with open(path, "wb") as file:
            shutil.copyfileobj(stream, file)
        if not path.stat().st_size:
            raise UserError("--src - reads a photo or video from stdin, and nothing came.")
        yield str(path)
