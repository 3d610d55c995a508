"""A sheet of results: one row per photo, src, bgr or trimap, pha, and the subject before another background."""
from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np

from bgmatting.media import write_image
from bgmatting.media.sheet import strip
from bgmatting.prediction.inputs import inputs_of
from bgmatting.prediction.options import Options
from bgmatting.prediction.output_paths import check_free, folder_of
from bgmatting.prediction.rendering import rendered
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_place, inside

HEIGHT = 300              # pixels of a panel
WIDEST = 6                # times as wide as high, at most
MARGIN, STRIP = 8, 28     # pixels: between rows and beside them; of a line of text
PAPER, INK = 245, 40      # gray
GREEN = (60, 170, 90)


def open_sheet(options: Options, single: bool, results: Iterable[str | os.PathLike], notes: list[str]) -> Sheet | None:
    """The sheet to fill, or None. ``single``: src is one photo; a remark on a sheet that stays as it is goes to ``notes``.
    Raises UserError where it would lie among the photos, or replace one or one of the ``results``."""
    if options.sheet is None:
        return None
    check_place(folder_of(options.sheet, True))
    if os.path.realpath(options.sheet) in map(os.path.realpath, results):
        raise UserError(f"--sheet {options.sheet} is what a result of --output would be called. Name another place.")
    inputs = inputs_of(options)
    for folder in inputs:
        if os.path.isdir(folder) and inside(options.sheet, folder):
            raise UserError(f"--sheet {options.sheet} is inside {folder}; the next run would read it as a photo. "
                            "Name another place.")
    check_free([options.sheet], inputs, options.overwrite or not single, "--sheet")
    if os.path.lexists(options.sheet) and not options.overwrite:
        notes.append(f"{options.sheet} exists and stays as it is; --overwrite replaces it.")
        return None
    return Sheet(options.sheet, options.sheet_rows)


class Sheet:
    """Collects rows, ``limit`` at most, and writes them as one image to ``path``."""

    def __init__(self, path: str | os.PathLike, limit: int):
        self.path, self._limit, self._rows = path, limit, []

    @property
    def room(self) -> bool:
        """Whether it takes another row."""
        return len(self._rows) < self._limit

    def add(self, name: str, pair: Any, matte: Any, behind: np.ndarray | None = None) -> None:
        """Add a row, if there is room. behind: uint8 (H, W, 3), or None for plain green."""
        if self.room:
            given = {"bgr": pair.bgr} if pair.trimap is None else {"trimap": np.repeat(pair.trimap[..., None], 3, axis=2)}
            given = {word: picture for word, picture in given.items() if picture is not None}
            self._rows.append((name, ("src", *given, "pha", "com"), panels(pair.src, given, matte, behind)))

    def write(self) -> bool:
        """Write the image, if there are rows. Returns whether. Raises as ``media.write_image``."""
        if self._rows:
            write_image(self.path, laid_out(self._rows))
        return bool(self._rows)


def panels(src: np.ndarray, given: dict[str, np.ndarray], matte: Any, behind: np.ndarray | None = None) -> np.ndarray:
    """src, what is given beside it, pha and the cut-out before another background, side by side: uint8 (HEIGHT, about (3 or
    4) * HEIGHT * W / H, 3).

    Args:
        src: uint8 (H, W, 3). given: {name: uint8 (H, W, 3)}. matte: pha (H, W) and fgr (H, W, 3), as ``Matter.predict``
            returns.
        behind: uint8 or uint16 (H, W, 3) that the subject is set before, or None for plain green.
    """
    made = rendered(matte, ("pha", "com"), 8, np.full_like(src, GREEN) if behind is None else behind)
    shown = [src, *given.values(), cv2.cvtColor(made["pha"], cv2.COLOR_GRAY2RGB), made["com"]]
    return np.hstack([_panel(image) for image in shown])


def _panel(image):
    """An image at HEIGHT; a strip that would be too wide so is as wide as may be, with paper above and below."""
    scale = min(HEIGHT / image.shape[0], WIDEST * HEIGHT / image.shape[1])
    width, own = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    image, top = cv2.resize(image, (width, own), interpolation=cv2.INTER_AREA), (HEIGHT - own) // 2
    return cv2.copyMakeBorder(image, top, HEIGHT - own - top, 0, 0, cv2.BORDER_CONSTANT, value=(PAPER,) * 3)


def laid_out(rows: list) -> np.ndarray:
    """[(name, headings, uint8 (HEIGHT, W, 3) of as many panels)] below each other, with headings: uint8 (H, W, 3)."""
    width = max(panels.shape[1] for _, _, panels in rows) + 2 * MARGIN
    parts = []
    for name, columns, panels in rows:
        head = np.full((STRIP, width, 3), PAPER, np.uint8)
        for column, word in enumerate(columns):
            label = f"{word}  {name}" if column == 0 else word
            left, right = (MARGIN + panels.shape[1] * place // len(columns) for place in (column, column + 1))
            head[:, left:right] = strip(right - left, STRIP, label, 0.5, INK, PAPER)
        row = np.full((HEIGHT + MARGIN, width, 3), PAPER, np.uint8)
        row[:HEIGHT, MARGIN:MARGIN + panels.shape[1]] = panels
        parts += [head, row]
    return np.vstack(parts)
