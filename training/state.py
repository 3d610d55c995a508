"""What a training run carries from step to step, and how it is validated, saved and taken up again."""
import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from evaluation.methods import matter_method
from evaluation.pipeline import evaluate
from media import write_bytes
from model.matting import MattingRefine
from model.refinement import NOTHING
from model.weights import load_state, load_weights
from training.checkpoint import RESULTS, keep_newest, save_checkpoint, weights_file
from training.config import completed, differences
from training.ema import Ema
from training.optimizer import build_optimizer, freeze_others, load_optimizer_arrays, optimizer_arrays
from training.precision import Precision
from training.step import PhaseLoss
from training.validation import _Predictor
from utils.errors import UserError

# May change between an interrupted run and its continuation: they do not touch what is learnt.
FREE_KEYS = ("num_workers", "device", "data_root", "bad_files_max", "nonfinite_max", "save_dir",
             "log_train_loss_interval", "log_images_interval", "valid_interval", "checkpoint_interval",
             "keep_checkpoint_max", "pretrain", "phases.base.epochs", "phases.joint.epochs")


def build_network(config):
    """The MattingRefine that a configuration describes, with fresh weights."""
    refine = config["refine"]
    return MattingRefine(config["backbone"], refine["backbone_scale"], refine["mode"], refine["sample_pixels"],
                         refine["threshold"], refine["kernel_size"])


def load_pretrained(network, name):
    """Start ``network`` from a weights file, a checkpoint folder or "starter".

    Returns:
        (a line that says what was taken, whether the refiner was among it)

    Raises:
        UserError: nothing is there, or it is not for this network.
    """
    path = name if name == "starter" else weights_file(name)
    if path != "starter" and not Path(path).exists():
        raise UserError(f"no weights to start from at {name}. Run the stage before this one, or name other "
                        "weights with --pretrain (a file, a checkpoint folder, or 'starter').")
    report = load_weights(network, path, partial=True)
    line = f"[PRETRAIN] {path}: {len(report.matched)} arrays taken, {len(report.missing)} of this network not in it."
    return line, not any(name.startswith("refiner.") for name in report.missing)


class Run:
    """The network, its optimizer, where the run stands, and the scores so far.

    Args:
        config: a stage's configuration.
        samples: how many samples the training set has; a continued run must have as many.
        log: ``training.log.RunLog``.
        ranks: ``training.distributed.Ranks``: the processes of the run, and this one's device.

    Raises:
        UserError: the device cannot compute as configured.
    """

    def __init__(self, config, network, samples, log, ranks):
        self.config, self.network, self.samples, self.log = config, network, samples, log
        self.save_dir = Path(config["save_dir"])
        self.ranks = ranks
        self.precision = Precision(config["amp"], config["amp_dtype"], ranks.device)
        # The base phase leaves the refiner out. One wrapper for all phases, since its hooks on the parameters stay.
        self.learner = ranks.wrap(PhaseLoss(network, config, self.precision), config["phases"]["base"]["epochs"] > 0)
        self.ema = None
        self.valid_items = None  # set before the first phase is entered
        self.optimizer, self.rates = None, {}
        self.step = 0
        self.phase, self.phase_start = None, 0  # name, and the step it began at
        self.scores = {}  # {phase: [score before it, best score in it or None]}
        self.refined = False  # whether the refiner has learnt anything yet
        self.skipped, self.skipped_in_row = 0, 0  # iterations without an update
        self._optimizer_arrays = None

    def begin(self):
        """Average the weights from here on, where that is wanted: they are what the run starts from."""
        if self.config["ema"] > 0:
            self.ema = Ema(self.network, self.config["ema"])

    def resume(self, saved, phases):
        """Take over a checkpoint as ``load_checkpoint`` returns it.

        Raises:
            UserError: it was made with other settings, or is not on the way through ``phases``.
        """
        state, self._optimizer_arrays = saved.state, saved.optimizer
        before = {**completed(state["config"]), "training samples": state["samples"],
                  "processes": state.get("processes", 1)}
        now = {**self.config, "training samples": self.samples, "processes": self.ranks.world}
        changed = [line for line in differences(before, now)
                   if line.split(":")[0] not in FREE_KEYS]
        if not changed and not _reachable(phases, state):
            changed = [f"the epochs of a phase before iteration {state['step']}"]
        if changed:
            raise UserError(f"{self.save_dir} holds a run with other settings ({changed[0]}). Use those, start over with "
                            "--force, or name another --save-dir.")
        load_state(self.network, saved.model)
        self.step, self.phase, self.phase_start = state["step"], state["phase"], state["phase_start"]
        self.scores, self.refined = state["scores"], state["refined"]
        self.skipped, self.skipped_in_row = state.get("skipped", [0, 0])
        self.precision.load(state.get("precision", self.precision.state()))
        self.begin()
        if self.ema is not None:
            self.ema.load(saved.ema, state["ema_updates"])

    def enter(self, phase):
        """Set up for a phase: its optimizer (with its saved state after a resume) and, if it is new, a first score."""
        settings = self.config["phases"][phase.name]
        self.rates = {part: factor for part, factor in settings["rates"].items() if factor > 0}
        self.optimizer = build_optimizer(self.network, self.rates, self.config["clip_norm"])
        freeze_others(self.network, self.rates)
        if self.phase == phase.name and self._optimizer_arrays is not None:
            load_optimizer_arrays(self.optimizer, self.network, self._optimizer_arrays)
        self._optimizer_arrays = None
        self.phase, self.phase_start = phase.name, phase.start
        if phase.name not in self.scores:
            score = self.ranks.on_first(self._validate)
            # A refiner that has learnt nothing cannot be the best: any later state of this phase replaces it.
            begun = phase.name == "base" or self.refined
            self.scores[phase.name] = [score, score if begun else None]
            if begun:
                self.ranks.on_first(self._save_best)

    def train_mode(self):
        """Set the parts that learn to training, and the others to evaluation, so that their statistics stay, too."""
        self.network.train()
        for part, layers in self.network.named_children():
            if part not in self.rates:
                layers.eval()
        if self.config["freeze_norm"]:
            for layer in self.network.sublayers():
                if "BatchNorm" in type(layer).__name__:  # SyncBatchNorm too
                    layer.eval()

    def count(self, updated, names):
        """Count an iteration as done, with or without an update.

        Args:
            names: function that tells which samples it read.

        Raises:
            UserError: too many in a row had no finite loss and gradient.
        """
        self.step += 1
        self.skipped_in_row = 0 if updated else self.skipped_in_row + 1
        if updated:
            return
        self.skipped += 1
        most = self.config["nonfinite_max"]
        if self.skipped_in_row >= most:
            raise UserError(f"the loss or its gradient was not finite in {most} iterations in a row, up to iteration "
                            f"{self.step}; lower --learning-rate or look at the data. The last samples read: "
                            f"{', '.join(names())}. Checkpoints up to here are in {self.save_dir}.")
        self.log.warn(f"iteration {self.step}: the loss or its gradient is not finite; the weights stay as they are "
                      f"({self.skipped_in_row} in a row, {self.skipped} in all).")

    def save(self):
        """Write ``iter_N`` and drop the oldest ones."""
        self.ranks.on_first(self._save)

    def _save(self):
        save_checkpoint(self.save_dir / f"iter_{self.step}", self._arrays(),
                        optimizer_arrays(self.optimizer, self.network), self._state(), self._metadata(),
                        None if self.ema is None else self.ema.arrays())
        keep_newest(self.save_dir, self.config["keep_checkpoint_max"])

    def validate_and_keep_best(self):
        """Score the network; where it is the best of its phase so far, write ``best_model``."""
        score = self.ranks.on_first(self._validate)
        best = self.scores[self.phase][1]
        if best is None or score["sad"] < best["sad"]:
            self.scores[self.phase][1] = score
            self.ranks.on_first(self._save_best)

    def finish(self):
        """Write ``results.json``, the mark of a finished run: the scores before and after each phase; and say them."""
        self.ranks.on_first(self._finish)

    def _finish(self):
        results = {"iterations": self.step, "valid": {name: {"before": before, "best": best}
                                                      for name, (before, best) in self.scores.items()}}
        write_bytes(self.save_dir / RESULTS, json.dumps(results, indent=1).encode())
        for name, (before, best) in self.scores.items():
            self.log.info(f"[DONE] {self.save_dir} {name}: validation SAD {before['sad']:.3f} -> {best['sad']:.3f}, "
                          f"MSE x1000 {before['mse'] * 1e3:.3f} -> {best['mse'] * 1e3:.3f}")

    def _save_best(self):
        """Write ``best_model``: weights and how they came about, no optimizer; from the base phase a base network alone."""
        with self._averaged():
            arrays = self._arrays()
        if self.phase == "base":
            arrays = {name: value for name, value in arrays.items() if not name.startswith("refiner.")}
        save_checkpoint(self.save_dir / "best_model", arrays, None, self._state(), self._metadata())

    def _coarse_only(self):
        """Whether the network is to be used without its refiner: in the base phase, and before it has learnt anything."""
        return self.phase == "base" or (not self.refined and self.step == self.phase_start)

    def _validate(self):
        """SAD and MSE on the fixed validation pictures, with the refiner where it has been trained."""
        self.network.eval()
        predictor = _Predictor(self.network, self.ranks.device, NOTHING if self._coarse_only() else None)
        with self._averaged():
            _, mean = evaluate(matter_method(predictor), self.valid_items)
        self.log.info(f"[EVAL] {self.phase} iter: {self.step}, SAD: {mean['sad']:.4f}, MSE x1000: {mean['mse'] * 1e3:.4f}")
        self.log.scalars({"valid/sad": mean["sad"], "valid/mse": mean["mse"]}, self.step)
        return {"sad": mean["sad"], "mse": mean["mse"]}

    def _averaged(self):
        """Context in which the network has the weights that are validated and kept."""
        return nullcontext() if self.ema is None else self.ema.in_place()

    def _arrays(self):
        return {name: np.ascontiguousarray(value.numpy()) for name, value in self.network.state_dict().items()}

    def _state(self):
        return {"step": self.step, "phase": self.phase, "phase_start": self.phase_start, "scores": self.scores,
                "refined": self.refined, "skipped": [self.skipped, self.skipped_in_row], "samples": self.samples,
                "processes": self.ranks.world, "precision": self.precision.state(),
                "ema_updates": 0 if self.ema is None else self.ema.updates, "config": self.config}

    def _metadata(self):
        return {"backbone": self.config["backbone"], "step": str(self.step), "dataset": self.config["dataset_name"]}


def _reachable(phases, state):
    """Whether a run that stands where ``state`` says lies on the way through ``phases``."""
    for phase in phases:
        if phase.name == state["phase"]:
            return phase.start == state["phase_start"] and (state["step"] <= phase.end or phase is phases[-1])
    return state["step"] >= phases[-1].end  # the plan ends before that phase: nothing is left to do
