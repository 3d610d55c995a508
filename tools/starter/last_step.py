"""The small network of the last step (``model.inference.unmix``): from what is known of a soft pixel to its alpha."""
from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from safetensors.torch import save as safetensors_bytes
from torch import nn

from bgmatting.dataset.samples import SampleKey
from bgmatting.model import Matter
from bgmatting.model.inference.unmix import EVIDENCE, evidence, open_pixels
from bgmatting.utils.cli import say
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import write_bytes
from tools.starter.processes import samples_of

SEED = 977      # of the samples, which training has not seen
LEAST = 300     # pixels that a matte must have open
HEAVY = 4.0     # times the mean is the most that a pixel counts, ...
LIGHT = 0.1     # and the least
OUTSIDE = 0.1   # how much the loss counts what is cut off at 0 and 1


def write_last_step(settings: dict, stage: dict, out: str | Path) -> None:
    """Fit the network to samples of a stage and write it.

    Args:
        settings: section ``last_step`` of a recipe. stage: a stage's configuration of "stream".

    Raises:
        UserError: no sample has enough of a soft edge; or as ``Matter``.
    """
    rows, true, counts = gathered(settings, stage)
    say(f"{rows.shape[1]} pixels; mean error before: {float((counts * np.abs(rows[0] - true)).mean()):.4f}")
    layers = fitted(settings, rows, true, counts)
    arrays = {f"{layer}.{name}": value for layer, part in enumerate(layers) for name, value in part.items()}
    write_bytes(Path(out), safetensors_bytes(arrays))


def gathered(settings: dict, stage: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(evidence (E, N), true alpha (N,), how much each pixel counts (N,)), float32, of pixels drawn from mattes of samples.

    A pixel counts as many as it was drawn for. The recipe's ``processes`` share the samples.
    """
    parts = settings["processes"]
    share = partial(_gathered, settings, stage)
    if parts == 1:
        found = share(0)
    else:
        with ProcessPoolExecutor(parts, get_context("spawn")) as pool:
            found = [item for items in pool.map(share, range(parts)) for item in items]
    if not found:
        raise UserError("no sample has enough of a soft edge. Name folders with more subjects.")
    rows, true, counts = (np.concatenate(parts, -1) for parts in zip(*found))
    return rows, true, np.clip(counts / counts.mean(), LIGHT, HEAVY)


def _gathered(settings, stage, part):
    """A part of what ``gathered`` finds, sample by sample."""
    samples = samples_of(stage)
    matters = {(scale, pixels): Matter(settings["weights"], backbone_scale=scale, sample_pixels=pixels,
                                       threads=settings["threads"]) for _, scale, pixels in settings["looks"]}
    share = np.array([look[0] for look in settings["looks"]], float)
    found = []
    for number in range(part, settings["samples"], settings["processes"]):
        rng = np.random.default_rng([SEED, number])
        height, width = settings["sizes"][rng.integers(len(settings["sizes"]))]
        sample = samples[SampleKey(SEED, 0, number, height, width)]
        if isinstance(sample, UserError):
            raise sample
        src, bgr, _, pha = (np.ascontiguousarray(np.moveaxis(image, 0, -1)) for image in sample)
        _, scale, pixels = settings["looks"][rng.choice(len(share), p=share / share.sum())]
        place, rows = _evidence(matters[scale, pixels], src, bgr)
        if len(place) >= LEAST:
            drawn = rng.permutation(len(place))[:settings["pixels"]]
            counts = np.full(len(drawn), len(place) / len(drawn), np.float32)
            found.append((rows[:, drawn], pha.reshape(-1)[place[drawn]].astype(np.float32) / 255, counts))
        if part == 0 and number % 50 == 0:
            say(f"{number} samples")
    for matter in matters.values():
        matter.close()
    return found


def _evidence(matter, src, bgr):
    """(pixels, evidence) of the matte as the last step is given it."""
    found = np.empty(0, int), np.empty((len(EVIDENCE), 0), np.float32)

    def take(src, bgr, pha, residual, err):
        nonlocal found
        pixels = open_pixels(pha)
        if len(pixels):
            found = pixels, evidence(src, bgr, pha, residual, err, pixels)
        return pha

    with mock.patch("bgmatting.model.inference.pair.unmix", take):
        matter.predict(src, bgr, want=("pha",))
    return found


def fitted(settings: dict, rows: np.ndarray, true: np.ndarray, counts: np.ndarray) -> list[dict[str, torch.Tensor]]:
    """{"weight", "bias"} of the three layers, which find how far off the first row of ``rows`` is."""
    torch.manual_seed(settings["seed"])
    mean, spread = rows.mean(1), rows.std(1) + 1e-3
    first, values = torch.from_numpy(rows[0]), torch.from_numpy(((rows - mean[:, None]) / spread[:, None]).T.copy())
    true, counts = torch.from_numpy(true), torch.from_numpy(counts)
    width = settings["width"]
    network = nn.Sequential(nn.Linear(len(rows), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    steps = max(1, int(settings["rounds"] * len(true)) // settings["batch"])
    optimizer = torch.optim.AdamW(network.parameters(), settings["rate"], weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings["rate"], steps + 1, pct_start=0.1)
    recent = 0.0
    for step in range(steps):
        drawn = torch.randint(len(true), (settings["batch"],))
        pha = first[drawn] + network(values[drawn])[:, 0]
        inside = pha.clamp(0, 1)
        off = inside - true[drawn]
        loss = (counts[drawn] * (off.abs() + off ** 2 + OUTSIDE * (pha - inside).abs())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        recent += (float((counts[drawn] * off.abs().detach()).mean()) - recent) / min(step + 1, 200)
    say(f"mean error after: {recent:.4f}")
    layers = [{name: value.detach().clone() for name, value in layer.named_parameters()}
              for layer in network if isinstance(layer, nn.Linear)]
    scale = torch.from_numpy(spread)
    layers[0]["bias"] -= layers[0]["weight"] @ (torch.from_numpy(mean) / scale)  # so that rows need not be centred
    layers[0]["weight"] /= scale
    return layers

