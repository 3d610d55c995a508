"""Films of a painted subject with known alpha, as a camera would take them: noise, flicker, a codec's blocks."""
from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.dataset.generate.paint import noise
from bgmatting.dataset.generate.scenes import make_background
from bgmatting.dataset.generate.subjects.subject import make_subject

NOISE = 2.0        # gray levels, new in every frame
FLICKER = 0.015    # deviation of the exposure from frame to frame, of 1
QUALITY = (70, 90)  # of the JPEG coding of frames, which stands for a video codec
SHIFT, TURN, GROW, SWAY = 0.05, 0.05, 0.025, 0.01  # largest shift (of the shorter side), turn (radians), growth, bending


class Film(NamedTuple):
    """srcs uint8 RGB (H, W, 3), phas uint8 (H, W): one of each a frame; bgr uint8 RGB (H, W, 3), one for all."""
    srcs: list[np.ndarray]
    phas: list[np.ndarray]
    bgr: np.ndarray


def make_film(seed, frames, height, width, kind=None, speed=1.0):
    """The film that ``seed`` (int, or a sequence of ints) names; always the same.

    The subject drifts, turns, grows and bends smoothly; frames have noise, a light flicker of the exposure and JPEG's
    blocks, the bgr has its own noise. ``kind``: a member of ``subject.KINDS``, drawn at random if None. ``speed`` scales
    the motion: at 1 an outline moves by up to 5 pixels a frame at HD.
    """
    rng = np.random.default_rng(seed)
    scene = make_background(rng, height, width)
    pha, fgr = make_subject(rng, height, width, kind, scene)
    picture = np.dstack((fgr, pha))
    pace = rng.uniform(-1, 1, 5)
    phase = rng.uniform(0, 2 * np.pi, 5)
    sway = [noise.smooth(rng, height, width, 3) for _ in range(2)]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    unit, quality = min(height, width), int(rng.integers(*QUALITY))
    srcs, phas = [], []
    for frame in range(frames):
        wave = np.sin(speed * frame / 12 * np.pi / 2 + phase) * pace
        cos, sin = np.cos(TURN * wave[2]) / (1 + GROW * wave[3]), np.sin(TURN * wave[2]) / (1 + GROW * wave[3])
        dx, dy = x - width / 2, y - height / 2
        map_x = width / 2 + cos * dx - sin * dy + unit * (SHIFT * wave[0] + SWAY * wave[4] * sway[0])
        map_y = height / 2 + sin * dx + cos * dy + unit * (0.4 * SHIFT * wave[1] + SWAY * wave[4] * sway[1])
        moved = cv2.remap(picture, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)
        phas.append(np.ascontiguousarray(moved[..., 3]))
        share = phas[-1][..., None].astype(np.float32) / 255
        clean = (share * moved[..., :3] + (1 - share) * scene) * (1 + FLICKER * rng.standard_normal())
        srcs.append(_shot(rng, clean, quality))
    return Film(srcs, phas, _shot(rng, scene.astype(np.float32), quality))


def _shot(rng, image, quality):
    """What a camera makes of a float32 picture: noise, and a codec's blocks."""
    image = image + np.float32(NOISE) * rng.standard_normal(image.shape, dtype=np.float32)
    image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
