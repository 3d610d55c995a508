"""Photos as they are, with their alpha: what methods are judged on that need no picture of the empty scene."""
from evaluation.testset.composed import EvalItem
from evaluation.testset.trimap import trimap_of
from media.operations import resize
from utils.errors import UserError


class PhotoTestSet:
    """Photos of a set, such as PPM-100, each as ``EvalItem`` without bgr and fgr.

    Args:
        pairs: ``PairSet`` of photos and alpha.
        trimap: the rule of ``evaluation.testset.trimap.TRIMAPS``.
        longest: pixels that the longer side is made at most; None: as it is.
        limit: use only the first so many; None uses all.

    Raises:
        UserError: there are no photos, or the limit is below 1.
    """

    size = None

    def __init__(self, pairs, trimap="paper", longest=None, limit=None):
        if len(pairs) == 0:
            raise UserError("the benchmark has no photos. Check the dataset's folder in configs/datasets.yml.")
        if limit is not None and limit < 1:
            raise UserError(f"the limit is {limit}; use 1 or more.")
        self._pairs, self._trimap, self._longest = pairs, trimap, longest
        self.names = pairs.names if limit is None else pairs.names[:limit]

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        if not 0 <= index < len(self.names):
            raise IndexError(f"item {index} of {len(self.names)}")
        name, photo, pha = self._pairs.load(index)
        scale = 1 if self._longest is None else min(1, self._longest / max(pha.shape))
        if scale < 1:
            height, width = (max(1, round(side * scale)) for side in pha.shape)
            photo, pha = resize(photo, height, width), resize(pha, height, width)
        return EvalItem(name, photo, None, pha, None, trimap_of(pha, self._trimap))
