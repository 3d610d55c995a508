"""Images as a set itself composes them: photos as they are, and the lines of list files with their own background."""
from __future__ import annotations

import cv2

from bgmatting.dataset.layouts.lists import Listed
from bgmatting.dataset.layouts.pairing import check_sizes
from bgmatting.dataset.layouts.pictures import behind, read_fgr_pha
from bgmatting.dataset.layouts.sets import PairSet
from bgmatting.evaluation.testset.composed import EvalItem, ItemSet
from bgmatting.evaluation.testset.trimap import read_given, trimap_of
from bgmatting.media import read_image
from bgmatting.media.operations import blend, resize


class PhotoTestSet(ItemSet):
    """Photos of a set, such as PPM-100, or foregrounds before the background that a list names, such as Composition-1k.

    Args:
        pictures: a ``PairSet`` of photos and alpha, or a list of ``dataset.layouts.lists.Listed``. Backgrounds are made to
            fit by ``dataset.layouts.pictures.behind``.
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
        """Whether every image was composed, so that its background is known."""
        return all(picture.bgr is not None for picture in self._pictures[:len(self.names)])

    def _make(self, index):
        name, fgr_file, pha_file, bgr_file, trimap_file = self._pictures[index]
        fgr, pha = read_fgr_pha(fgr_file, pha_file)
        given = None if trimap_file is None else read_given(trimap_file)
        if given is not None:
            check_sizes(given, trimap_file, pha, pha_file)
            given = _shrunk(given, self._longest, cv2.INTER_NEAREST)
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


def _shrunk(image, longest, how=None):
    """``image`` with a longer side of ``longest`` pixels at most; ``how``: OpenCV's interpolation, else ``resize``'s own."""
    scale = 1 if longest is None else min(1, longest / max(image.shape[:2]))
    if scale == 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return resize(image, height, width) if how is None else cv2.resize(image, (width, height), interpolation=how)
