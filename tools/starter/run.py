"""A training run: iterations from where the last process stopped, averages, checkpoints, validation."""
from __future__ import annotations

import io
import math
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import cv2
import numpy as np
import torch
from safetensors.torch import save as safetensors_bytes
from torch.utils.data import DataLoader

from bgmatting.dataset.samples import SampleKey
from bgmatting.model.export.torch_network import load_state, state_of
from bgmatting.utils.cli import StopOnSignal, say
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import write_bytes
from tools.starter.losses import Batch

SIZE_STREAM, ENLARGED_STREAM = 22, 23  # last words of seeds
MOST = 1_100_000  # pixels of one sample that the base may be shown in ``mixed``, for the sake of memory


class Buckets:
    """Keys of the samples of each iteration: one of a few fixed sizes, for which oneDNN keeps its kernels.

    Args:
        buckets: list of [share of the iterations, samples, height, width].
        start, stop: iterations.
        part, parts: which process of how many this is; each takes its share of every batch.

    Raises:
        UserError: the samples of a bucket cannot be shared evenly.
    """

    def __init__(self, seed: int, buckets: list, start: int, stop: int, part: int = 0, parts: int = 1):
        for bucket in buckets:
            if bucket[1] % parts:
                raise UserError(f"buckets: {bucket[1]} samples cannot be shared by {parts} processes. Change either.")
        self.seed, self.buckets, self.start, self.stop, self.part, self.parts = seed, buckets, start, stop, part, parts
        self._share = np.array([bucket[0] for bucket in buckets], float)
        self._most = max(bucket[1] for bucket in buckets)

    def __len__(self) -> int:
        return max(self.stop - self.start, 0)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for iteration in range(self.start, self.stop):
            rng = np.random.default_rng([self.seed, iteration, SIZE_STREAM])
            _, count, height, width = self.buckets[rng.choice(len(self.buckets), p=self._share / self._share.sum())]
            yield [SampleKey(self.seed, 0, iteration * self._most + place, height, width)
                   for place in range(self.part, count, self.parts)]


class Run:
    """One phase of a recipe.

    Args:
        settings: the recipe's for this phase.
        folder: where its files go: checkpoint.pt, ema.safetensors, kept/ITERATION.safetensors, log.txt, valid.tsv.
        phase: of ``tools.starter.phases``.
        samples: a set of ``dataset.samples``.
        judge: a function of a state that returns a dict of numbers, called for each kept average; or None.
        part: which of the recipe's ``processes`` this is. The first alone reports and writes; torch.distributed must be up
            if there are several.

    Raises:
        UserError: the folder's checkpoint is of another network or other groups of parameters; or as ``Buckets``.
    """

    def __init__(self, settings: dict, folder: str | Path, phase, samples, judge: Callable | None = None, part: int = 0):
        self.settings, self.folder, self.phase, self.samples_of, self.judge = settings, Path(folder), phase, samples, judge
        self.part, self.parts = part, settings["processes"]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.optimizer = torch.optim.Adam(phase.groups(settings["rates"]))
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.iteration = self.samples = 0
        self.seconds = 0.0
        self.ema = {name: value.clone() for name, value in state_of(phase.model).items()}
        if (self.folder / "checkpoint.pt").is_file():
            self._resume(self.folder / "checkpoint.pt")
        self.keys = Buckets(settings["seed"], settings["buckets"], self.iteration, settings["iterations"], part, self.parts)

    def _resume(self, path):
        try:
            saved = torch.load(path, weights_only=True)  # runs no code from the file
            load_state(self.phase.model, saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.ema = saved["ema"]
            self.iteration, self.samples, self.seconds = saved["iteration"], saved["samples"], saved["seconds"]
        except (ValueError, KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(f"{path} is damaged or of another network ({type(error).__name__}). Name another folder with "
                            "--out, or remove the file to start anew.") from None

    def go(self) -> None:
        """Train to the end of the plan, or until a signal; the same call goes on after an interruption."""
        settings, first = self.settings, self.part == 0
        loader = DataLoader(self.samples_of, batch_sampler=self.keys, num_workers=settings["workers"], worker_init_fn=_quiet,
                            collate_fn=collated, prefetch_factor=3 if settings["workers"] else None)
        recent, began, saved, kept = {}, time.monotonic(), time.monotonic(), self.seconds
        with StopOnSignal() as stop:
            for batch in loader:
                wanted = self._step(batch, recent, stop)
                now = time.monotonic()
                self.seconds, began = self.seconds + now - began, now
                if first and self.iteration % settings["log_every"] == 0:
                    self._report(recent)
                if first and self.seconds - kept > settings["keep_seconds"]:
                    self._keep()
                    kept, saved, began = self.seconds, time.monotonic(), time.monotonic()
                elif first and (wanted or now - saved > settings["save_seconds"]):
                    self.save()
                    saved = time.monotonic()
                if wanted:
                    return
        if first:
            self._keep()

    def _step(self, batch, recent, stop):
        """One iteration. Returns whether any process was asked to stop."""
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * pace(self.iteration, self.settings)
        self.optimizer.zero_grad(set_to_none=True)
        scales = self._scales(batch)
        for scale in scales:
            terms = self.phase.terms(batch, scale)
            loss = sum(self.phase.weights[name] * term for name, term in terms.items())
            (loss / len(scales)).backward()
            for name, term in terms.items() if self.part == 0 else ():
                recent.setdefault(name, []).append(float(term.detach()))
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        wanted = self._shared([p.grad for p in parameters if p.grad is not None], stop.wanted)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.settings["clip"])
        if math.isfinite(norm):
            self.optimizer.step()
        self.iteration += 1
        self.samples += len(batch.src) * self.parts
        self._average()
        return wanted

    def _scales(self, batch):
        """Those of the phase, or the one of ``enlarged``, or one of ``mixed`` at which a sample has at most ``MOST`` pixels;
        drawn by iteration, and alike in all processes."""
        rng = np.random.default_rng([self.settings["seed"], self.iteration, ENLARGED_STREAM])
        if mixed := self.settings.get("mixed"):
            pixels = batch.pha.shape[2] * batch.pha.shape[3]
            shares, scales = zip(*[pair for pair in mixed if pixels * pair[1] ** 2 <= MOST])
            return [scales[rng.choice(len(scales), p=np.array(shares) / sum(shares))]]
        drawn = rng.random()
        share, scale, most = self.settings.get("enlarged") or (0, 1, 0)
        pixels = self.parts * batch.pha.shape[0] * batch.pha.shape[2] * batch.pha.shape[3]
        return [scale] if drawn < share and pixels <= most else self.phase.scales

    def _shared(self, gradients, stop):
        """Set gradients to their mean over the processes. Returns whether any of these was asked to stop."""
        if self.parts == 1:
            return stop
        flat = torch.cat([gradient.flatten() for gradient in gradients] + [torch.tensor([float(stop)])])
        torch.distributed.all_reduce(flat)
        place = 0
        for gradient in gradients:
            gradient.copy_(flat[place:place + gradient.numel()].view_as(gradient) / self.parts)
            place += gradient.numel()
        return bool(flat[-1])

    def _average(self):
        if self.part:
            return
        decay = min(self.settings["ema"], (1 + self.iteration) / (10 + self.iteration))
        with torch.no_grad():
            for name, value in state_of(self.phase.model).items():
                self.ema[name].lerp_(value, 1 - decay)

    def _report(self, recent):
        terms = " ".join(f"{name} {sum(values) / len(values):.5f}" for name, values in recent.items())
        rate = self.samples / max(self.seconds, 1e-6)
        self.log(f"it {self.iteration:6d} samples {self.samples:7d} {rate:5.2f}/s {terms}")
        recent.clear()

    def _keep(self):
        """Save, keep this average for good, and judge it."""
        self.save()
        write_bytes(self.folder / "kept" / f"{self.iteration:06d}.safetensors", safetensors_bytes(self.ema))
        if self.judge is None:
            return
        found = self.judge(self.ema)
        self.log("valid " + " ".join(f"{name} {value:.3f}" for name, value in found.items()))
        table = self.folder / "valid.tsv"
        head = "" if table.is_file() else "\t".join(["iteration", "samples", *found]) + "\n"
        row = [str(self.iteration), str(self.samples)] + [f"{value:.4f}" for value in found.values()]
        with open(table, "a", encoding="utf-8") as file:
            file.write(head + "\t".join(row) + "\n")

    def save(self) -> None:
        """Write what is needed to go on, and the average as weights, each file whole or not at all."""
        content = io.BytesIO()
        torch.save({"model": state_of(self.phase.model), "optimizer": self.optimizer.state_dict(), "ema": self.ema,
                    "iteration": self.iteration, "samples": self.samples, "seconds": self.seconds}, content)
        write_bytes(self.folder / "checkpoint.pt", content.getvalue())
        write_bytes(self.folder / "ema.safetensors", safetensors_bytes(self.ema))

    def log(self, text: str) -> None:
        """Print a line and add it to the log."""
        line = f"{time.strftime('%H:%M:%S')} {text}"
        say(line)
        with open(self.folder / "log.txt", "a", encoding="utf-8") as file:
            file.write(line + "\n")


def pace(iteration: int, settings: dict) -> float:
    """Factor of the learning rates: a rise, a level, and a straight fall over the last ``tail`` iterations."""
    rise = min(1.0, (iteration + 1) / settings["warmup"])
    left = (settings["iterations"] - iteration) / max(settings["tail"], 1)
    return rise * min(1.0, max(left, 0.02))


def collated(samples: list) -> Batch:
    """A Batch of samples of ``dataset.samples``. Raises UserError: one of them could not be made."""
    for sample in samples:
        if isinstance(sample, UserError):
            raise sample
    return Batch(*(torch.from_numpy(np.stack(images)).float() / 255 for images in zip(*samples)))


def _quiet(_):
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
