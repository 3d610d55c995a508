"""A contact sheet of a set: cut-outs on a checkerboard beside their alphas, or backgrounds, to see with one's eyes."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from bgmatting.dataset.check.report import Split
from bgmatting.media import write_image
from bgmatting.media.operations import blend, fitted
from bgmatting.media.sheet import in_rows, strip
from bgmatting.utils.errors import UserError

CELL = 192      # pixels a side
LABEL = 16      # pixels of height below a cell for the name
SQUARE = 12     # pixels of a checkerboard square
COLUMNS = 6     # items side by side


def write_sheet(path: str | Path, splits: list[Split], count: int = 36) -> None:
    """Write a sheet of about ``count`` readable items, taken at even distances from all splits.

    ``path``: the file to write, PNG or JPEG.
    Raises UserError: nothing can be shown, or the file's type is unknown.
    """
    cells = [cell for split in splits for cell in _cells(split, max(1, count // len(splits)))]
    if not cells:
        raise UserError(f"no item can be read, so there is nothing to show on {path}.")
    write_image(path, in_rows(cells, COLUMNS))


def checkerboard(height: int, width: int) -> np.ndarray:
    """Light and dark gray squares, uint8 RGB (height, width, 3)."""
    rows, columns = np.arange(height) // SQUARE, np.arange(width) // SQUARE
    gray = np.where((rows[:, None] + columns) % 2, 200, 120).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def _cells(split, count):
    for index in np.unique(np.linspace(0, len(split.items) - 1, count).round().astype(int)):
        try:
            item = split.items.load(int(index))
        except UserError:
            continue  # reported as a finding
        yield _labelled(_show(item), f"{split.name} {split.items.names[index]}")


def _show(item):
    if isinstance(item, np.ndarray):
        return _fit(item)
    fgr, pha = fitted(item.fgr, CELL), fitted(item.pha, CELL)
    com = blend(fgr, pha, checkerboard(*pha.shape))
    return np.hstack([_fit(com), _fit(np.repeat(pha[..., None], 3, axis=2))])


def _fit(image):
    image, cell = fitted(image, CELL), np.zeros((CELL, CELL, 3), np.uint8)
    top, left = (CELL - image.shape[0]) // 2, (CELL - image.shape[1]) // 2
    cell[top:top + image.shape[0], left:left + image.shape[1]] = image
    return cell


def _labelled(cell, text):
    width = cell.shape[1]
    return np.vstack([cell, strip(width, LABEL, text[-(width // 7):], 0.35, 220, 0)])
