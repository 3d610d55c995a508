"""State that a training run carries from step to step: where it stands, and that it is saved and taken up again."""
from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bgmatting.media import write_bytes
from bgmatting.model.weights import load_state
from bgmatting.model.weights.metadata import origin_facts
from bgmatting.training.checkpoint_files import (
    MODEL,
    OPTIMIZER,
    RESULTS,
    Checkpoint,
    checkpoints,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from bgmatting.training.config import completed, differences
from bgmatting.training.config.rules import PHASES, RULES
from bgmatting.training.distributed import Ranks
from bgmatting.training.lessons import find_lesson
from bgmatting.training.optimizer import optimizer_arrays
from bgmatting.training.schedule import Phase
from bgmatting.training.step import Learner
from bgmatting.training.validation import told
from bgmatting.utils.errors import UserError
from bgmatting.utils.yaml_json import shown

# May change between an interrupted run and its continuation: they do not touch what is learnt.
FREE_KEYS = ("num_workers", "device", "data_root", "bad_files_max", "nonfinite_max", "save_dir",
             "log_train_loss_interval", "log_images_interval", "valid_interval", "valid_count", "valid_size", "patience",
             "checkpoint_interval", "keep_checkpoint_max", "pretrain", "batch_auto", "iterations",
             *(f"phases.{name}.epochs" for name in PHASES), *(f"folders.{name}" for name in RULES["folders"]))
DIVIDING = ("accumulate", *(f"phases.{name}.batch_size" for name in PHASES))  # free where their product stays


class State:
    """Where a run stands, beside its weights: counts, phase and scores. ``facts`` of it lie in every checkpoint. samples:
    of the training set; processes: that train together; a continued run must have as many of both. data: of
    ``dataset.samples.data_facts``; a continued run must have the same."""

    def __init__(self, samples: int, processes: int = 1, data: dict[str, str] | None = None):
        self.samples, self.processes, self.data = samples, processes, data or {}
        self.step = 0
        self.phase, self.phase_start = None, 0  # name, and the step it began at
        self.scores = {}  # {phase: [score before it, best score in it or None]}
        self.refined = False  # whether the refiner has learnt anything yet
        self.skipped, self.skipped_in_row = 0, 0  # iterations without an update
        self.stale = 0  # validations of the phase since the best
        self.other_pictures = False  # whether the scores so far are of other images than those to come

    def enter(self, phase: Phase) -> None:
        """The run is now in ``phase`` (of ``training.schedule.plan``)."""
        if self.phase != phase.name:
            self.stale = 0
        self.phase, self.phase_start = phase.name, phase.start

    def count(self, updated: bool) -> None:
        """An iteration of the phase is done, with or without an update."""
        self.step += 1
        self.refined = self.refined or self.phase == "joint"
        self.skipped += not updated
        self.skipped_in_row = 0 if updated else self.skipped_in_row + 1

    def score(self, score: dict) -> bool:
        """Note a validation's ``score``, and tell whether it is the best of the phase so far; one of nothing never is."""
        best = self.scores[self.phase][1]
        if score["sad"] is None or best is not None and score["sad"] >= best["sad"]:
            self.stale += 1
            return False
        self.scores[self.phase][1], self.stale = score, 0
        return True

    @property
    def coarse_only(self) -> bool:
        """Whether the network is to be used without its refiner: in the base phase, and before it has learnt anything."""
        return self.phase == "base" or (self.phase == "joint" and not self.refined and self.step == self.phase_start)

    def facts(self, learner: Learner) -> dict:
        """All of it, and what the ``learner`` carries in numbers; JSON-able."""
        return {"step": self.step, "phase": self.phase, "phase_start": self.phase_start, "scores": self.scores,
                "refined": self.refined, "skipped": [self.skipped, self.skipped_in_row], "samples": self.samples,
                "data": self.data, "stale": self.stale, "processes": self.processes, "precision": learner.precision.state(),
                "ema_updates": {} if learner.ema is None else dict(learner.ema.updates), "config": learner.config}

    def take(self, facts: dict) -> None:
        """Stand where ``facts`` were written."""
        self.step, self.phase, self.phase_start = facts["step"], facts["phase"], facts["phase_start"]
        self.scores, self.refined = facts["scores"], facts.get("refined", False)
        self.skipped, self.skipped_in_row = facts.get("skipped", [0, 0])
        self.stale = facts.get("stale", 0)


def newest_checkpoint(save_dir: Path, ranks: Ranks, warn: Callable[[str], None]) -> Checkpoint | None:
    """The newest whole checkpoint, the same for all processes, or None. The first looks for it, the others read it."""
    newest = None

    def look():
        nonlocal newest
        newest = latest_checkpoint(save_dir, warn)
        return None if newest is None else newest.state["step"]

    step = ranks.on_first(look)
    return newest if step is None or ranks.first else load_checkpoint(save_dir / f"iter_{step}")


def resume(saved: Checkpoint, learner: Learner, state: State, phases: list[Phase], save_dir: Path) -> None:
    """Take over a checkpoint as ``load_checkpoint`` returns it; the optimizer's part is left to ``learner.enter``. Raises
    UserError: it was made with other settings, or is not on the way through ``phases``."""
    facts = saved.state
    check_facts(facts, save_dir)
    before = {**facts.get("data", state.data), **completed(facts["config"]), "training samples": facts["samples"],
              "processes": facts.get("processes", 1)}
    now = {**state.data, **learner.config, "training samples": state.samples, "processes": state.processes}
    free = FREE_KEYS + (DIVIDING if _iteration_sizes(before) == _iteration_sizes(now) else ())
    changed = [line for line in differences(before, now) if line.split(":")[0] not in free]
    if not changed and not _reachable(phases, facts):
        changed = [f"the epochs of a phase before iteration {facts['step']}"]
    if changed:
        raise UserError(f"{save_dir} holds a run with other settings ({changed[0]}). Use those, or begin another run from "
                        f"what this one has learnt: --save-dir ANOTHER --pretrain {save_dir / 'best_model'}"
                        f"{_without(facts['phase'])}. --force starts over and deletes it.")
    _load_network(learner.network, saved, save_dir)
    state.take(facts)
    state.other_pictures = any(before[key] != now[key] for key in ("valid_count", "valid_size"))
    learner.precision.load(facts.get("precision", learner.precision.state()))
    learner.begin()
    if learner.ema is not None:
        learner.ema.load(saved.ema or {}, facts.get("ema_updates", 0))


def check_facts(facts: dict, folder: Path) -> None:
    """Raise UserError where the ``facts`` of a checkpoint below ``folder`` are not such as ``State.facts`` returns."""
    for name, fits in _FACTS.items():
        if name in facts and not fits(facts[name]) or name not in facts and name in _NEEDED:
            raise UserError(f"{folder} cannot be gone on from: '{name}' in its state.json is "
                            f"{shown(facts[name]) if name in facts else 'missing'}. Put a copy back, or use --force.")


def _whole(value):
    return type(value) is int and 0 <= value < 2 ** 53


def _finite(value):
    return type(value) in (int, float) and math.isfinite(value)


def _score(value):
    return isinstance(value, dict) and set(value) == {"sad", "mse"} and all(
        number is None or _finite(number) for number in value.values())


def _scores(value):
    return isinstance(value, dict) and set(value) <= set(PHASES) and all(
        isinstance(pair, list) and len(pair) == 2 and _score(pair[0]) and (pair[1] is None or _score(pair[1]))
        for pair in value.values())


_NEEDED = ("step", "phase", "phase_start", "samples", "scores", "config")
_FACTS = {
    "step": _whole, "phase": lambda value: value in PHASES, "phase_start": _whole, "samples": _whole, "scores": _scores,
    "config": lambda value: isinstance(value, dict), "refined": lambda value: type(value) is bool, "stale": _whole,
    "processes": _whole,
    "data": lambda value: isinstance(value, dict) and all(isinstance(text, str) for text in value.values()),
    "ema_updates": lambda value: _whole(value) or isinstance(value, dict) and all(map(_whole, value.values())),
    "skipped": lambda value: isinstance(value, list) and len(value) == 2 and all(map(_whole, value)),
    "precision": lambda value: isinstance(value, dict) and _finite(value.get("scale")) and value["scale"] > 0
    and _whole(value.get("good")),
}


def _load_network(network, saved, folder):
    if saved.optimizer is None:
        raise UserError(f"{folder} cannot be gone on from: its checkpoint has no {OPTIMIZER}. Use --force to start over.")
    try:
        load_state(network, saved.model)
    except (ValueError, TypeError) as error:
        raise UserError(f"{folder} cannot be gone on from: its {MODEL} is not this network's ({shown(error)}).") from None


def _iteration_sizes(config):
    """Samples an iteration of each of the method's phases, in one process."""
    return [config["phases"][name]["batch_size"] * config["accumulate"] for name in find_lesson(config["method"]).phases]


def _without(phase):
    """Advice to add so that a finished phase is not trained again."""
    return "" if phase != "joint" else " --phase joint"


def keep_newest(save_dir: Path, count: int) -> None:
    """Delete all but the newest ``count`` of the ``iter_N`` folders."""
    for folder in checkpoints(save_dir)[:-count]:
        shutil.rmtree(folder)


def save_iteration(save_dir: Path, learner: Learner, state: State) -> None:
    """Write ``iter_N`` and drop the oldest ones."""
    save_checkpoint(save_dir / f"iter_{state.step}", _arrays(learner), optimizer_arrays(learner.optimizer, learner.network),
                    state.facts(learner), _metadata(learner, state), None if learner.ema is None else learner.ema.arrays())
    keep_newest(save_dir, learner.config["keep_checkpoint_max"])


def save_best(save_dir: Path, learner: Learner, state: State) -> None:
    """Write ``best_model``: weights and how they came about, no optimizer; without parts that have learnt nothing yet."""
    with learner.averaged():
        arrays = {name: value for name, value in _arrays(learner).items()
                  if state.refined or learner.lesson.keeps(state.phase, name)}
    save_checkpoint(save_dir / "best_model", arrays, None, state.facts(learner), _metadata(learner, state))


def save_results(save_dir: Path, state: State) -> list[str]:
    """Write ``results.json``, the mark of a finished run: the scores before and after each phase; returns lines on them."""
    results = {"iterations": state.step, "valid": {name: {"before": before, "best": best}
                                                   for name, (before, best) in state.scores.items()}}
    write_bytes(save_dir / RESULTS, json.dumps(results, indent=1).encode())
    return [_done_line(save_dir, name, before, best, name == state.phase) for name, (before, best) in state.scores.items()]


def _done_line(save_dir, phase, before, best, last):
    known = best or dict.fromkeys(before)
    line = (f"[DONE] {save_dir} {phase}: validation SAD {told(before['sad'], 3)} -> {told(known['sad'], 3)}, MSE x1000 "
            f"{told(before['mse'], 3, 1e3)} -> {told(known['mse'], 3, 1e3)}")
    if best != before or best is None:
        return line
    return line + "; never better than at its start" + ("; best_model holds the weights it began with" if last else "")


def checkpoint_size(learner: Learner) -> int:
    """Bytes of an ``iter_N``: the network, the moments of what learns, and the averaged network where there is one."""
    state = learner.network.state_dict()
    learning = [value for value in learner.network.parameters() if not value.stop_gradient]
    return sum(4 * int(np.prod(value.shape)) * (1 if learner.ema is None else 2) for value in state.values()) + sum(
        4 * learner.moments * int(np.prod(value.shape)) for value in learning)


def _arrays(learner):
    return {name: np.ascontiguousarray(value.numpy()) for name, value in learner.network.state_dict().items()}


def _metadata(learner, state):
    return {"method": learner.config["method"], "backbone": learner.config["backbone"],
            **learner.lesson.facts(learner.network), **origin_facts(learner.config["dataset_name"], state.step)}


def _reachable(phases, facts):
    """Whether a run that stands where ``facts`` say lies on the way through ``phases``."""
    for phase in phases:
        if phase.name == facts["phase"]:
            return phase.start == facts["phase_start"] and (facts["step"] <= phase.end or phase is phases[-1])
    return facts["step"] >= phases[-1].end  # the plan ends before that phase: nothing is left to do
