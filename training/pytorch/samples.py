"""The stream of samples: each a function of (seed, number), with painted and rendered subjects in every batch."""
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from bgmatting.training.pytorch import camera, looks
from bgmatting.training.pytorch.placing import place
from bgmatting.training.pytorch.scenes import Scenes
from bgmatting.training.pytorch.subjects import Painted, Rendered

SAMPLE_STREAM, SIZE_STREAM = 21, 22   # last words of seeds
RESCAN = 400                          # samples after which a process looks for newly rendered subjects
LEAST_SEEN = 0.02                     # share of the frame that the subject covers; placed anew below
PLACINGS = 6
CROWD = 0.08                          # share of samples with a second subject behind the first


class Batch(NamedTuple):
    """float32 in 0..1: src, bgr, fgr (B, 3, H, W) and pha (B, 1, H, W)."""
    src: torch.Tensor
    bgr: torch.Tensor
    fgr: torch.Tensor
    pha: torch.Tensor


class Stream(Dataset):
    """Samples by key (number, height, width, rendered): src, bgr, fgr uint8 (3, H, W) and pha uint8 (1, H, W).

    Args:
        seed: whole number; other seeds give other samples.
        rendered: folders of rendered subjects, photos: folders of photographs; either may be empty.
        valid: what is held out from training.
    """

    def __init__(self, seed, rendered, photos, valid=False):
        self.seed, self.made = seed, 0
        self.rendered, self.painted = Rendered(rendered, valid), Painted(seed)
        self.scenes = Scenes(photos, valid)

    def __getitem__(self, key):
        number, height, width, rendered = key
        self.made += 1
        if self.made % RESCAN == 0:
            self.rendered.scan()
        rng = np.random.default_rng([self.seed, number, SAMPLE_STREAM])
        scene = self.scenes.draw(rng, height, width)
        rgba = self._subject(rng, number, height, width, rendered and len(self.rendered))
        pha, fgr = np.clip(rgba[..., 3], 0, 1), np.clip(rgba[..., :3] / np.maximum(rgba[..., 3:], 1e-3), 0, 1)
        fgr = looks.recoloured(rng, fgr)
        if rng.random() < 0.4:
            fgr = looks.lit_alike(rng, fgr, pha, scene)
        if rng.random() < looks.HIDING:
            fgr, scene = looks.hidden(rng, fgr, pha, scene)
        if rng.random() < 0.2:
            fgr, pha = defocused(fgr, pha, np.exp(rng.uniform(np.log(0.5), np.log(2.5))))
        src, bgr = camera.photographs(rng, fgr, pha, scene)
        fgr, pha = (np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in (fgr, pha))
        images = (src, bgr, fgr, pha[..., None])
        return tuple(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in images)

    def _subject(self, rng, number, height, width, rendered):
        rgba = self._one(rng, number, height, width, rendered)
        if rng.random() < CROWD:
            behind = self._one(rng, number, height, width, rendered)
            rgba = rgba + behind * (1 - rgba[..., 3:])
        return rgba

    def _one(self, rng, number, height, width, rendered):
        for _ in range(PLACINGS):
            subject = self.rendered.draw(rng) if rendered else self.painted.draw(rng, number)
            rgba = place(rng, subject, height, width)
            if LEAST_SEEN < rgba[..., 3].mean() < 0.92:
                break
        return rgba


class Keys:
    """The batches' keys from iteration ``start`` on; sizes are drawn for each iteration.

    Args:
        sizes: list of [share, [least, most] height, [least, most] width], pixels, made multiples of 16.
        pixels: about how many a batch has; it has 2 to ``most`` samples, an even number.
        start, stop: iterations.
    """

    def __init__(self, seed, sizes, pixels, most, start, stop):
        self.seed, self.sizes, self.pixels, self.most, self.start, self.stop = seed, sizes, pixels, most, start, stop

    def __len__(self):
        return max(self.stop - self.start, 0)

    def __iter__(self):
        for iteration in range(self.start, self.stop):
            rng = np.random.default_rng([self.seed, iteration, SIZE_STREAM])
            share = np.array([size[0] for size in self.sizes], float)
            _, *ranges = self.sizes[rng.choice(len(share), p=share / share.sum())]
            height, width = (int(rng.integers(low // 16, high // 16 + 1)) * 16 for low, high in ranges)
            if rng.random() < 0.35:
                height, width = width, height
            count = int(np.clip(round(self.pixels / (height * width) / 2) * 2, 2, self.most))
            yield [(iteration * self.most + place, height, width, place % 2 == 0) for place in range(count)]


def loader(stream, keys, workers):
    """Batches in order, uint8, made by ``workers`` processes beside the training."""
    return DataLoader(stream, batch_sampler=keys, num_workers=workers, worker_init_fn=_quiet,
                      prefetch_factor=3 if workers else None)


def defocused(fgr, pha, sigma):
    """Colour and alpha out of focus by ``sigma`` pixels; what lies beyond the outline does not mix in."""
    soft = cv2.GaussianBlur(np.dstack([fgr * pha[..., None], pha]), (0, 0), sigma)
    return soft[..., :3] / np.maximum(soft[..., 3:], 1e-3), soft[..., 3]


def as_batch(tensors):
    """A Batch of what the loader gives."""
    return Batch(*(tensor.float() / 255 for tensor in tensors))


def _quiet(_):
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
