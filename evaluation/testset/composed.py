"""The fixed benchmark: the same pictures for the same seed, in any order, on any number of workers."""
from typing import NamedTuple, Optional

import numpy as np

from bgmatting.evaluation.testset.placement import NOISE_SIGMA, PLACEMENTS, disturb_background
from bgmatting.evaluation.testset.trimap import trimap_of
from bgmatting.media.operations import blend, cover
from bgmatting.utils.errors import UserError

BACKGROUND_STREAM = 2 ** 32 - 1  # the seed of the background order; no item has this number


class EvalItem(NamedTuple):
    """One benchmark picture: src, bgr, fgr uint8 RGB (H, W, 3); pha, trimap uint8 (H, W).

    fgr is None where the true foreground is not known, trimap where the whole picture counts, bgr where src is a photo
    as it is and nobody photographed the empty scene.
    """
    name: str
    src: np.ndarray
    bgr: Optional[np.ndarray]
    pha: np.ndarray
    fgr: Optional[np.ndarray]
    trimap: Optional[np.ndarray]

    def extra(self, needs):
        """What a method is given beside src: ``needs`` is "bgr", "trimap" (where the whole picture counts, one by the rule
        "paper"), or None.

        Raises:
            UserError: bgr is needed, and there is none.
        """
        if needs == "bgr" and self.bgr is None:
            raise UserError(f"{self.name} is a photo without a picture of the empty scene, which this method needs. "
                            "Evaluate it under a protocol that composes pictures, such as paper.")
        trimap = trimap_of(self.pha, "paper") if needs == "trimap" and self.trimap is None else self.trimap
        return {"bgr": self.bgr, "trimap": trimap, None: None}[needs]


class EvaluationSet:
    """Composites of foregrounds on backgrounds, fixed by a seed. ``set[i]`` makes item i as ``EvalItem``.

    Each foreground gets one background (or ``each``): a seeded permutation of the backgrounds is dealt out in turn and
    starts over when it is used up. A background is resized to cover the frame and cut to its centre, never stretched.

    Args:
        pair_set: foregrounds with alpha (``dataset.layouts.sets.PairSet``).
        background_set: pictures of empty scenes (``dataset.layouts.sets.BackgroundSet``).
        size: (height, width) of every item; the subject is scaled and placed so that it fits. None keeps each
            foreground as it is, at its own size.
        seed: whole number >= 0. Each item draws from its own stream (seed, index).
        disturb: vary bgr, but not the background inside src, as Lin et al. (CVPR 2021) do: a shift of up to 0.3
            pixels, a gamma of 0.85 to 1.15, and noise whose mean is up to 0.02 either way.
        limit: use only the first so many foregrounds; None or a number beyond the end uses all.
        each: backgrounds per foreground; above 1 the items are called NAME_0, NAME_1 ...
        clips: the foregrounds are frames of clips (``pair_set.subjects``), and all frames of a clip stand before one
            background, disturbed once. They keep their size.
        noise: sigma of the disturbance's noise, of the range 0..1.
        trimap: the rule of ``evaluation.testset.trimap.TRIMAPS``.
        placement: where the subject stands in a frame of ``size``, of ``evaluation.testset.placement.PLACEMENTS``.

    Raises:
        UserError: no foreground, no background, a negative seed, a limit, size or ``each`` below 1, or clips that are
            to be resized or shown before several backgrounds.
    """

    def __init__(self, pair_set, background_set, size=(2048, 2048), seed=0, disturb=True, limit=None, each=1, clips=False,
                 noise=NOISE_SIGMA, trimap="paper", placement="fit"):
        _check(pair_set, background_set, size, seed, limit, each, clips)
        self._pairs, self._backgrounds = pair_set, background_set
        count = len(pair_set) if limit is None else min(limit, len(pair_set))
        self._order = np.random.default_rng((seed, BACKGROUND_STREAM)).permutation(len(background_set))
        numbers = {}
        self._clips = [numbers.setdefault(subject, len(numbers)) for subject in pair_set.subjects] if clips else None
        self.size, self.seed, self.disturb = size, seed, disturb
        self._each, self._noise, self._trimap, self._place = each, noise, trimap, PLACEMENTS[placement]
        self.names = list(pair_set.names[:count]) if each == 1 else [
            f"{name}_{number}" for name in pair_set.names[:count] for number in range(each)]

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        if not 0 <= index < len(self.names):
            raise IndexError(f"item {index} of {len(self.names)}")
        stream = index if self._clips is None else self._clips[index]
        rng = np.random.default_rng((self.seed, stream))
        _, fgr, pha = self._pairs.load(index // self._each)
        if self.size is not None:
            fgr, pha = self._place(fgr, pha, self.size, rng)
        scene = cover(self._backgrounds.load(int(self._order[stream % len(self._order)])), pha.shape)
        src = blend(fgr, pha, scene)
        bgr = disturb_background(scene, rng, self._noise) if self.disturb else scene
        return EvalItem(self.names[index], src, bgr, pha, fgr, trimap_of(pha, self._trimap))


def _check(pair_set, background_set, size, seed, limit, each, clips):
    if len(pair_set) == 0:
        raise UserError("the benchmark has no foregrounds. Check the dataset's folder in configs/datasets.yml.")
    if len(background_set) == 0:
        raise UserError("the benchmark has no backgrounds. Check the folder in configs/datasets.yml.")
    if limit is not None and limit < 1:
        raise UserError(f"the limit is {limit}; use 1 or more.")
    if each < 1:
        raise UserError(f"there are {each} backgrounds for each foreground; use 1 or more.")
    if seed < 0:
        raise UserError(f"the seed is {seed}; use 0 or more.")
    if size is not None and min(size) < 1:
        raise UserError(f"the size is {size[1]}x{size[0]}; use 1 or more.")
    if clips and (size is not None or each > 1):
        raise UserError("frames of clips keep their size and have one background a clip: leave --size and "
                        "--backgrounds-each out, or --sequences.")
