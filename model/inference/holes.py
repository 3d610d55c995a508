"""After the last step: holes inside the subject that the photos themselves say are none.

A network takes a spot of the subject for the scene where both look alike. Two facts then speak against it. Where the scene
shows, ``src`` is ``bgr``, as closely as it is elsewhere in the scene, and that can be measured: a spot that differs from bgr
by far more than the scene around the subject does is no opening. And a soft edge, a strand of hair before the sky, is a
mixture: it does not look like the opaque subject beside it. A spot that is surrounded by opaque subject, is not what bgr
shows, and has the colours of the subject around it, is subject.
"""
from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from bgmatting.model.inference.matte import Matte

OPAQUE = 242          # alpha in 255ths from which a pixel is no part of a hole
SCENE = 13            # and below which it counts as scene
LIGHTEST = 51         # holes that are nowhere emptier are left: glass, veils, gaps in hair
OPENING = 0.002       # share of the image; with as much scene in it a part is no hole but what is around the subject
SMALLEST = 12         # pixels
SEEN = 1 << 14        # pixels of the scene that its noise is told from
TRUST = 2.0           # times as much as 95 % of the scene's pixels differ from bgr
LIKENESS = 2.0        # standard deviations from the colours of the subject nearby
REACH = 180           # the longer side of the photo in units of the distance that "nearby" means (sigma)
GRAIN = 0.02 ** 2     # squared; no colour is told more finely
FLOOR = 1e-5          # squared difference of three channels in 0..1 that 8 bits leave


def find_holes(src: np.ndarray, bgr: np.ndarray, levels: np.ndarray) -> np.ndarray | None:
    """Tell which pixels are holes that are none.

    Args:
        src, bgr: uint8 RGB (H, W, 3), the photo and the empty scene.
        levels: alpha as uint8 (H, W).

    Returns bool (H, W), or None where there are none.
    """
    inner = [hole for hole in _holes(levels) if hole.lowest < LIGHTEST and hole.scene < OPENING * levels.size]
    if not inner:
        return None
    noise = _Noise.of(src, bgr, levels)
    if noise is None:
        return None
    filled = np.zeros(levels.shape, bool)
    for hole in inner:
        if _differs(hole, src, bgr, noise) and _alike(hole, src, levels):
            filled[hole.box] |= hole.mask
    return filled if filled.any() else None


def fill(found: np.ndarray | None, src: np.ndarray, matte: Matte) -> None:
    """Make opaque, in place, what ``find_holes`` found, bool (H, W) or None for nothing; fgr becomes src there.

    Args:
        src: uint8 RGB (H, W, 3). matte: ``Matte`` in one of its types, pha and fgr or one of them.
    """
    if found is None:
        return
    if matte.pha is not None:
        matte.pha[found] = 255 if matte.pha.dtype == np.uint8 else 1
    if matte.fgr is not None:
        matte.fgr[found] = src[found] if matte.fgr.dtype == np.uint8 else src[found] / np.float32(255)


def levels_of(pha: np.ndarray) -> np.ndarray:
    """Alpha of any of a Matte's types as uint8 (H, W)."""
    return pha if pha.dtype == np.uint8 else cv2.convertScaleAbs(pha.astype(np.float32, copy=False), alpha=255)


def _holes(levels):
    """The parts of at least ``SMALLEST`` pixels that are not opaque, without those around all that is opaque."""
    opaque = (levels >= OPAQUE).view(np.uint8)  # cv2.compare takes an image of one pixel for a number
    left, top, width, height = cv2.boundingRect(opaque)
    right, bottom = left + width, top + height
    # parts are told apart in this box and a pixel around it, which takes a fraction of the time of the whole photo
    rows, columns = slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(1 - opaque[rows, columns], connectivity=4)
    boxes[:, :2] += columns.start, rows.start
    for label in range(1, count):
        x, y, across, down, area = boxes[label].tolist()
        around = x < left or y < top or x + across > right or y + down > bottom
        if area >= SMALLEST and not around:
            box = np.s_[y:y + down, x:x + across]
            place = np.s_[y - rows.start:y + down - rows.start, x - columns.start:x + across - columns.start]
            yield _Hole(box, labels[place] == label, levels[box])


class _Hole:
    """A connected part of what is not opaque: its ``box``, its ``mask`` there, and the emptier half of it, ``core``."""

    def __init__(self, box, mask, alpha):
        self.box, self.mask, self._alpha = box, mask, alpha
        self._inside = alpha[mask]
        self.lowest, self.scene = int(self._inside.min()), int(np.count_nonzero(self._inside < SCENE))

    @cached_property
    def core(self):
        return self.mask & (self._alpha <= np.median(self._inside))


class _Noise:
    """How much src differs from bgr where the scene shows: ``base + slope * gradient ** 2``, and ``most`` times that."""

    def __init__(self, base, slope, most):
        self.base, self.slope, self.most = base, slope, most

    @classmethod
    def of(cls, src, bgr, levels):
        """Fitted where ``levels`` say that the scene shows; None where that is too little."""
        rows, columns = _spread(cv2.erode((levels < SCENE).view(np.uint8), np.ones((7, 7), np.uint8)))
        if len(rows) < 1000:
            return None
        apart = _apart(src[rows, columns], bgr[rows, columns])
        steep = _steepness(bgr, rows, columns)
        middle, upper = np.quantile(steep, (0.5, 0.9))
        even, edges = steep <= middle, steep > upper
        base = max(float(np.median(apart[even])), FLOOR)
        slope = max(0.0, (float(np.median(apart[edges])) - base) / float(np.median(steep[edges]))) if edges.any() else 0.0
        return cls(base, slope, float(np.quantile(apart / (base + slope * steep), 0.95)))


def _spread(mask):
    """Rows and columns of at most ``SEEN`` of the mask's pixels, at even distances."""
    places = np.flatnonzero(mask.view(bool))  # of booleans it is nine times as fast
    return np.divmod(places[::max(1, -(-len(places) // SEEN))], mask.shape[1])


def _apart(one, other):
    """Squared distance (N,) of colours (N, 3), of three channels in 0..1."""
    return np.square((one.astype(np.float32) - other) / 255).sum(1)


def _steepness(photo, rows, columns):
    """Squared gradient (N,) of the photo at pixels, summed over the channels."""
    height, width = photo.shape[:2]
    down = _apart(photo[np.minimum(rows + 1, height - 1), columns], photo[np.maximum(rows - 1, 0), columns])
    across = _apart(photo[rows, np.minimum(columns + 1, width - 1)], photo[rows, np.maximum(columns - 1, 0)])
    return (down + across) / 4


def _differs(hole, src, bgr, noise):
    rows, columns = np.nonzero(hole.core)
    rows, columns = rows + hole.box[0].start, columns + hole.box[1].start
    expected = noise.base + noise.slope * _steepness(bgr, rows, columns)
    return np.median(_apart(src[rows, columns], bgr[rows, columns]) / expected) > TRUST * noise.most


def _alike(hole, src, levels):
    """Whether the hole has the colours that the opaque subject nearby has."""
    sigma = max(levels.shape) / REACH
    rows, columns = (slice(max(0, side.start - round(3 * sigma)), side.stop + round(3 * sigma)) for side in hole.box)
    colours = src[rows, columns].astype(np.float32) / 255
    opaque = (levels[rows, columns] > 250).astype(np.float32)[..., None]
    sums = cv2.GaussianBlur(np.concatenate([opaque, opaque * colours, opaque * colours ** 2], 2), (0, 0), sigma)
    weight = sums[..., :1] + 1e-6
    mean = sums[..., 1:4] / weight
    spread = np.maximum(sums[..., 4:] / weight - mean ** 2, 0) + GRAIN
    inside = np.s_[hole.box[0].start - rows.start:, hole.box[1].start - columns.start:]
    far = (np.square(colours - mean) / spread).mean(2)[inside][:hole.mask.shape[0], :hole.mask.shape[1]]
    return np.median(far[hole.core]) < LIKENESS ** 2
