"""Training samples and the order they come in: pure functions of (seed, epoch, number), for any count of workers.

A sample is (src, bgr, fgr, pha), uint8, channels first. A batch shares one crop size, drawn from the phase's range.
"""
from collections import namedtuple

import cv2
import numpy as np
from paddle.io import BatchSampler, Dataset

from dataset.augment import (BACKGROUND_SCALE, PAIR_SCALE, augment_background, augment_pair, draw_affine,
                             shortest_side)
from dataset.badfiles import BadFiles
from dataset.composite import blend, compose_pair
from dataset.evaluation import EvalItem, EvaluationSet, disturb_background
from dataset.generate import KINDS, make_sample
from utils.errors import UserError, suggest
from utils.schedule import batch_length
from utils.trimap import make_trimap

# What a worker needs to know to make one sample; epoch and number feed its random stream.
SampleKey = namedtuple("SampleKey", "seed epoch number height width")

# Last words of seeds, so that no two streams are the same. A seed's trailing zeros count for nothing.
SAMPLE_STREAM, VALID_STREAM, ORDER_STREAM, REPLACEMENT_STREAM = 1, 2, 3, 4


class CompositeSet(Dataset):
    """Foregrounds of a ``PairSet`` before backgrounds of a ``BackgroundSet``, augmented as in the paper.

    For a file that cannot be read another takes the place.

    Args:
        size: side of the square that both are placed on before the crop, in pixels.
        scale: range of the foreground's size, 1 covers the square (``PAIR_SCALE``).
        augment: the ``augment`` section of a stage's configuration.
        bad_files_max: unreadable files to pass over before a sample is an error.
    """

    def __init__(self, pairs, backgrounds, size, scale, augment, bad_files_max=0):
        super().__init__()
        self.pairs, self.backgrounds = pairs, backgrounds
        self._bad_files = BadFiles([pairs, backgrounds], bad_files_max)
        self.size, self.scale, self.augment = size, scale, augment

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, key):
        rng, of_pair, of_bgr, scene = self._draw(key)
        frame = key.height, key.width
        try:
            seed = [key.seed, key.epoch, key.number, REPLACEMENT_STREAM]
            pair = self._bad_files.load(0, key.number, seed, shortest_side(of_pair, frame))
            bgr = self._bad_files.load(1, scene, seed, shortest_side(of_bgr, frame))
        except UserError as error:
            return error  # read_batches raises it in the trainer
        fgr, pha = augment_pair(rng, pair.fgr, pair.pha, frame, self.size, of_pair)
        bgr = augment_background(rng, bgr, frame, self.size, of_bgr)
        return _sample(rng, fgr, pha, bgr, self.augment)

    def describe(self, key):
        """Which files a sample is made of, for messages."""
        return f"{self.pairs.names[key.number]} on {self.backgrounds.names[self._draw(key)[-1]]}"

    def _draw(self, key):
        """(random stream after these draws, how the pair is placed, how the background is placed, which background)"""
        rng = np.random.default_rng([key.seed, key.epoch, key.number])
        placed = draw_affine(rng, self.scale), draw_affine(rng, BACKGROUND_SCALE)
        return (rng, *placed, int(rng.integers(len(self.backgrounds))))

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

    def describe(self, key):
        """Which sample it is, for messages."""
        return f"generated sample {key.number} of epoch {key.epoch + 1}"

    def news(self):
        """As of ``CompositeSet``: no files, no news."""
        return []


class Batches(BatchSampler):
    """The batches of one epoch as lists of ``SampleKey``: a seeded shuffle, one crop an iteration, the rest dropped.

    An iteration takes ``accumulate`` batches in each of ``world`` processes. All processes cut the same shuffle, each
    its own pieces of it; together an iteration's batches are the one large batch of a single process.

    Args:
        length: samples in the set.
        batch_size: samples a batch; a smaller set gives one smaller batch.
        crop: (least, most) pixels of a crop's sides, made multiples of 4.
        start: iterations to pass over, where a run goes on in the middle of an epoch.
        accumulate: batches an iteration takes in a process.
        rank, world: number of this process, and how many there are.
    """

    def __init__(self, length, batch_size, crop, seed, epoch, start=0, accumulate=1, rank=0, world=1):
        self.batch_size = batch_length(length, batch_size, accumulate * world)
        self.seed, self.epoch, self.start = seed, epoch, start
        self.accumulate, self.rank, self.world = accumulate, rank, world
        rng = np.random.default_rng([seed, epoch, 0, ORDER_STREAM])
        self._order = rng.permutation(length)
        least, most = (side // 4 for side in crop)
        self._sides = rng.integers(least, most + 1, (length // (self.batch_size * accumulate * world), 2)) * 4

    def __len__(self):
        return (len(self._sides) - self.start) * self.accumulate

    def __iter__(self):
        for number in range(self.start, len(self._sides)):
            yield from self.iteration(number)

    def iteration(self, number):
        """The batches of one iteration of the epoch."""
        height, width = (int(side) for side in self._sides[number])
        first = (number * self.accumulate * self.world + self.rank) * self.batch_size
        for at in range(first, first + self.accumulate * self.world * self.batch_size, self.world * self.batch_size):
            yield [SampleKey(self.seed, self.epoch, int(sample), height, width)
                   for sample in self._order[at:at + self.batch_size]]


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
        config["phases"][phase]["size"], PAIR_SCALE[phase], config["augment"], config["bad_files_max"])


def validation_set(config, catalog):
    """The fixed pictures a stage is validated on: ``valid_count`` of them, ``valid_size`` pixels a side.

    Raises:
        UserError: a file is missing or unreadable, or a subject or background is one of the training set, too.
    """
    count, size, seed = config["valid_count"], config["valid_size"], config["seed"]
    if config["dataset_name"] == "stream":
        return [_stream_item(seed, number, size) for number in range(count)]
    for name in (config["dataset_name"], config["background_name"]):
        catalog.check_disjoint(name, "train", "valid")
    return EvaluationSet(
        catalog.pairs(config["dataset_name"], "valid"), catalog.backgrounds(config["background_name"], "valid"),
        size=(size, size), seed=seed, limit=count)


def _stream_item(seed, number, size):
    pha, fgr, bgr = make_sample([seed, 0, number, VALID_STREAM], size, size)
    rng = np.random.default_rng([seed, 1, number, VALID_STREAM])
    return EvalItem(f"sample_{number:03d}", blend(fgr, pha, bgr), disturb_background(bgr, rng), pha, fgr, make_trimap(pha))


def _sample(rng, fgr, pha, bgr, augment):
    src, bgr = compose_pair(rng, fgr, pha, bgr, augment)
    return tuple(np.stack(cv2.split(image)) for image in (src, bgr, fgr)) + (pha[None],)
