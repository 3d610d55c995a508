"""A matte from a pair of photos by the background method: the coarse network for all, the refiner where it matters."""
from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bgmatting.model.inference.blocks import Blocks, shrink
from bgmatting.model.inference.engines.base import BATCH, Engine
from bgmatting.model.inference.enlarge import at_half, enlarged_rows
from bgmatting.model.inference.holes import fill, find_holes, levels_of
from bgmatting.model.inference.matte import NOT_FINITE, Matte, as_dtype, checked_size
from bgmatting.model.inference.padding import padded, stride_of
from bgmatting.model.inference.scale import coarse_size, looks, weighed
from bgmatting.model.inference.settings import Chosen
from bgmatting.model.inference.unmix import unmix
from bgmatting.model.patch_layout import ALPHA, BLOCK, COLOUR, ERROR, HIDDEN, HIGHEST, LOWEST, PATCH
from bgmatting.model.patches import choose_patches
from bgmatting.model.refinement import KERNEL_SIZE
from bgmatting.utils.errors import UserError

if TYPE_CHECKING:
    from bgmatting.model.inference.device_matting import DeviceMatting

STRIP = 64           # rows that are finished at once, so that they stay in the processor's cache; a multiple of 16


class PairMatting:
    """The part of ``Matter`` for the background method; arguments of calls are those of ``Matter``'s.

    Args:
        engine: runs CoarseGraph and BlockGraph. settings: ``Matter.settings``; may be replaced between calls.
        kernel_size: of the refiner, or None for a base network alone. most: blocks refined at once, or None.
        device_matting: a ``DeviceMatting`` that does the whole work, or None.
    """

    def __init__(self, engine: Engine, settings: Chosen, kernel_size: int | None, most: int | None,
                 device_matting: DeviceMatting | None):
        self._engine, self.settings, self.device_matting = engine, settings, device_matting
        self._reach = (kernel_size or KERNEL_SIZE) // 2
        self._batch = min(most or BATCH, BATCH)

    def check(self, src: np.ndarray, bgr: np.ndarray | None, trimap: np.ndarray | None) -> tuple[int, int]:
        """(height, width) of the pair. Raises ValueError where ``Matter.predict`` does."""
        if bgr is None or trimap is not None:
            raise ValueError("the method background needs src and bgr")
        return checked_size(src, bgr)

    def by_rows(self, src: np.ndarray, bgr: np.ndarray, trimap: None, want: Collection[str] | None,
                rows: Callable[[int, Matte], object], dtype: str) -> None:
        """Hand a matte out in strips."""
        want = Matte._fields if want is None else want
        if self.device_matting is not None:
            rows(0, self.whole(src, bgr, None, want, dtype))
            return
        for top, matte in self._strips(src, bgr, want, dtype, sparing=True):
            rows(top, matte)

    def whole(self, src: np.ndarray, bgr: np.ndarray, trimap: None, want: Collection[str] | None, dtype: str) -> Matte:
        """The matte of a photo."""
        want = Matte._fields if want is None else want
        if self.device_matting is None:
            return _joined(self._strips(src, bgr, want, dtype), len(src))
        settings, judged = self.settings, _judged(self.settings, want)
        scale, needed = settings.backbone_scale, {*want, "pha"} if judged else want
        with self._engine.lock:
            matte = self.device_matting(src, bgr, scale, settings.refinement, needed, settings.unmix, dtype)
        if judged:
            fill(find_holes(src, bgr, levels_of(matte.pha)), src, matte)
        return matte if "pha" in want else matte._replace(pha=None)

    def _coarse(self, src, bgr):
        """(padded src, padded bgr, coarse array (h, w, 37)) of a pair."""
        photos = [padded(photo) for photo in (src, bgr)]
        finest, *others = looks(photos[0].shape[:2], self.settings.backbone_scale)
        # before the finest: the engine may write over what it gave
        seen = [_clipped(self._look(photos, scale, mirrored=True)) for scale in others]
        coarse = self._look(photos, finest)
        for other in seen:
            coarse = _seen_twice(coarse, other)
        return *photos, coarse

    def _look(self, photos, scale, mirrored=False):
        """The coarse array (h, w, 37) at a backbone scale."""
        (height, width), turn = coarse_size(photos[0].shape[:2], scale), -1 if mirrored else 1
        stride = stride_of(self.settings.backbone)
        small = (padded(shrink(photo, height, width)[:, ::turn], stride)[None] for photo in photos)
        return self._engine.run("coarse", dict(zip(("src", "bgr"), small)))[0, :height, :width][:, ::turn]

    def _chosen(self, coarse, height, width):
        """(predicted error at the coarse size, which patches to refine)"""
        err_sm = np.clip(coarse[..., ERROR], 0, 1)
        return err_sm, choose_patches(resize(err_sm, height // PATCH, width // PATCH), self.settings.refinement)

    def _refined(self, blocks, coarse, src, bgr):
        """(batch, its refined blocks), one after the other."""
        graph = "quarter" if blocks.quarter else "half"
        for batch in blocks.batches(self._batch):
            inputs, count = blocks.inputs(batch, coarse, src, bgr), batch.stop - batch.start
            yield batch, self._engine.run(graph, _filled(inputs, self._batch))[:count]

    def _strips(self, src, bgr, want, dtype, sparing=False):
        """(top, Matte of ``STRIP`` rows from there) of a photo, from top to bottom; with ``sparing``, the engine gives back
        what the coarse network took before the rest is done."""
        size = src.shape[:2]
        src, bgr, coarse = self._coarse(src, bgr)
        if sparing:
            coarse = coarse.copy()
            self._engine.forget()
        height, width = src.shape[:2]
        err_sm, chosen = self._chosen(coarse, height, width)
        pha = resize(np.clip(coarse[..., ALPHA], 0, 1), height, width)
        quarter = tuple(4 * side for side in coarse.shape[:2]) == (height, width)
        blocks = Blocks(chosen, self._reach, quarter)
        residual = np.ascontiguousarray(coarse[..., COLOUR])
        coarse = np.ascontiguousarray(at_half(coarse, height, width, LOWEST, HIGHEST) if len(blocks) else coarse)
        refined = np.empty((len(blocks), BLOCK, BLOCK, 4), np.float32)
        for batch, part in self._refined(blocks, coarse, src, bgr):
            blocks.paste(batch, part, pha, None)
            refined[batch] = part
        np.clip(pha, 0, 1, out=pha)
        judged, found = _judged(self.settings, want), None
        if self.settings.unmix and ("pha" in want or judged):
            unmix(src, bgr, pha, np.ascontiguousarray(coarse[..., COLOUR]), err_sm)
        if judged:
            found = find_holes(*(whole[:size[0], :size[1]] for whole in (src, bgr, levels_of(pha))))
        for top in range(0, size[0], STRIP):
            bottom, fgr = min(top + STRIP, height), None
            if "fgr" in want:
                fgr = enlarged_rows(residual, height, width, top, bottom)
                place = blocks.between(top, bottom)
                blocks.paste(place, refined[place], None, fgr, top)
                fgr = _colours(src[top:bottom], fgr, dtype == "uint8")
            err = enlarged_rows(err_sm, height, width, top, bottom) if "err" in want else None
            ref = chosen[top // PATCH:bottom // PATCH].repeat(PATCH, 0).repeat(PATCH, 1).astype(np.float32)
            matte = Matte(pha[top:bottom] if "pha" in want else None, fgr, err, ref if "ref" in want else None)
            matte = _cut(matte, size[0] - top, size[1], dtype)
            if found is not None:
                fill(found[top:bottom], src[top:bottom, :size[1]][:size[0] - top], matte)
            yield top, matte


def _judged(settings, want):
    """Whether holes are looked for: they change alpha, and the colour there, whichever of both is wanted."""
    return settings.fill and ("pha" in want or "fgr" in want)


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 (h, w[, C]) -> (height, width[, C]), bilinear without antialiasing; the array itself where it fits."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _clipped(coarse):
    """A copy of alpha, colour and error, float32 (h, w, 5), in their ranges."""
    return np.clip(coarse[..., :HIDDEN.start], LOWEST[:HIDDEN.start], HIGHEST[:HIDDEN.start])


def _seen_twice(coarse, other):
    """What a look at a photo found (h, w, 37), with what a smaller one did, ``other`` (h', w', 5): alpha, colour and error
    are of both."""
    seen, other = coarse if coarse.flags.writeable else coarse.copy(), resize(other, *coarse.shape[:2])
    ours = _clipped(coarse)
    errors = ours[..., ERROR:], other[..., ERROR:]
    seen[..., :ERROR] = weighed(ours[..., :ERROR], other[..., :ERROR], *errors)
    seen[..., ERROR:HIDDEN.start] = np.minimum(*errors)
    return seen


def _joined(strips, height):
    """A Matte of ``height`` rows from strips of it; those that are one are not copied."""
    whole = None
    for top, matte in strips:
        rows = next((len(part) for part in matte if part is not None), height)
        if rows == height:
            return matte
        if whole is None:
            whole = Matte(*(None if part is None else np.empty((height, *part.shape[1:]), part.dtype) for part in matte))
        for part, all_rows in zip(matte, whole):
            if part is not None:
                all_rows[top:top + rows] = part
    return whole


def _cut(matte, height, width, dtype):
    """The matte without what was padded, in ``dtype``."""
    return Matte(*(None if image is None else as_dtype(image[:height, :width], dtype) for image in matte))


def _filled(inputs, count):
    """A batch brought to ``count`` blocks, so that engines see one shape only."""
    missing = count - len(inputs["src"])
    if not missing:
        return inputs
    return {name: array if name == "spread" and len(array) == 1 else
            np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)]) for name, array in inputs.items()}


def _colours(src, residual, brief=False):
    """fgr of a residual to src, float32 (H, W, 3), which is written over, in 0..1; or rounded to uint8 at once, with
    ``brief``: that takes a third of the time. Raises UserError for uint8 of inf or nan."""
    if brief:
        if not np.isfinite(cv2.sumElems(residual)[:3]).all():
            raise UserError(NOT_FINITE)
        return cv2.addWeighted(src, 1, residual, 255, 0, dtype=cv2.CV_8U)
    cv2.addWeighted(src, 1 / 255, residual, 1, 0, dst=residual, dtype=cv2.CV_32F)
    return np.clip(residual, 0, 1, out=residual)
