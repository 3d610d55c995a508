"""Pictures as a set itself composes them: photos as they are, and the lines of list files with their own background."""
from bgmatting.dataset.layouts.listed import Listed, behind
from bgmatting.dataset.layouts.pictures import read_fgr_pha
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.evaluation.testset.trimap import trimap_of
from bgmatting.media import read_image
from bgmatting.media.operations import blend, resize
from bgmatting.media.reading import read_trimap
from bgmatting.utils.errors import UserError


class PhotoTestSet:
    """Photos of a set, such as PPM-100, or foregrounds before the background that a list names, such as Composition-1k.

    Args:
        pictures: a ``PairSet`` of photos and alpha, or a list of ``dataset.layouts.listed.Listed``. Backgrounds are made to
            fit by ``dataset.layouts.listed.behind``.
        trimap: the rule of ``evaluation.testset.trimap.TRIMAPS``; where a list names trimaps, those are taken, but for
            "whole".
        longest: pixels that the longer side of a photo is made at most; None: as it is.
        limit: use only the first so many; None uses all.

    Each item is an ``EvalItem``; bgr is None where src is a photo, and fgr as well.

    Raises:
        UserError: there are no pictures, or the limit is below 1.
    """

    size = None

    def __init__(self, pictures, trimap="paper", longest=None, limit=None):
        if not isinstance(pictures, list):
            pictures = [Listed(name, *files) for name, files in zip(pictures.names, pictures.files)]
        if not pictures:
            raise UserError("the benchmark has no photos. Check the dataset's folder in configs/datasets.yml.")
        if limit is not None and limit < 1:
            raise UserError(f"the limit is {limit}; use 1 or more.")
        self._pictures, self._trimap, self._longest = pictures[:limit], trimap, longest
        self.names = [picture.name for picture in self._pictures]

    @property
    def has_bgr(self):
        """Whether every picture was composed, so that its background is known."""
        return all(picture.bgr is not None for picture in self._pictures)

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        """Raises UserError where a file cannot be read or is of another size."""
        if not 0 <= index < len(self.names):
            raise IndexError(f"item {index} of {len(self.names)}")
        name, fgr_file, pha_file, bgr_file, trimap_file = self._pictures[index]
        fgr, pha = read_fgr_pha(fgr_file, pha_file)
        if bgr_file is None:
            src, fgr, bgr = _shrunk(fgr, self._longest), None, None
        else:
            bgr = behind(read_image(bgr_file), pha.shape)
            src = _shrunk(blend(fgr, pha, bgr), self._longest)
            fgr, bgr = _shrunk(fgr, self._longest), _shrunk(bgr, self._longest)
        pha = _shrunk(pha, self._longest)
        return EvalItem(name, src, bgr, pha, fgr, self._trimap_of(pha, trimap_file))

    def _trimap_of(self, pha, file):
        if file is None or self._trimap == "whole":
            return trimap_of(pha, self._trimap)
        trimap = read_trimap(file)
        if trimap.shape != pha.shape:
            raise UserError(f"{file} is {trimap.shape[1]}x{trimap.shape[0]}, but its alpha {pha.shape[1]}x{pha.shape[0]}; "
                            "both must have the same size.")
        return trimap


def _shrunk(image, longest):
    scale = 1 if longest is None else min(1, longest / max(image.shape[:2]))
    return image if scale == 1 else resize(image, *(max(1, round(side * scale)) for side in image.shape[:2]))
