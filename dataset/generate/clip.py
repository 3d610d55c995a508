"""A moving subject: frames of one painted image that drifts, turns, grows and sways."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import noise
from bgmatting.dataset.generate.subjects.subject import make_subject

MARGIN = 1.12  # the subject is painted on an image so much larger, so that it can move without a cut edge


def make_clip(rng: np.random.Generator, frames: int, height: int, width: int,
              kind: str = "person") -> list[tuple[np.ndarray, np.ndarray]]:
    """``frames`` pairs (pha uint8 (height, width), fgr uint8 (height, width, 3)) of one subject in smooth motion."""
    high, wide = int(height * MARGIN), int(width * MARGIN)
    pha, fgr = make_subject(rng, high, wide, kind)
    picture = np.dstack((fgr, pha))
    speed = rng.normal(0, 1, 4)
    sway = [noise.smooth(rng, height, width, 3) for _ in range(2)]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pairs = []
    for frame in range(frames):
        time = frame / max(frames - 1, 1) - 0.5
        turn, grow = 0.06 * speed[0] * time, 1 + 0.08 * speed[1] * time
        cos, sin = np.cos(turn) / grow, np.sin(turn) / grow
        dx, dy = x - width / 2, y - height / 2
        reach = np.float32(0.02 * min(height, width) * np.sin(3 * time))
        map_x = wide / 2 + cos * dx - sin * dy + 0.05 * width * speed[2] * time + reach * sway[0]
        map_y = high / 2 - 0.03 * height + sin * dx + cos * dy + 0.02 * height * speed[3] * time + reach * sway[1]
        moved = cv2.remap(picture, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)
        pairs.append((np.ascontiguousarray(moved[..., 3]), np.ascontiguousarray(moved[..., :3])))
    return pairs
