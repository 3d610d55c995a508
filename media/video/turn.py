"""The display matrix of a video: frames that a player has to turn or mirror, as phones write them."""
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import av


class Turn(NamedTuple):
    """Rows and columns change places (swaps), then columns (mirrors) and rows (flips) run backwards."""
    swaps: bool = False
    mirrors: bool = False
    flips: bool = False


def parse_matrix(frame: av.VideoFrame) -> Turn:
    """The Turn that the side data of a decoded ``av.VideoFrame`` ask for; angles between the right ones are nearest."""
    try:
        found = next((data for data in frame.side_data if "DISPLAYMATRIX" in str(data.type)), None)
    except (AttributeError, TypeError, ValueError):
        found = None
    return Turn() if found is None else turn_of(bytes(found))


def turn_of(data: bytes) -> Turn:
    """The Turn of a display matrix: nine int32 a b u c d v x y w, with (x, y) shown at (a x + c y, b x + d y)."""
    a, b, _, c, d = np.frombuffer(data[:20], np.int32).tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Turn(True, c < 0, b < 0)
    return Turn(False, a < 0, d < 0)


def turned(image: np.ndarray, turn: Turn) -> np.ndarray:
    """(H, W, 3) as it is to be seen."""
    if turn == Turn():
        return image
    if turn.swaps:
        image = image.swapaxes(0, 1)
    return np.ascontiguousarray(image[::-1 if turn.flips else 1, ::-1 if turn.mirrors else 1])
