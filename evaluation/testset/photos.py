"""Images as a set itself composes them: photos as they are, and the lines of list files with their own background."""
from __future__ import annotations

import cv2

from bgmatting.dataset.layouts.listed import Listed, behind
from bgmatting.dataset.layouts.pictures import read_fgr_pha
from bgmatting.dataset.layouts.sets import PairSet
from bgmatting.evaluation.testset.composed import EvalItem, ItemSet
from bgmatting.evaluation.testset.trimap import trimap_of
from bgmatting.media import read_image
from bgmatting.media.operations import blend, resize
from bgmatting.media.reading import read_trimap
from bgmatting.utils.errors import UserError


class PhotoTestSet(ItemSet):
    """Photos of a set, such as PPM-100, or foregrounds before the background that a list names, such as Composition-1k.

    Args:
        pictures: a ``PairSet`` of photos and alpha, or a list of ``dataset.layouts.listed.Listed``. Backgrounds are made to
            fit by ``dataset.layouts.listed.behind``.
        trimap: the rule of ``evaluation.testset.trimap.TRIMAPS``; where a list names trimaps, those are taken, and with
            "whole" only given to methods that need one.
        longest: pixels that the longer side of a photo is made at most; None: as it is.
        limit: use only the first so many; None uses all.

    Each item is an ``EvalItem``; bgr is None where src is a photo, and fgr as well.
    Raises UserError: the limit is below 1.
    """

    def __init__(self, pictures: PairSet | list[Listed], trimap: str, longest: int | None = None,
                 limit: int | None = None):
        if not isinstance(pictures, list):
            pictures = [Listed(name, *files) for name, files in zip(pictures.names, pictures.files)]
        super().__init__([picture.name for picture in pictures], limit)
        self._pictures, self._trimap, self._longest = pictures, trimap, longest

    @property
    def has_bgr(self) -> bool:
        """Whether every picture was composed, so that its background is known."""
        return all(picture.bgr is not None for picture in self._pictures[:len(self.names)])

    def _make(self, index):
        name, fgr_file, pha_file, bgr_file, trimap_file = self._pictures[index]
        fgr, pha = read_fgr_pha(fgr_file, pha_file)
        given = self._given(trimap_file, pha.shape)
        if bgr_file is None:
            src, fgr, bgr = _shrunk(fgr, self._longest), None, None
        else:
            bgr = behind(read_image(bgr_file), pha.shape)
            src = _shrunk(blend(fgr, pha, bgr), self._longest)
            fgr, bgr = _shrunk(fgr, self._longest), _shrunk(bgr, self._longest)
        pha = _shrunk(pha, self._longest)
        if given is None or self._trimap == "whole":
            return EvalItem(name, src, bgr, pha, fgr, trimap_of(pha, self._trimap), given)
        return EvalItem(name, src, bgr, pha, fgr, given, given)

    def _given(self, file, shape):
        """The trimap of a file, at the size of the item, or None."""
        if file is None:
            return None
        trimap = read_trimap(file)
        if trimap.shape != shape:
            raise UserError(f"{file} is {trimap.shape[1]}x{trimap.shape[0]}, but its alpha {shape[1]}x{shape[0]}; both must "
                            "have the same size.")
        scale = 1 if self._longest is None else min(1, self._longest / max(shape))
        size = tuple(max(1, round(side * scale)) for side in shape[::-1])
        return cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)


def _shrunk(image, longest):
    scale = 1 if longest is None else min(1, longest / max(image.shape[:2]))
    return image if scale == 1 else resize(image, *(max(1, round(side * scale)) for side in image.shape[:2]))
