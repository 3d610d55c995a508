"""Training samples and the order they come in: pure functions of (seed, epoch, number), for any count of workers.

A sample is (src, bgr, fgr, pha), uint8, channels first. A batch shares one crop size, drawn from the phase's range.
"""
from collections import namedtuple

import cv2
import numpy as np
from paddle.io import Dataset

from dataset.augment import BACKGROUND_SCALE, PAIR_SCALE, augment_background, augment_pair, draw_affine, shortest_side
from dataset.badfiles import BadFiles
from dataset.composite import compose_pair
from dataset.generate import KINDS, make_sample
from utils.errors import UserError, suggest

# What a worker needs to know to make one sample; epoch and number feed its random stream.
SampleKey = namedtuple("SampleKey", "seed epoch number height width")

# Last words of seeds, so that no two streams are the same. A seed's trailing zeros count for nothing.
SAMPLE_STREAM, VALID_STREAM, ORDER_STREAM, REPLACEMENT_STREAM, PAIRING_STREAM = 1, 2, 3, 4, 5


class CompositeSet(Dataset):
    """Foregrounds of a ``PairSet`` before backgrounds of a ``BackgroundSet``, augmented as in the paper.

    For a file that cannot be read another takes the place.

    Args:
        size: side of the square that both are placed on before the crop, in pixels.
        scale: range of the foreground's size, 1 covers the square (``PAIR_SCALE``).
        augment: the ``augment`` section of a stage's configuration.
        bad_files_max: unreadable files to pass over before a sample is an error.
        longer: where there are more backgrounds than foregrounds, an epoch is every background once; else, and without
            it, every foreground once.
    """

    def __init__(self, pairs, backgrounds, size, scale, augment, bad_files_max=0, longer=False):
        super().__init__()
        self.pairs, self.backgrounds = pairs, backgrounds
        self._by_background = longer and len(backgrounds) > len(pairs)
        self._bad_files = BadFiles([pairs, backgrounds], bad_files_max)
        self.size, self.scale, self.augment = size, scale, augment

    def __len__(self):
        return len(self.backgrounds if self._by_background else self.pairs)

    @property
    def epoch(self):
        """What an epoch is, for messages."""
        if self._by_background:
            return f"each of {len(self.backgrounds)} backgrounds once, with {len(self.pairs)} foregrounds in turn"
        return f"each of {len(self.pairs)} foregrounds once, on {len(self.backgrounds)} backgrounds by chance"

    def __getitem__(self, key):
        rng, of_pair, of_bgr, subject, scene = self._draw(key)
        frame = key.height, key.width
        try:
            seed = [key.seed, key.epoch, key.number, REPLACEMENT_STREAM]
            pair = self._bad_files.load(0, subject, seed, shortest_side(of_pair, frame))
            bgr = self._bad_files.load(1, scene, seed, shortest_side(of_bgr, frame))
        except UserError as error:
            return error  # read_batches raises it in the trainer
        fgr, pha = augment_pair(rng, pair.fgr, pair.pha, frame, self.size, of_pair)
        bgr = augment_background(rng, bgr, frame, self.size, of_bgr)
        return _sample(rng, fgr, pha, bgr, self.augment)

    def describe(self, key):
        """Which files a sample is made of, for messages."""
        *_, subject, scene = self._draw(key)
        return f"{self.pairs.names[subject]} on {self.backgrounds.names[scene]}"

    def _draw(self, key):
        """(random stream after these draws, how the pair and the background are placed, which pair, which background)"""
        rng = np.random.default_rng([key.seed, key.epoch, key.number])
        placed = draw_affine(rng, self.scale), draw_affine(rng, BACKGROUND_SCALE)
        if not self._by_background:
            return (rng, *placed, key.number, int(rng.integers(len(self.backgrounds))))
        # Another foreground for each background in every epoch, and all foregrounds equally often.
        shift = int(np.random.default_rng([key.seed, key.epoch, 0, PAIRING_STREAM]).integers(len(self.pairs)))
        return (rng, *placed, (key.number + shift) % len(self.pairs), key.number)

    def news(self):
        """One line for each file found unreadable since the last call; for the main process."""
        return self._bad_files.news()


class StreamSet(Dataset):
    """Generated samples, a fresh one each time; nothing touches the disk.

    Args:
        length: samples that count as one epoch.
        augment: the ``augment`` section of a stage's configuration.
        camouflage: share of subjects that take colours of their background; None: the generator's own.
        kinds: members of ``generate.KINDS`` to draw from, one named twice comes twice as often; empty: the generator's
            shares.

    Raises:
        UserError: an unknown kind.
    """

    def __init__(self, length, augment, camouflage=None, kinds=()):
        super().__init__()
        for kind in set(kinds) - set(KINDS):
            raise UserError(f"unknown kind of generated subject '{kind}'.{suggest(kind, KINDS)}")
        self.length, self.augment, self.camouflage, self.kinds = length, augment, camouflage, tuple(kinds)

    def __len__(self):
        return self.length

    def __getitem__(self, key):
        rng = np.random.default_rng([key.seed, key.epoch, key.number])
        kind = self.kinds[rng.integers(len(self.kinds))] if self.kinds else None
        pha, fgr, bgr = make_sample([key.seed, key.epoch, key.number, SAMPLE_STREAM], key.height, key.width, kind,
                                    self.camouflage)
        return _sample(rng, fgr, pha, bgr, self.augment)

    @property
    def epoch(self):
        """As of ``CompositeSet``."""
        return f"{self.length} generated samples"

    def describe(self, key):
        """Which sample it is, for messages."""
        return f"generated sample {key.number} of epoch {key.epoch + 1}"

    def news(self):
        """As of ``CompositeSet``: no files, no news."""
        return []


def training_set(config, phase, catalog):
    """The training samples of one phase.

    Args:
        config: a stage's configuration.
        phase: "base" or "joint".
        catalog: where the datasets lie (``dataset.catalog.Catalog``); not used for "stream".
    """
    if config["dataset_name"] == "stream":
        return StreamSet(config["stream_length"], config["augment"], config["stream_camouflage"],
                         config["stream_kinds"])
    return CompositeSet(
        catalog.pairs(config["dataset_name"], "train"), catalog.backgrounds(config["background_name"], "train"),
        config["phases"][phase]["size"], PAIR_SCALE[phase], config["augment"], config["bad_files_max"],
        config["epoch_of"] == "longer")


def _sample(rng, fgr, pha, bgr, augment):
    src, bgr = compose_pair(rng, fgr, pha, bgr, augment)
    return tuple(np.stack(cv2.split(image)) for image in (src, bgr, fgr)) + (pha[None],)
