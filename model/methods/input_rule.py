"""How a photo of any size becomes a network's input, and alpha the photo's size again."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np


@dataclass(frozen=True)
class InputRule:
    """Sizes and range of a network's input. What is resized is resized bilinearly, trimaps to the nearest pixel.

    Attributes:
        short: length that the shorter side is resized to, in pixels; None: any.
        longest: length that the longer side is made at most; None: any.
        multiple: both sides are made multiples of it.
        padded: they are made so by repeating the last row and column, and not by resizing to the next smaller multiple.
        lowest: what black becomes, 0 or -1; white is 1.
        least: sides shorter than that are made as long by repeating the last row and column.
    """
    short: int | None = None
    longest: int | None = None
    multiple: int = 1
    padded: bool = False
    lowest: float = 0
    least: int = 1

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """The sizes (height, width) that a photo is resized to, one after the other as PaddleSeg's transforms do it."""
        sizes = [(height, width)]
        if self.short is not None:
            sizes.append(_scaled(sizes[-1], self.short / min(sizes[-1])))
        if self.longest is not None and max(sizes[-1]) > self.longest:
            sizes.append(_scaled(sizes[-1], self.longest / max(sizes[-1])))
        if not self.padded:
            sizes.append(tuple(max(self.multiple, side - side % self.multiple) for side in sizes[-1]))
        return [size for before, size in zip(sizes, sizes[1:]) if size != before]

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the network's input for a photo of that size."""
        unit = self.multiple if self.padded else 1
        height, width = [(height, width), *self.sizes(height, width)][-1]
        return tuple(max(side + -side % unit, self.least) for side in (height, width))

    def photo(self, photo: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) -> float32 (1, 3, h, w) in ``lowest`` to 1."""
        x = self._fit(photo, cv2.INTER_LINEAR).transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        return self.ranged(np.ascontiguousarray(x))

    def trimap(self, trimap: np.ndarray) -> np.ndarray:
        """uint8 (H, W) -> float32 (1, 1, h, w): 0, 1, and 128/255 for any other value, which is unknown."""
        trimap = np.where((trimap == 0) | (trimap == 255), trimap, np.uint8(128))
        return self._fit(trimap, cv2.INTER_NEAREST)[None, None].astype(np.float32) / np.float32(255)

    def ranged(self, x: Any) -> Any:
        """A photo in 0..1, array or tensor of any shape, in ``lowest`` to 1."""
        return (x - 0.5) / 0.5 if self.lowest == -1 else x

    def restore(self, picture: np.ndarray, height: int, width: int) -> np.ndarray:
        """float (h, w) or (h, w, C) as the network answers -> float32 (height, width, ...): resized back step by step."""
        picture = np.array(picture, np.float32)
        *before, last = [(height, width), *self.sizes(height, width)]
        picture = picture[:last[0], :last[1]]
        for rows, columns in before[::-1]:
            picture = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_LINEAR)
        return picture

    def _fit(self, picture, interpolation):
        for rows, columns in self.sizes(*picture.shape[:2]):
            picture = cv2.resize(picture, (columns, rows), interpolation=interpolation)
        height, width = picture.shape[:2]
        unit = self.multiple if self.padded else 1
        below, right = (max(-side % unit, self.least - side) for side in (height, width))
        if below or right:
            picture = np.pad(picture, ((0, below), (0, right)) + ((0, 0),) * (picture.ndim - 2), mode="edge")
        return picture


def _scaled(size, scale):
    return tuple(int(round(side * scale)) for side in size)
