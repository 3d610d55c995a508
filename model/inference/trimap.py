"""A trimap from a matte, and the two networks in turn: one says where the edge is, the other one looks at it closely."""
from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bgmatting.model.inference.matte import Matte, as_dtype
from bgmatting.model.inference.photos import Picture, opened

if TYPE_CHECKING:
    from bgmatting.model.inference.matter import Matter

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
SURE = 0.05      # alpha so near to 0 or 1 is taken to be that
REACH = 1 / 100  # of the shorter side: so far around what is unsure all is unknown
LEAST = 3        # pixels, likewise


def trimap_from_matte(pha: np.ndarray) -> np.ndarray:
    """Mark unknown what another network's alpha leaves open: what is neither opaque nor empty, and what lies close to it.

    Args:
        pha: float32 (H, W) in 0..1.

    Returns uint8 (H, W): 0 background, 128 unknown, 255 foreground.
    """
    reach = max(LEAST, round(REACH * min(pha.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    trimap = np.full(pha.shape, UNKNOWN, np.uint8)
    # Beyond the border nothing is unsure: a subject that the border cuts does not shrink there.
    trimap[cv2.dilate((pha > SURE).astype(np.uint8), disc) == 0] = BACKGROUND
    trimap[cv2.erode((pha > 1 - SURE).astype(np.uint8), disc) == 1] = FOREGROUND
    return trimap


class AutoTrimap:
    """As ``Matter``: the matte of ``first`` gives the trimap that ``second``, whose method needs one, works with.

    Takes what ``first`` takes beside src. Where that one finds the subject's colours, they are its own.

    Args:
        first, second: ``Matter`` objects; they are closed with this one.
    """

    def __init__(self, first: Matter, second: Matter):
        self.first, self.second = first, second
        self.method, self.settings = second.method, {**second.settings, "trimap": dict(first.settings)}

    def __enter__(self) -> AutoTrimap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def with_settings(self, **changes: Any) -> AutoTrimap:
        """As ``Matter.with_settings``, of both."""
        return AutoTrimap(self.first.with_settings(**changes), self.second.with_settings(**changes))

    def close(self) -> None:
        """Give both engines' memory back."""
        self.first.close()
        self.second.close()

    def predict(self, src: Picture, bgr: Picture | None = None, want: Collection[str] | None = None,
                rows: Callable[[int, Matte], object] | None = None, dtype: str | None = None) -> Matte | None:
        """As ``Matter.predict``; ``rows`` is called once, with all of them."""
        src, bgr, _ = opened(src, bgr, None)
        want = self.method.outputs if want is None else want
        colours = "fgr" in want and "fgr" in self.first.method.outputs
        rough = self.first.predict(src, bgr, ("pha", "fgr") if colours else ("pha",), dtype="float32")
        trimap = trimap_from_matte(rough.pha)
        matte = self.second.predict(src, None, [name for name in want if name != "fgr" or not colours], dtype=dtype,
                                    trimap=trimap)
        if colours:
            matte = Matte(matte.pha, as_dtype(rough.fgr, dtype or "float32"), matte.err, matte.ref)
        return matte if rows is None else rows(0, matte)
