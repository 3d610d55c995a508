"""A sample of the stream: a subject placed before a scene, recoloured, relit, and often partly hidden in it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import numpy as np

from bgmatting.dataset.generate import Sample
from bgmatting.dataset.generate.subjects.subject import CAMOUFLAGE, same_light
from bgmatting.dataset.stream import looks, scenes
from bgmatting.dataset.stream.coat import maybe_coated
from bgmatting.dataset.stream.placing import place
from bgmatting.dataset.stream.subjects import Folder, paint
from bgmatting.utils.errors import UserError

SEEN = (0.02, 0.92)   # share of the frame that the subject covers; placed anew outside
PLACINGS = 6          # tries until it does
CROWD = 0.08          # share of samples with a second subject behind the first
SAME_LIGHT = 0.4      # share of subjects that are lit as the scene is
BLED = 0.2            # share of subjects whose soft edges keep colours of another scene
DEFOCUSED = 0.2       # share of subjects out of focus


class Stream:
    """Samples by seed, of painted and rendered subjects before drawn and photographed scenes.

    Args:
        painted, rendered, photos: {"share": number, "folder": path or None}. The shares of painted and rendered are of the
            subjects and relative to one another; that of photos is of the scenes, and the others are drawn. Painted
            subjects without a folder are painted anew for each sample.
        valid: whether to draw what is held out for validation: other files, photographs as they are, and no drawn
            scenes where there are photographs.
    Attributes:
        sets: the ``PairSet`` and ``BackgroundSet`` of the files that samples are drawn from.
    Raises UserError: a share without a folder, no share at all, or a folder with less than two usable files.
    """

    def __init__(self, painted: dict, rendered: dict, photos: dict, valid: bool = False):
        if painted["share"] + rendered["share"] <= 0:
            raise UserError("stream_painted and stream_rendered have no share; give one of them a share above 0.")
        for name, part in (("rendered", rendered), ("photos", photos)):
            if part["share"] > 0 and not part["folder"]:
                raise UserError(f"stream_{name} has a share of {part['share']:g} but no folder; name its folder.")
        self._rendered_share = rendered["share"] / (painted["share"] + rendered["share"])
        self._painted = Folder(painted["folder"], valid) if painted["folder"] and painted["share"] > 0 else None
        self._rendered = Folder(rendered["folder"], valid) if rendered["share"] > 0 else None
        self._photos = scenes.Photos(photos["folder"], valid) if photos["share"] > 0 else None
        self._photo_share = 1.0 if valid else photos["share"]
        self.sets = [source.set for source in (self._painted, self._rendered, self._photos) if source is not None]

    def sample(self, seed: int | Sequence[int], height: int, width: int, kind: str | None = None,
               camouflage: float | None = None, load: Callable | None = None) -> Sample:
        """Make the sample of ``height`` x ``width`` pixels that ``seed`` (int, or a sequence of ints) names.

        Args:
            kind: of painted subjects, a member of ``generate.KINDS`` or, in a folder, of the names there; None: any.
            camouflage: share of subjects that take colours of their scene or give it theirs; None: the generator's own.
            load: (one of ``sets``, index, least) -> the item; default: the set's own ``load``.
        Raises UserError: a file cannot be used.
        """
        load = load or (lambda items, index, *least: items.load(index, *least))
        rng = np.random.default_rng(seed)
        scene = self._scene(rng, height, width, load)
        rgba = self._subject(rng, height, width, kind, load)
        if rng.random() < CROWD:
            rgba = rgba + self._subject(rng, height, width, kind, load) * (1 - rgba[..., 3:])
        fgr, pha = looks.straight(rgba)
        fgr = looks.recoloured(rng, fgr)
        if rng.random() < BLED:
            fgr = looks.bled(rng, fgr, pha, scene)
        if rng.random() < SAME_LIGHT:
            fgr = same_light(fgr, scene, rng.uniform(0.1, 0.6), pha)
        if rng.random() < (CAMOUFLAGE if camouflage is None else camouflage):
            fgr, scene = looks.hidden(rng, fgr, pha, scene)
        if rng.random() < DEFOCUSED:
            fgr, pha = looks.defocused(fgr, pha, np.exp(rng.uniform(np.log(0.5), np.log(2.5))))
        return Sample(*(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in (pha, fgr, scene)))

    def _scene(self, rng, height, width, load):
        if self._photos is None or rng.random() >= self._photo_share:
            return scenes.drawn(rng, height, width)
        least = max(scenes.SHORTEST, min(height, width))
        return self._photos.draw(rng, height, width, lambda index: load(self._photos.set, index, least))

    def _subject(self, rng, height, width, kind, load):
        """A subject placed in the frame, float32 (height, width, 4), colour multiplied by alpha."""
        rendered = rng.random() < self._rendered_share
        folder = self._rendered if rendered else self._painted
        for _ in range(PLACINGS):
            if folder is None:
                subject = paint(rng, kind)
            else:
                subject = folder.draw(rng, None if rendered else kind, lambda index: load(folder.set, index))
            rgba = place(rng, maybe_coated(rng, subject), height, width)
            if SEEN[0] < rgba[..., 3].mean() < SEEN[1]:
                break
        return rgba


def open_stream(config: dict, valid: bool = False) -> Stream | None:
    """Open the ``Stream`` that a stage's configuration describes; None where it names no folder and no share of its own:
    then samples are ``generate.make_sample``'s, each subject painted for its scene.

    Raises UserError: as ``Stream``.
    """
    parts = {name: config[f"stream_{name}"] for name in ("painted", "rendered", "photos")}
    if not parts["painted"]["folder"] and not parts["rendered"]["share"] and not parts["photos"]["share"]:
        return None
    return Stream(**parts, valid=valid)
