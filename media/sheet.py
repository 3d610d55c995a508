"""Sheets of images for the eye: letters, strips that carry them, and cells laid out in rows."""
from __future__ import annotations

import cv2
import numpy as np

PLAIN, BOLD = cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX
CAPITAL = 21           # pixels of height at scale 1
INK = (28, 30, 33)
FINE = 4               # fine letters are drawn so many times larger and reduced, which makes them smooth


def drawable(text: str) -> str:
    """``text`` with a '?' for every letter that cannot be drawn: OpenCV's fonts are ASCII."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text.replace("×", "x"))


def write_text(image: np.ndarray, text: str, place: tuple[int, int], scale: float, ink: int | tuple[int, int, int],
               thickness: int = 1) -> None:
    """Write ``text`` into uint8 ``image``, quickly, its foot at ``place`` (x, y) in pixels; ``scale`` is OpenCV's."""
    cv2.putText(image, drawable(text), place, PLAIN, scale, ink, thickness, cv2.LINE_AA)


def write_fine_text(image: np.ndarray, text: str, x: float, y: float, size: float = 18, ink: tuple[int, int, int] = INK,
                    align: str = "left", bold: bool = False) -> float:
    """Write ``text`` into uint8 RGB ``image`` smoothly, its foot at (x, y), x at its 'left', 'right' or 'middle';
    ``size``: pixels of a capital letter with its foot, about. Returns its width in pixels."""
    text = drawable(text)
    font, scale, thickness = BOLD if bold else PLAIN, size * FINE / 30, round(FINE * size / 18 * (1.6 if bold else 1.0))
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    mask = np.zeros((height + below + 4 * FINE, width + 4 * FINE), np.uint8)
    cv2.putText(mask, text, (2 * FINE, height + 2 * FINE), font, scale, 255, thickness, cv2.LINE_AA)
    mask = cv2.resize(mask, (max(1, mask.shape[1] // FINE), max(1, mask.shape[0] // FINE)), interpolation=cv2.INTER_AREA)
    left = int(round(x - {"left": 0, "middle": width / FINE / 2, "right": width / FINE}[align]))
    top = int(round(y - height / FINE - 2))
    inner = mask[max(0, -top):image.shape[0] - top, max(0, -left):image.shape[1] - left]
    top, left = max(0, top), max(0, left)
    box = image[top:top + inner.shape[0], left:left + inner.shape[1]]
    share = inner[..., None] / 255.0
    box[:] = np.rint(box * (1 - share) + np.array(ink) * share).astype(np.uint8)
    return width / FINE


def strip(width: int, height: int, text: str, scale: float, ink: int, paper: int) -> np.ndarray:
    """A line of text, uint8 RGB (height, width, 3) of gray ``ink`` on gray ``paper``; what is too long is cut off."""
    image = np.full((height, width, 3), paper, np.uint8)
    write_text(image, text, (2, int((height + CAPITAL * scale) / 2)), scale, (ink,) * 3)
    return image


def in_rows(cells: list[np.ndarray], columns: int) -> np.ndarray:
    """Cells of one size side by side, at most ``columns`` in a row; what is left of the last row is black."""
    columns = min(columns, len(cells))
    cells = [*cells, *[np.zeros_like(cells[0])] * (-len(cells) % columns)]
    return np.vstack([np.hstack(cells[at:at + columns]) for at in range(0, len(cells), columns)])
