"""Between the two graphs, in numpy and OpenCV: cut windows around blocks with chosen patches, paste what comes back.

Arrays are (H, W) or channels last; H and W are multiples of 4. A block is 16x16 pixels, a patch 4x4.
"""
from __future__ import annotations

import functools
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided

from bgmatting.model.inference.enlarge import enlarged_windows
from bgmatting.model.patch_layout import BLOCK, ENDLESS, HIGHEST, LOWEST, PATCH, coarse_side, photo_side, spread_matrix
from bgmatting.utils.errors import UserError

PER_BLOCK = BLOCK // PATCH
BLOCK_BYTES = 400_000  # what refining one block takes at once, seen with every engine


def shrink(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (H, W, 3) -> float32 (height, width, 3) in 0..1, bilinear without antialiasing, as the network was trained."""
    for factor in (8, 4, 2):  # every sample lies in the middle of four pixels
        if (factor * height, factor * width) == photo.shape[:2]:
            y = factor // 2 - 1
            rows = np.add(photo[y::factor], photo[y + 1::factor], dtype=np.uint16)
            return np.add(rows[:, y::factor], rows[:, y + 1::factor]) * np.float32(1 / (4 * 255))
    return cv2.resize(photo.astype(np.float32) * np.float32(1 / 255), (width, height), interpolation=cv2.INTER_LINEAR)


def blocks_within(max_memory: float | None) -> int | None:
    """How many blocks may be refined at once within so many MiB; None for None. Raises UserError where two are too many."""
    if max_memory is None:
        return None
    count = int(max_memory * 2 ** 20 // BLOCK_BYTES)
    if count < 2:  # engines compute a single block in another order
        raise UserError(f"refining takes at least {2 * BLOCK_BYTES / 2 ** 20:.1f} MiB at once; {max_memory} MiB do not do.")
    return count


class Blocks:
    """The blocks of one photo that hold a chosen patch, and the windows around them.

    Args:
        chosen: bool (H / 4, W / 4), from ``model.patches.choose_patches``.
        reach: of the refiner, 0 or 1.
        quarter: whether ``coarse`` is a quarter of the photo's size; else it is half of it.
    """

    def __init__(self, chosen: np.ndarray, reach: int, quarter: bool):
        self.chosen, self.reach, self.quarter = chosen, reach, quarter
        down, across = (-(-side // PER_BLOCK) for side in chosen.shape)
        padded = np.zeros((down * PER_BLOCK, across * PER_BLOCK), bool)
        padded[:chosen.shape[0], :chosen.shape[1]] = chosen
        cells = padded.reshape(down, PER_BLOCK, across, PER_BLOCK).transpose(0, 2, 1, 3)
        rows, columns = np.nonzero(cells.any((2, 3)))
        # Blocks near the border need windows of their own making; they come last, so that the rest can be one batch.
        margin = 1 if reach or quarter else 0  # enlarging a quarter looks a pixel further, too
        last_row, last_column = ((side * PATCH - photo_side(margin)) // BLOCK for side in chosen.shape)
        inner = (rows >= margin) & (columns >= margin) & (rows <= last_row) & (columns <= last_column)
        order = np.argsort(~inner, kind="stable")
        self.rows, self.columns, self.inner = rows[order], columns[order], int(inner.sum())
        self._cells = cells[self.rows, self.columns]

    def __len__(self) -> int:
        return len(self.rows)

    def between(self, top: int, bottom: int) -> np.ndarray:
        """Numbers of the blocks in these rows of the photo, multiples of 16."""
        return np.flatnonzero((self.rows * BLOCK >= top) & (self.rows * BLOCK < bottom))

    def batches(self, most: int) -> Iterator[slice]:
        """Slices of at most ``most`` blocks; no slice holds both inner blocks and such near the border."""
        for start, end in ((0, self.inner), (self.inner, len(self))):
            for at in range(start, end, most):
                yield slice(at, min(at + most, end))

    def inputs(self, batch: slice, coarse: np.ndarray, src: np.ndarray, bgr: np.ndarray) -> dict[str, np.ndarray]:
        """BlockGraph's inputs for one of ``batches``.

        Args:
            coarse: (h, w, 37) float32, CoarseGraph's output at a quarter, half, or any other part of the size;
                src, bgr: uint8 (H, W, 3).
        """
        rows, columns, inside = self.rows[batch], self.columns[batch], batch.stop <= self.inner
        side, reach = photo_side(self.reach), self.reach
        found = {name: windows(photo, rows, columns, BLOCK, 6 * reach, side, inside)
                 for name, photo in (("src", src), ("bgr", bgr))}
        height, width = (count * PATCH // 2 for count in self.chosen.shape)
        if not self.quarter and coarse.shape[:2] != (height, width):  # enlarged whole it would take gigabytes
            found["coarse"] = enlarged_windows(coarse, height, width, rows * BLOCK // 2 - 3 * reach,
                                               columns * BLOCK // 2 - 3 * reach, side // 2, LOWEST, HIGHEST)
            return found
        if not self.quarter:
            found["coarse"] = windows(coarse, rows, columns, BLOCK // 2, 3 * reach, side // 2, inside)
            return found
        c_side, height, width = coarse_side(reach, True), *coarse.shape[:2]
        found["coarse"] = windows(coarse, rows, columns, BLOCK // 4, 1 + reach, c_side, inside)
        if inside:
            found["spread"] = _spread(1, 1, reach, ENDLESS, ENDLESS)[None]
        else:
            found["spread"] = np.stack([_spread(*place, reach, height, width)
                                        for place in zip(rows.tolist(), columns.tolist())])
        return found

    def paste(self, batch: slice | np.ndarray, refined: np.ndarray, pha: np.ndarray | None, fgr: np.ndarray | None,
              top: int = 0) -> None:
        """Put the chosen patches of ``refined``, BlockGraph's output, into ``pha`` (H, W) and ``fgr`` (H, W, 3); either may
        be None, and both may be the rows from ``top``, a multiple of 16, if they hold the blocks of ``batch``."""
        number, y, x = np.nonzero(self._cells[batch])
        patches = refined.reshape(-1, PER_BLOCK, PATCH, PER_BLOCK, PATCH, 4).transpose(0, 1, 3, 2, 4, 5)[number, y, x]
        rows, columns = self.rows[batch][number] * PER_BLOCK + y, self.columns[batch][number] * PER_BLOCK + x
        rows = rows - top // PATCH
        if pha is not None:
            _cells_of(pha)[rows, columns] = patches[..., 0]
        if fgr is not None:
            _cells_of(fgr)[rows, columns] = patches[..., 1:]


def _spread(row, column, reach, height, width):
    """(p * p / 4, c * c): the matrix of a block of a coarse image (height, width)."""
    return _product(_near(row, height), _near(column, width), reach)


def _near(block, count):
    """(number, length) of a side that is the same around this block; away from the ends all blocks are alike."""
    reach = 2  # blocks
    return min(block, reach), min(count - BLOCK // 4 * max(block - reach, 0), BLOCK // 4 * 2 * reach + BLOCK)


@functools.lru_cache(maxsize=64)
def _product(down, across, reach):
    product = np.kron(spread_matrix(down[0], reach, down[1]), spread_matrix(across[0], reach, across[1]))
    product.setflags(write=False)
    return product


def windows(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, step: int, before: int, side: int,
            inside: bool) -> np.ndarray:
    """Windows (N, side, side, C) of ``image`` (h, w, C) that begin at (row, column) * step - before; 0 outside of it.

    ``inside`` says that none of them reaches beyond the image.
    """
    height, width, channels = image.shape
    if inside:
        if height < side or width < side:
            return np.empty((0, side, side, channels), image.dtype)
        image = np.ascontiguousarray(image)
        strides = image.strides
        view = as_strided(image, (height - side + 1, width - side + 1, side, side, channels),
                          (*strides[:2], *strides), writeable=False)
        return view[rows * step - before, columns * step - before]
    found = np.zeros((len(rows), side, side, channels), image.dtype)
    for window, top, left in zip(found, rows * step - before, columns * step - before):
        y, x = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
        window[y.start - top:y.stop - top, x.start - left:x.stop - left] = image[y, x]
    return found


def _cells_of(image):
    height, width = image.shape[:2]
    cells = image.reshape(height // PATCH, PATCH, width // PATCH, PATCH, *image.shape[2:])
    return cells.swapaxes(1, 2)
