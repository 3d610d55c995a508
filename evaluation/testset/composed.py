"""The fixed benchmark: the same images for the same seed, in any order, on any number of workers."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bgmatting.dataset.layouts.sets import BackgroundSet, PairSet
from bgmatting.evaluation.testset.placement import NOISE_SIGMA, PLACEMENTS, disturb_background
from bgmatting.evaluation.testset.trimap import trimap_of
from bgmatting.media.files import in_order
from bgmatting.media.operations import blend, cover
from bgmatting.utils.errors import UserError

BACKGROUND_STREAM = 2 ** 32 - 1  # the seed of the background order; no item has this number


class EvalItem(NamedTuple):
    """One benchmark image: src, bgr, fgr uint8 RGB (H, W, 3); pha, trimap, given uint8 (H, W).

    fgr is None where the true foreground is not known, trimap where the whole image counts, bgr where src is a photo
    as it is and nobody photographed the empty scene. given is the trimap that came with the image, or None.
    """
    name: str
    src: np.ndarray
    bgr: np.ndarray | None
    pha: np.ndarray
    fgr: np.ndarray | None
    trimap: np.ndarray | None
    given: np.ndarray | None = None

    def extra(self, needs: str | None) -> np.ndarray | None:
        """A method's input beside src: ``needs`` is "bgr", "trimap" (the one given, else that of the errors, else one made
        of pha by the rule "paper"), or None.

        Raises UserError: bgr is needed, and there is none.
        """
        if needs == "bgr" and self.bgr is None:
            raise UserError(f"{self.name} is a photo without an image of the empty scene, which this method needs. "
                            "Evaluate it under a protocol that composes images, such as paper.")
        if needs != "trimap":
            return {"bgr": self.bgr, None: None}[needs]
        known = self.trimap if self.given is None else self.given
        return trimap_of(self.pha, "paper") if known is None else known


class ItemSet:
    """A benchmark: ``len(set)`` items called ``names``; ``set[i]`` makes item i as ``EvalItem``, by ``_make``.

    Args:
        names: of all items.
        limit: only the first so many; None or a number beyond the end takes all.
    Raises UserError: the limit is below 1.
    """

    size = None

    def __init__(self, names: list[str], limit: int | None = None):
        if limit is not None and limit < 1:
            raise UserError(f"the limit is {limit}; use 1 or more.")
        self.names = names[:limit]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> EvalItem:
        """Raises UserError where a file cannot be read, or images that belong together differ in size."""
        if not 0 <= index < len(self.names):
            raise IndexError(f"item {index} of {len(self.names)}")
        return self._make(index)


class EvaluationSet(ItemSet):
    """Composites of foregrounds on backgrounds, fixed by a seed. ``set[i]`` makes item i as ``EvalItem``.

    Each foreground gets one background (or ``each``): a seeded permutation of the backgrounds is dealt out in turn and
    starts over when it is used up. A background is resized to cover the frame and cut to its centre, never stretched, unless
    the placement says otherwise.

    Args:
        size: (height, width) of every item; the subject is scaled and placed so that it fits. None keeps each
            foreground as it is, at its own size.
        seed: whole number >= 0. Each item draws from its own stream (seed, index).
        disturb: vary bgr, but not the background inside src, by ``placement.disturb_background``.
        limit: use only the first so many foregrounds; None or a number beyond the end uses all.
        each: backgrounds per foreground; above 1 the items are called NAME_0, NAME_1 ...
        clips: the foregrounds are frames of clips (``pair_set.subjects``), and all frames of a clip stand before one
            background, disturbed once. They keep their size.
        noise, trimap, placement: as of ``evaluation.protocols.Protocol``.
    Raises UserError: a negative seed, a limit, size or ``each`` below 1, or clips that are
        to be resized or shown before several backgrounds.
    """

    def __init__(self, pair_set: PairSet, background_set: BackgroundSet, size: tuple[int, int] | None = (2048, 2048),
                 seed: int = 0, disturb: bool = True, limit: int | None = None, each: int = 1, clips: bool = False,
                 noise: float = NOISE_SIGMA, trimap: str = "paper", placement: str = "fit"):
        _check(size, seed, each, clips)
        names, numbers = pair_set.names, {}
        clip = [numbers.setdefault(subject, len(numbers)) for subject in pair_set.subjects] if clips else None
        self._which = list(range(len(names)))  # foregrounds, those of a clip as they follow each other
        if clips:
            self._which.sort(key=lambda which: (clip[which], in_order(names[which])))
        self._clips = clip and [clip[which] for which in self._which]
        super().__init__([names[which] for which in self._which], limit)
        self._pairs, self._backgrounds = pair_set, background_set
        self._order = np.random.default_rng((seed, BACKGROUND_STREAM)).permutation(len(background_set))
        self.size, self.seed, self.disturb = size, seed, disturb
        self._each, self._noise, self._trimap, self._placement = each, noise, trimap, PLACEMENTS[placement]
        if each > 1:
            self.names = [f"{name}_{number}" for name in self.names for number in range(each)]

    def _make(self, index):
        stream = index if self._clips is None else self._clips[index]
        rng = np.random.default_rng((self.seed, stream))
        _, fgr, pha = self._pairs.load(self._which[index // self._each])
        scene = self._backgrounds.load(int(self._order[stream % len(self._order)]))
        if self.size is not None:
            fgr, pha = self._placement.subject(fgr, pha, self.size, rng)
            scene = self._placement.scene(scene, self.size, rng)
        scene = cover(scene, pha.shape)
        src = blend(fgr, pha, scene)
        bgr = disturb_background(scene, rng, self._noise) if self.disturb else scene
        return EvalItem(self.names[index], src, bgr, pha, fgr, trimap_of(pha, self._trimap))


def _check(size, seed, each, clips):
    if each < 1:
        raise UserError(f"there are {each} backgrounds for each foreground; use 1 or more.")
    if seed < 0:
        raise UserError(f"the seed is {seed}; use 0 or more.")
    if size is not None and min(size) < 1:
        raise UserError(f"the size is {size[1]}x{size[0]}; use 1 or more.")
    if clips and (size is not None or each > 1):
        raise UserError("frames of clips keep their size and have one background a clip: leave --size and "
                        "--backgrounds-each out, or --sequences.")
