"""What a training run carries from step to step: where it stands, and that it is saved and taken up again."""
import numpy as np

from model.weights import load_state
from training.checkpoint import keep_newest, save_checkpoint
from training.config import completed, differences
from training.optimizer import optimizer_arrays
from utils.errors import UserError

# May change between an interrupted run and its continuation: they do not touch what is learnt.
FREE_KEYS = ("num_workers", "device", "data_root", "bad_files_max", "nonfinite_max", "save_dir",
             "log_train_loss_interval", "log_images_interval", "valid_interval", "checkpoint_interval",
             "keep_checkpoint_max", "pretrain", "phases.base.epochs", "phases.joint.epochs")


class State:
    """Where a run stands, beside its weights: counts, phase and scores. ``facts`` of it lie in every checkpoint.

    Args:
        samples: how many samples the training set has, processes: how many train together; a continued run must have
            as many of both.
    """

    def __init__(self, samples, processes=1):
        self.samples, self.processes = samples, processes
        self.step = 0
        self.phase, self.phase_start = None, 0  # name, and the step it began at
        self.scores = {}  # {phase: [score before it, best score in it or None]}
        self.refined = False  # whether the refiner has learnt anything yet
        self.skipped, self.skipped_in_row = 0, 0  # iterations without an update

    def enter(self, phase):
        """The run is now in ``phase`` (of ``training.schedule.plan``)."""
        self.phase, self.phase_start = phase.name, phase.start

    def count(self, updated):
        """An iteration of the phase is done, with or without an update."""
        self.step += 1
        self.refined = self.refined or self.phase == "joint"
        self.skipped += not updated
        self.skipped_in_row = 0 if updated else self.skipped_in_row + 1

    @property
    def coarse_only(self):
        """Whether the network is to be used without its refiner: in the base phase, and before it has learnt anything."""
        return self.phase == "base" or (not self.refined and self.step == self.phase_start)

    def facts(self, learner):
        """All of it, and what the ``learner`` carries in numbers; JSON-able."""
        return {"step": self.step, "phase": self.phase, "phase_start": self.phase_start, "scores": self.scores,
                "refined": self.refined, "skipped": [self.skipped, self.skipped_in_row], "samples": self.samples,
                "processes": self.processes, "precision": learner.precision.state(),
                "ema_updates": 0 if learner.ema is None else learner.ema.updates, "config": learner.config}

    def take(self, facts):
        """Stand where ``facts`` were written."""
        self.step, self.phase, self.phase_start = facts["step"], facts["phase"], facts["phase_start"]
        self.scores, self.refined = facts["scores"], facts["refined"]
        self.skipped, self.skipped_in_row = facts.get("skipped", [0, 0])


def resume(saved, learner, state, phases, save_dir):
    """Take over a checkpoint as ``load_checkpoint`` returns it; the optimizer's part is left to ``learner.enter``.

    Raises:
        UserError: it was made with other settings, or is not on the way through ``phases``.
    """
    facts = saved.state
    before = {**completed(facts["config"]), "training samples": facts["samples"], "processes": facts.get("processes", 1)}
    now = {**learner.config, "training samples": state.samples, "processes": state.processes}
    changed = [line for line in differences(before, now) if line.split(":")[0] not in FREE_KEYS]
    if not changed and not _reachable(phases, facts):
        changed = [f"the epochs of a phase before iteration {facts['step']}"]
    if changed:
        raise UserError(f"{save_dir} holds a run with other settings ({changed[0]}). Use those, start over with "
                        "--force, or name another --save-dir.")
    load_state(learner.network, saved.model)
    state.take(facts)
    learner.precision.load(facts.get("precision", learner.precision.state()))
    learner.begin()
    if learner.ema is not None:
        learner.ema.load(saved.ema, facts["ema_updates"])


def save_iteration(save_dir, learner, state):
    """Write ``iter_N`` and drop the oldest ones."""
    save_checkpoint(save_dir / f"iter_{state.step}", _arrays(learner), optimizer_arrays(learner.optimizer, learner.network),
                    state.facts(learner), _metadata(learner, state), None if learner.ema is None else learner.ema.arrays())
    keep_newest(save_dir, learner.config["keep_checkpoint_max"])


def save_best(save_dir, learner, state):
    """Write ``best_model``: weights and how they came about, no optimizer; from the base phase a base network alone."""
    with learner.averaged():
        arrays = _arrays(learner)
    if state.phase == "base":
        arrays = {name: value for name, value in arrays.items() if not name.startswith("refiner.")}
    save_checkpoint(save_dir / "best_model", arrays, None, state.facts(learner), _metadata(learner, state))


def _arrays(learner):
    return {name: np.ascontiguousarray(value.numpy()) for name, value in learner.network.state_dict().items()}


def _metadata(learner, state):
    return {"backbone": learner.config["backbone"], "step": str(state.step), "dataset": learner.config["dataset_name"]}


def _reachable(phases, facts):
    """Whether a run that stands where ``facts`` say lies on the way through ``phases``."""
    for phase in phases:
        if phase.name == facts["phase"]:
            return phase.start == facts["phase_start"] and (facts["step"] <= phase.end or phase is phases[-1])
    return facts["step"] >= phases[-1].end  # the plan ends before that phase: nothing is left to do
