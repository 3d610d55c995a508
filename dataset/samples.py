"""Training samples and the order they come in: pure functions of (seed, epoch, number), for any count of workers.

A sample is (src, bgr, fgr, pha), uint8, channels first. A batch shares one crop size, drawn from the phase's range. For
methods that see one photo alone a trimap follows, and bgr is just as it is inside src.
"""
from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import namedtuple
from collections.abc import Sequence

import cv2
import numpy as np

from bgmatting.dataset.augment import (
    BACKGROUND_SCALE,
    PAIR_SCALE,
    augment_background,
    augment_pair,
    disturb_photo,
    draw_affine,
    shortest_side,
)
from bgmatting.dataset.badfiles import BadFiles
from bgmatting.dataset.catalog import Catalog
from bgmatting.dataset.composite import compose_alone, compose_pair
from bgmatting.dataset.cuts import Cuts, cut_pair, cut_photo
from bgmatting.dataset.generate import KINDS, make_sample
from bgmatting.dataset.layouts.sets import BackgroundSet, ColourSet, PairSet
from bgmatting.dataset.stream import open_stream
from bgmatting.dataset.stream.stream import Stream
from bgmatting.dataset.trimaps import random_trimap
from bgmatting.utils.errors import UserError, suggest

# What a worker needs to know to make one sample; epoch and number feed its random stream.
SampleKey = namedtuple("SampleKey", "seed epoch number height width")

# Last words of seeds, so that no two streams are the same. A seed's trailing zeros count for nothing.
SAMPLE_STREAM, VALID_STREAM, ORDER_STREAM, REPLACEMENT_STREAM, PAIRING_STREAM, TRIMAP_STREAM = 1, 2, 3, 4, 5, 6


class _Samples:
    """What the sets of samples share: ``set[key]`` is a sample, or the UserError that kept it from being made.

    Args:
        sets: whose files are read; for one that cannot be, another takes the place.
        bad_files_max: unreadable files to pass over before a sample is an error.
    """

    def __init__(self, augment: dict[str, float], sets: Sequence, bad_files_max: int, cuts: Cuts | None, alone: bool):
        self.augment, self.cuts, self.alone = augment, cuts, alone
        self._bad_files = BadFiles(sets, bad_files_max)

    def __getitem__(self, key):
        try:
            return self._make(np.random.default_rng([key.seed, key.epoch, key.number]), key)
        except UserError as error:
            return error  # read_batches raises it in the trainer

    def news(self) -> list[str]:
        """One line for each file found unreadable since the last call; for the main process."""
        return self._bad_files.news()


class CompositeSet(_Samples):
    """Foregrounds of a ``PairSet`` before backgrounds of a ``BackgroundSet``, augmented as in the paper.

    Args:
        size: side of the square that both are placed on before the crop, in pixels.
        scale: range of the foreground's size, 1 covers the square (``PAIR_SCALE``).
        augment: the ``augment`` section of a stage's configuration.
        bad_files_max: unreadable files to pass over before a sample is an error.
        longer: where there are more backgrounds than foregrounds, an epoch is every background once; else, and without
            it, every foreground once.
        alone: whether samples are for a method that sees one photo alone.
        cuts: None, or the ``Cuts`` of windows that are cut out at the foreground's own size, in place of ``size`` and
            ``scale``.
    """

    def __init__(self, pairs: PairSet, backgrounds: BackgroundSet | ColourSet, size: int, scale: tuple[float, float],
                 augment: dict[str, float], bad_files_max: int = 0, longer: bool = False, alone: bool = False,
                 cuts: Cuts | None = None):
        super().__init__(augment, [pairs, backgrounds], bad_files_max, cuts, alone)
        self.pairs, self.backgrounds, self.size, self.scale = pairs, backgrounds, size, scale
        self._by_background = longer and len(backgrounds) > len(pairs)

    def __len__(self):
        return len(self.backgrounds if self._by_background else self.pairs)

    @property
    def epoch(self) -> str:
        """Description of an epoch, for messages."""
        if self._by_background:
            return f"each of {len(self.backgrounds)} backgrounds once, with {len(self.pairs)} foregrounds in turn"
        return f"each of {len(self.pairs)} foregrounds once, on {len(self.backgrounds)} backgrounds by chance"

    def _make(self, rng, key):
        of_pair, of_bgr, subject, scene = self._draw(rng, key)
        frame, seed = (key.height, key.width), [key.seed, key.epoch, key.number, REPLACEMENT_STREAM]
        pair = self._bad_files.load(0, subject, seed, None if self.cuts else shortest_side(of_pair, frame))
        bgr = self._bad_files.load(1, scene, seed, None if self.cuts else shortest_side(of_bgr, frame))
        if self.cuts:
            fgr, pha, bgr = cut_pair(rng, pair.fgr, pair.pha, bgr, frame, self.cuts)
        else:
            fgr, pha = augment_pair(rng, pair.fgr, pair.pha, frame, self.size, of_pair)
            bgr = augment_background(rng, bgr, frame, self.size, of_bgr)
        return _sample(rng, fgr, pha, bgr, self.augment, key if self.alone else None)

    def describe(self, key: SampleKey) -> str:
        """Return which files a sample is made of, for messages."""
        *_, subject, scene = self._draw(np.random.default_rng([key.seed, key.epoch, key.number]), key)
        return f"{self.pairs.names[subject]} on {self.backgrounds.names[scene]}"

    def _draw(self, rng, key):
        """(how the pair and the background are placed, which pair, which background); ``rng``: as new."""
        placed = draw_affine(rng, self.scale), draw_affine(rng, BACKGROUND_SCALE)
        if not self._by_background:
            return (*placed, key.number, int(rng.integers(len(self.backgrounds))))
        # Another foreground for each background in every epoch, and all foregrounds equally often.
        shift = int(np.random.default_rng([key.seed, key.epoch, 0, PAIRING_STREAM]).integers(len(self.pairs)))
        return (*placed, (key.number + shift) % len(self.pairs), key.number)


class PhotoSet(_Samples):
    """Photos as they are with their alpha, for methods that see one photo alone: windows of them.

    Where a sample has a foreground and a background, both are the photo: composed by any alpha they give it.

    Args:
        pairs: a ``PairSet`` of photos and alpha; cuts: ``Cuts``.
        augment, bad_files_max: as of ``CompositeSet``.
    """

    def __init__(self, pairs: PairSet, cuts: Cuts, augment: dict[str, float], bad_files_max: int = 0):
        super().__init__(augment, [pairs], bad_files_max, cuts, True)
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    @property
    def epoch(self) -> str:
        """As of ``CompositeSet``."""
        return f"each of {len(self.pairs)} photos once"

    def _make(self, rng, key):
        pair = self._bad_files.load(0, key.number, [key.seed, key.epoch, key.number, REPLACEMENT_STREAM])
        photo, pha = cut_photo(rng, pair.fgr, pair.pha, (key.height, key.width), self.cuts)
        return _arrays(disturb_photo(rng, photo, self.augment), photo, photo, pha, key)

    def describe(self, key: SampleKey) -> str:
        """As of ``CompositeSet``."""
        return self.pairs.names[key.number]


class StreamSet(_Samples):
    """Generated samples, a fresh one each time.

    Args:
        length: samples that count as one epoch.
        augment: the ``augment`` section of a stage's configuration.
        camouflage: share of subjects that take colours of their background; None: the generator's own.
        kinds: members of ``generate.KINDS`` to draw painted subjects from, one named twice comes twice as often; empty: the
            generator's shares.
        alone, cuts: as of ``CompositeSet``; size: side of the square that is made for windows to be cut out of.
        stream: the ``Stream`` that samples are drawn from; None: each is painted whole by ``generate.make_sample``.
        bad_files_max: as of ``CompositeSet``, of the stream's files.
    Raises UserError: an unknown kind.
    """

    def __init__(self, length: int, augment: dict[str, float], camouflage: float | None = None, kinds: Sequence[str] = (),
                 alone: bool = False, cuts: Cuts | None = None, size: int | None = None, stream: Stream | None = None,
                 bad_files_max: int = 0):
        for kind in set(kinds) - set(KINDS):
            raise UserError(f"unknown kind of generated subject '{kind}'.{suggest(kind, KINDS)}")
        super().__init__(augment, stream.sets if stream else [], bad_files_max, cuts, alone)
        self.length, self.size, self.camouflage, self.kinds, self.stream = length, size, camouflage, tuple(kinds), stream

    def __len__(self):
        return self.length

    def _make(self, rng, key):
        kind = self.kinds[rng.integers(len(self.kinds))] if self.kinds else None
        frame = key.height, key.width
        pha, fgr, bgr = self._whole(key, *((self.size, self.size) if self.cuts else frame), kind)
        if self.cuts:
            fgr, pha, bgr = cut_pair(rng, fgr, pha, bgr, frame, self.cuts)
        return _sample(rng, fgr, pha, bgr, self.augment, key if self.alone else None)

    def _whole(self, key, height, width, kind):
        words = [key.seed, key.epoch, key.number]
        if self.stream is None:
            return make_sample([*words, SAMPLE_STREAM], height, width, kind, self.camouflage)

        def load(items, index, *least):
            return self._bad_files.load(self.stream.sets.index(items), index, [*words, REPLACEMENT_STREAM], *least)

        return self.stream.sample([*words, SAMPLE_STREAM], height, width, kind, self.camouflage, load)

    @property
    def epoch(self) -> str:
        """As of ``CompositeSet``."""
        return f"{self.length} generated samples"

    def describe(self, key: SampleKey) -> str:
        """Return which sample it is, for messages."""
        return f"generated sample {key.number} of epoch {key.epoch + 1}"


def training_set(config: dict, phase: str, catalog: Catalog | None,
                 alone: bool = False) -> CompositeSet | PhotoSet | StreamSet:
    """The training samples of one phase.

    Args:
        catalog: where the datasets lie (``dataset.catalog.Catalog``); not used for "stream".
        alone: whether they are for a method that sees one photo alone. Sets of photos are then taken as they are.
    """
    name, augment, settings = config["dataset_name"], config["augment"], config["phases"][phase]
    cuts = Cuts(tuple(settings["cuts"]), settings["cut_unknown"]) if settings.get("cuts") else None
    if name == "stream":
        return StreamSet(config["stream_length"], augment, config["stream_camouflage"], config["stream_kinds"], alone, cuts,
                         settings["size"], open_stream(config), config["bad_files_max"])
    if alone and catalog.holds_photos(name):
        return PhotoSet(catalog.photos(name, "train"), cuts or Cuts(), augment, config["bad_files_max"])
    return CompositeSet(catalog.pairs(name, "train"), catalog.backgrounds(config["background_name"], "train"),
                        settings["size"], PAIR_SCALE.get(phase, PAIR_SCALE["base"]), augment, config["bad_files_max"],
                        config["epoch_of"] == "longer", alone, cuts)


def data_facts(config: dict, catalog: Catalog, alone: bool = False) -> dict[str, str]:
    """What tells the files that a stage trains and validates on from others, wherever they lie: {"training files",
    "validation files": counts and a sum of the names below each set's folder}; {} for "stream", whose samples are
    generated.

    Args: as of ``training_set``. Raises UserError: a set is missing, unreadable or empty.
    """
    name, facts = config["dataset_name"], {}
    if name == "stream":
        return facts
    photos = alone and catalog.holds_photos(name)
    for what, split in (("training files", "train"), ("validation files", "valid")):
        sets = [catalog.photos(name, split)] if photos else [
            catalog.pairs(name, split), catalog.backgrounds(config["background_name"], split)]
        # Another system may spell accents in another way: the files are the same.
        names = [[unicodedata.normalize("NFC", path) for path in items.names] for items in sets]
        digest = hashlib.blake2b(json.dumps(names).encode(), digest_size=8).hexdigest()
        facts[what] = f"{' + '.join(str(len(items)) for items in sets)} (sum {digest})"
    return facts


def _sample(rng, fgr, pha, bgr, augment, alone=None):
    """``alone``: None, or the key of a sample for a method that sees one photo alone."""
    if alone is None:
        return _arrays(*compose_pair(rng, fgr, pha, bgr, augment), fgr, pha)
    return _arrays(*compose_alone(rng, fgr, pha, bgr, augment), fgr, pha, alone)


def _arrays(src, bgr, fgr, pha, key=None):
    """Channels first; with a ``key`` a trimap as well, drawn from a stream of its own."""
    arrays = tuple(np.stack(cv2.split(image)) for image in (src, bgr, fgr)) + (pha[None],)
    if key is None:
        return arrays
    return (*arrays, random_trimap(np.random.default_rng([key.seed, key.epoch, key.number, TRIMAP_STREAM]), pha)[None])
