"""A contact sheet of a set: cut-outs on a checkerboard beside their alphas, or backgrounds, to see with one's eyes."""
import cv2
import numpy as np

from dataset.composite import blend
from media import write_image
from utils.errors import UserError

CELL = 192      # pixels a side
LABEL = 16      # pixels of height below a cell for the name
SQUARE = 12     # pixels of a checkerboard square
COLUMNS = 6     # items side by side


def write_sheet(path, splits, count=36):
    """Write a sheet of about ``count`` readable items, taken at even distances from all splits.

    Args:
        path: the file to write, PNG or JPEG.
        splits: ``dataset.check.report.Split`` objects.
    Raises:
        UserError: nothing can be shown, or the file's type is unknown.
    """
    cells = [cell for split in splits for cell in _cells(split, max(1, count // len(splits)))]
    if not cells:
        raise UserError(f"no item can be read, so there is nothing to show on {path}.")
    cells += [np.zeros_like(cells[0])] * (-len(cells) % min(COLUMNS, len(cells)))
    columns = min(COLUMNS, len(cells))
    write_image(path, np.vstack([np.hstack(cells[at:at + columns]) for at in range(0, len(cells), columns)]))


def checkerboard(height, width):
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
    fgr, pha = _shrink(item.fgr), _shrink(item.pha)
    com = blend(fgr, pha, checkerboard(*pha.shape))
    return np.hstack([_fit(com), _fit(np.repeat(pha[..., None], 3, axis=2))])


def _shrink(image):
    scale = CELL / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _fit(image):
    image, cell = _shrink(image), np.zeros((CELL, CELL, 3), np.uint8)
    top, left = (CELL - image.shape[0]) // 2, (CELL - image.shape[1]) // 2
    cell[top:top + image.shape[0], left:left + image.shape[1]] = image
    return cell


def _labelled(cell, text):
    label = np.zeros((LABEL, cell.shape[1], 3), np.uint8)
    text = text.encode("ascii", "replace").decode()[-(cell.shape[1] // 7):]
    cv2.putText(label, text, (2, LABEL - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (220, 220, 220), 1, cv2.LINE_AA)
    return np.vstack([cell, label])
