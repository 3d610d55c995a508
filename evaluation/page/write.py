"""Writes index.html and sheet.png from the results.json of one evaluation, or of several on the same images."""
from __future__ import annotations

import os
from pathlib import Path

import cv2

from bgmatting.evaluation.page.document import render
from bgmatting.evaluation.page.load import read_results
from bgmatting.evaluation.page.sheet import draw_sheet, encode
from bgmatting.media import write_bytes
from bgmatting.utils.errors import UserError, no_space, without_bidi


def write_page(folder: str | Path, *others: str | Path, output: str | Path | None = None) -> list[Path]:
    """Write OUTPUT/index.html, one file that needs no other and no network, and OUTPUT/sheet.png.

    Args:
        folder: output folder of ``eval.py``, with its results.json.
        others: more such folders, evaluated on the same images, to compare with the first.
        output: where to write; default: ``folder``, or for several a folder named 'compare' beside the first.
    Returns paths of index.html and sheet.png.
    Raises UserError: a results.json is missing or is none, the folders' images differ in name, or the output cannot be
        written.
    """
    results = read_results([folder, *others])
    if output is None:
        output = Path(folder).resolve().parent / "compare" if others else folder
    page, picture = Path(output) / "index.html", Path(output) / "sheet.png"
    try:
        write_bytes(page, without_bidi(render(results)).encode("utf-8"))
        write_bytes(picture, encode(draw_sheet(results)))
    except (OSError, cv2.error) as error:
        if not isinstance(error, OSError) or no_space(error):
            raise
        raise UserError(f"cannot write into {os.fspath(output)}: {error.strerror}. Name another folder.") from None
    return page, picture
