"""A training run: iterations from where the last process stopped, averages, checkpoints, validation."""
import math
import os
import signal
import time
from pathlib import Path

import torch

from bgmatting.training.pytorch import store
from bgmatting.training.pytorch.samples import Keys, Stream, as_batch, loader


class Run:
    """One phase, "base" or "refiner".

    Args:
        settings: the section of the recipe for this phase.
        folder: where its files go: checkpoint.pt, ema.safetensors, kept/ITERATION.safetensors, log.txt, valid.tsv.
        phase: ``step(batch, iteration)`` -> (loss, {term: number}); ``model``; ``groups(settings)`` of parameters for Adam;
            ``trained()``: {name: tensor} that averages are taken of.
        judge: a function of a state that returns a dict of numbers, called for each kept average.
    """

    def __init__(self, settings, folder, phase, judge=None):
        self.settings, self.folder, self.phase, self.judge = settings, Path(folder), phase, judge
        (self.folder / "kept").mkdir(parents=True, exist_ok=True)
        self.optimizer = torch.optim.Adam(phase.groups(settings))
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.iteration = self.samples = 0
        self.seconds = 0.0
        self._resume()

    def _resume(self):
        saved = store.read_checkpoint(self.folder / "checkpoint.pt")
        if saved is None:
            self.ema = {name: value.clone() for name, value in store.weights_of(self.phase.model).items()}
            return
        store.load(self.phase.model, saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.ema = saved["ema"]
        self.iteration, self.samples, self.seconds = saved["iteration"], saved["samples"], saved["seconds"]

    def go(self):
        """Train to the end of the plan, or until SIGTERM; the same call goes on after an interruption."""
        settings = self.settings
        stream = Stream(settings["seed"], settings["rendered"], settings["photos"])
        self.say(f"{len(stream.rendered)} rendered subjects, {len(stream.scenes.paths)} photographs, pid {os.getpid()}")
        keys = Keys(settings["seed"], settings["sizes"], settings["pixels"], settings["most"], self.iteration,
                    settings["iterations"])
        recent, began, saved, kept = {}, time.monotonic(), time.monotonic(), self.seconds
        asked = []
        signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
        for tensors in loader(stream, keys, settings["workers"]):
            self._step(as_batch(tensors), recent)
            now = time.monotonic()
            self.seconds, began = self.seconds + now - began, now
            if self.iteration % settings["log_every"] == 0:
                self._report(recent)
            if self.seconds - kept > settings["keep_seconds"]:
                self._keep()
                kept, saved, began = self.seconds, time.monotonic(), time.monotonic()
            elif now - saved > settings["save_seconds"]:
                self.save()
                saved = time.monotonic()
            if asked:
                self.save()
                self.say("asked to stop")
                return
        self._keep()

    def _step(self, batch, recent):
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * pace(self.iteration, self.settings)
        loss, terms = self.phase.step(batch, self.iteration)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]],
                                              self.settings["clip"])
        if math.isfinite(norm):
            self.optimizer.step()
        self.iteration += 1
        self.samples += len(batch.src)
        self._average()
        for name, value in terms.items():
            recent.setdefault(name, []).append(float(value))

    def _average(self):
        decay = min(self.settings["ema"], (1 + self.iteration) / (10 + self.iteration))
        with torch.no_grad():
            for name, value in store.weights_of(self.phase.model).items():
                self.ema[name].lerp_(value, 1 - decay)

    def _report(self, recent):
        terms = " ".join(f"{name} {sum(values) / len(values):.5f}" for name, values in recent.items())
        rate = self.samples / max(self.seconds, 1e-6)
        self.say(f"it {self.iteration:6d} samples {self.samples:7d} {rate:5.2f}/s {terms}")
        recent.clear()

    def _keep(self):
        """Save, keep this average for good, and judge it."""
        self.save()
        store.write_weights(self.ema, self.folder / "kept" / f"{self.iteration:06d}.safetensors")
        if self.judge is None:
            return
        found = self.judge(self.ema)
        self.say("valid " + " ".join(f"{name} {value:.3f}" for name, value in found.items()))
        table = self.folder / "valid.tsv"
        head = "" if table.is_file() else "\t".join(["iteration", "samples", *found]) + "\n"
        row = [str(self.iteration), str(self.samples)] + [f"{value:.4f}" for value in found.values()]
        with open(table, "a", encoding="utf-8") as file:
            file.write(head + "\t".join(row) + "\n")

    def save(self):
        """What is needed to go on, and the average as weights."""
        store.write_checkpoint({
            "model": store.weights_of(self.phase.model), "optimizer": self.optimizer.state_dict(), "ema": self.ema,
            "iteration": self.iteration, "samples": self.samples, "seconds": self.seconds}, self.folder / "checkpoint.pt")
        store.write_weights(self.ema, self.folder / "ema.safetensors")

    def say(self, text):
        """A line of the log, printed too."""
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with open(self.folder / "log.txt", "a", encoding="utf-8") as file:
            file.write(line + "\n")


def pace(iteration, settings):
    """Factor of the learning rates: a rise, a level, and a straight fall over the last ``tail`` iterations."""
    rise = min(1.0, (iteration + 1) / settings["warmup"])
    left = (settings["iterations"] - iteration) / max(settings["tail"], 1)
    return rise * min(1.0, max(left, 0.02))
