"""The display matrix of a video: frames that a player has to rotate or mirror, as phones write them."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import av

ORIENTATIONS = {(False, False): 1, (True, False): 2, (True, True): 3, (False, True): 4}  # columns, rows run backwards


def rotation_of(frame: av.VideoFrame) -> int:
    """The orientation, 1 to 8 as EXIF counts (``media.exif.upright``), that the side data of a decoded frame name."""
    try:
        found = next((data for data in frame.side_data if "DISPLAYMATRIX" in str(data.type)), None)
    except (AttributeError, TypeError, ValueError):
        found = None
    return 1 if found is None else orientation_of_matrix(bytes(found))


def orientation_of_matrix(data: bytes) -> int:
    """That of a display matrix: nine int32 a b u c d v x y w, with (x, y) shown at (a x + c y, b x + d y); angles between
    the right ones are nearest."""
    a, b, _, c, d = np.frombuffer(data[:20], np.int32).tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return 4 + ORIENTATIONS[c < 0, b < 0]
    return ORIENTATIONS[a < 0, d < 0]
