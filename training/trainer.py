"""Training a stage: its phases, each a loop of steps. Everything random follows from the seed and the step."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import cv2
import paddle
from tqdm import tqdm

from bgmatting.dataset.batches import Batches, WorkersFailed, read_iterations
from bgmatting.dataset.catalog import Catalog
from bgmatting.dataset.samples import data_facts, training_set
from bgmatting.training.checkpoint import (
    State,
    checkpoint_size,
    newest_checkpoint,
    resume,
    save_best,
    save_iteration,
    save_results,
)
from bgmatting.training.checkpoint_files import clear, load_checkpoint, locked, recover, unmark
from bgmatting.training.distributed import join_ranks, synchronised
from bgmatting.training.lessons import find_lesson
from bgmatting.training.log import Meter, RunLog, picture_interval, time_line
from bgmatting.training.memory import Division, fitted, largest_side, out_of_memory, too_large
from bgmatting.training.schedule import Phase, division_of, learning_rate, plan, plan_line, split_line, valid_interval
from bgmatting.training.start import catalog_of, load_pretrained, network_of
from bgmatting.training.step import Learner, train_step
from bgmatting.training.validation import tell, told, validate, validate_arrays, validation_set
from bgmatting.utils.cli import StopOnSignal
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import prepare_folder
from bgmatting.utils.machine import peak_memory

ESTIMATE_AFTER = 20  # iterations


def train(config: dict, epoch_end: int | None = None, force: bool = False) -> bool:
    """Run a stage to its end, from the newest checkpoint in its ``save_dir`` where there is one. Returns False where a
    signal stopped it; everything is saved.

    Args: config: of ``load_config``. epoch_end: see ``training.schedule.plan``. force: start over; the checkpoints in
    ``save_dir`` are deleted as soon as all that the new run needs is there and its first phase fits in memory.

    Raises UserError: data, weights, settings or devices that cannot be used, or losses that are not finite.
    """
    cv2.setNumThreads(0)  # the cores are for the network; and see dataset.batches
    ranks = join_ranks(config["device"])
    paddle.seed(config["seed"])
    network = synchronised(network_of(config), ranks)
    catalog, lesson = catalog_of(config), find_lesson(config["method"])
    samples = len(training_set(config, lesson.phases[-1], catalog, lesson.trimap))
    data = data_facts(config, catalog, lesson.trimap)
    phases = plan(config, samples, epoch_end, ranks.world)
    save_dir = ranks.on_first(lambda: prepare_folder(config["save_dir"], "--save-dir"))
    with ExitStack() as stack:
        ranks.on_first(lambda: stack.enter_context(locked(save_dir)))
        ranks.on_first(lambda: recover(save_dir))
        log = stack.enter_context(RunLog(save_dir, ranks.first))
        trainer = Trainer(Learner(config, network, ranks), State(samples, ranks.world, data), phases, catalog, log)
        if line := split_line(config, phases):
            log.info(line)
        if not trainer.take_up(force):
            ranks.on_first(lambda: save_results(save_dir, trainer.state))
            return True
        trainer.valid_items = validation_set(config, catalog)
        if not force:
            ranks.on_first(lambda: unmark(save_dir))
        with StopOnSignal() as stop:
            return trainer.run(stop)


class Trainer:
    """A stage under way: its ``phases`` (of ``training.schedule.plan``) one after the other, what is said and written on
    the way. ``catalog``: where the datasets lie."""

    def __init__(self, learner: Learner, state: State, phases: list[Phase], catalog: Catalog, log: RunLog):
        self.config, self.ranks, self.learner = learner.config, learner.ranks, learner
        self.state, self.phases, self.log = state, phases, log
        self.save_dir = Path(self.config["save_dir"])
        self.valid_items = None  # set before the first phase is entered
        self._catalog, self._moments = catalog, None
        self._renew = False  # whether nothing is left to do but to write best_model, which is lost
        self._to_clear = False  # whether the checkpoints of an earlier run are still to be deleted
        self.valid_interval = valid_interval(self.config, phases) if phases else None
        self.samples, self.division, self._valid_seconds = None, None, 0.0  # of the phase under way

    def take_up(self, force: bool) -> bool:
        """Go on from the newest checkpoint, or from the weights to start from; False where nothing is left to do. Where
        ``best_model`` is lost, it is left to ``run`` to write it anew."""
        self._to_clear = force
        saved = None if force else newest_checkpoint(self.save_dir, self.ranks, self.log.warn)
        if saved is None:
            if self.config["pretrain"] is not None:
                line, self.state.refined = load_pretrained(self.learner.network, self.config["pretrain"],
                                                           self.config["data_root"], self.learner.lesson)
                self.log.info(line)
            self.learner.begin()
            return True
        resume(saved, self.learner, self.state, self.phases, self.save_dir)
        self._moments = saved.optimizer
        step, end = self.state.step, self.phases[-1].end
        lost = self._forget_lost_best()
        if lost is not None:
            self._renew = step >= end
            self.log.warn(f"{lost} It is written anew " + (f"from iter_{step}, the newest checkpoint." if self._renew else
                                                           "by the next validation, whatever it scores."))
        if step >= end and not self._renew:
            self.log.info(f"[DONE] {self.save_dir} is finished ({step} iterations). --force runs it again.")
            return False
        if not self._renew:
            self.log.info(f"[RESUME] from iteration {step} of {end} in {self.save_dir}.")
        return True

    def run(self, stop: StopOnSignal) -> bool:
        """Train what is left of the phases; False where ``stop`` ended it before the last step. Raises UserError: memory
        ran out, or the losses were not finite; the checkpoints so far stay."""
        for phase in self.phases:
            if self.state.step < phase.end and not self._run_phase(phase, stop):
                self.log.info(f"[STOPPED] saved iteration {self.state.step} in {self.save_dir}; the same command goes on "
                              "from there.")
                return False
        if self._renew:
            self._renew_best()
        for line in self.ranks.on_first(lambda: save_results(self.save_dir, self.state)):
            self.log.info(line)
        return True

    def enter(self, phase: Phase) -> None:
        """Set up for a phase, see that it fits in memory, and give a new one its first score; then delete the checkpoints of
        an earlier run where this one starts over."""
        self.learner.enter(phase.name, self._moments if self.state.phase == phase.name else None)
        self._moments = None
        self.samples = training_set(self.config, phase.name, self._catalog, self.learner.lesson.trimap)
        self._divide(phase.name)
        self.log.info(plan_line(phase, self.config, self.samples, self.division, self.ranks.world, len(self.valid_items),
                                self.valid_interval, checkpoint_size(self.learner)))
        self.state.enter(phase)
        if phase.name not in self.state.scores:
            score = self.ranks.on_first(self._validate)
            if self._to_clear:  # only now: before it, too little memory or a bad image might have ended the new run
                self.ranks.on_first(lambda: clear(self.save_dir))
                self._to_clear = False
            # A refiner that has learnt nothing cannot be the best: any later state of this phase replaces it.
            begun = score["sad"] is not None and (phase.name != "joint" or self.state.refined)
            self.state.scores[phase.name] = [score, score if begun else None]
            if begun:
                self.ranks.on_first(self._save_best)
        elif self.state.other_pictures and self.state.scores[phase.name][1] is not None:
            self.state.scores[phase.name][1] = self.ranks.on_first(self._score_best)

    def count(self, updated: bool, names: Callable[[], list[str]]) -> None:
        """Count an iteration as done, with or without an update. ``names``: tells which samples it read. Raises
        UserError: too many in a row had no finite loss and gradient."""
        state, most = self.state, self.config["nonfinite_max"]
        state.count(updated)
        if updated:
            return
        if state.skipped_in_row >= most:
            raise UserError(f"the loss or its gradient was not finite in {most} iterations in a row, up to iteration "
                            f"{state.step}; lower --learning-rate or look at the data. The last samples read: "
                            f"{', '.join(names())}. Checkpoints up to here are in {self.save_dir}.")
        self.log.warn(f"iteration {state.step}: the loss or its gradient is not finite; the weights stay as they are "
                      f"({state.skipped_in_row} in a row, {state.skipped} in all).")

    def validate_and_keep_best(self) -> None:
        """Score the network; where it is the best of its phase so far, write ``best_model``."""
        if self.state.score(self.ranks.on_first(self._validate)):
            self.ranks.on_first(self._save_best)

    def _divide(self, phase):
        """Find out how the samples of an iteration are to be divided so that they fit in memory."""
        config, ranks = self.config, self.ranks
        division = division_of(config, phase, len(self.samples), ranks.world)
        together = ranks.world if ranks.device != "cpu" else 1  # BatchNorm looks at all processes' samples on GPUs alone
        self.learner.single = division.batch_size * together == 1
        self.division = fitted(self.learner, phase, division, config["batch_auto"], self.log.info)
        self.learner.single = self.division.batch_size * together == 1
        if self.learner.single and self.learner.lesson.pooled(self.learner.network):
            self.log.warn(f"{phase}: batches of one sample; BatchNorm in the ASPP's pooled branch keeps its statistics.")

    def _run_phase(self, phase, stop):
        """Train one phase to its end; False when a signal stopped it before the run's last step."""
        try:
            return self._train_phase(phase, stop)
        except WorkersFailed as error:
            if self.ranks.world > 1 or self.state.step == 0:  # the others know nothing of it; there is nothing to save
                raise
            save_iteration(self.save_dir, self.learner, self.state)
            raise UserError(f"{error} Iteration {self.state.step} is saved.") from None
        except Exception as error:  # of any kind: paddle's own, MemoryError, bad_alloc as RuntimeError
            if isinstance(error, UserError) or not out_of_memory(error):
                raise
            division = self.division or Division(self.config["phases"][phase.name]["batch_size"], self.config["accumulate"])
            raise too_large(division, phase.name, largest_side(self.config, phase.name), self.ranks.device) from None

    def _train_phase(self, phase, stop):
        self.enter(phase)
        state, config = self.state, self.config
        samples, meter = self.samples, Meter()
        watched = self.ranks.first and sys.stderr.isatty()
        with tqdm(total=phase.end, initial=state.step, desc=phase.name, disable=not watched) as bar:
            while state.step < phase.end:
                epoch, first = divmod(state.step - phase.start, phase.per_epoch)
                batches = self._batches(phase, phase.first_epoch + epoch, first, len(samples))
                meter.wait()
                for number, group in enumerate(read_iterations(samples, batches, config["num_workers"]), first):
                    meter.read()
                    for line in samples.news():
                        self.log.warn(line)
                    outcome = train_step(self.learner, phase, state.step, group)
                    self.count(outcome.updated, partial(_names, samples, batches, number))
                    meter.note(outcome.loss, outcome.terms)
                    bar.update()
                    meter.add(batches.batch_size * len(group) * self.ranks.world)
                    if not self._after(phase, batches.epoch, meter, outcome, stop):
                        return False
                    if state.step == phase.end:  # sooner than planned, perhaps
                        break
                    meter.wait()
        return True

    def _after(self, phase, epoch, meter, outcome, stop):
        """Work due after an iteration: lines, images, a validation, a checkpoint; False where the run is to stop."""
        step, config, end = self.state.step, self.config, self.phases[-1].end
        if step % config["log_train_loss_interval"] == 0:
            memory = peak_memory(self.ranks.device)
            self.log.progress(phase.name, epoch + 1, step, self.phases[-1], meter, {
                "train/lr": learning_rate(config, phase, step - 1), "train/grad_norm": outcome.norm,
                **({} if memory is None else {"train/memory_gib": memory / 2 ** 30})})
        if meter.all_count == ESTIMATE_AFTER:
            left = phase.end - step
            self.log.info(time_line(phase.name, meter.all_seconds / meter.all_count, left,
                                    -(-left // self.valid_interval), self._valid_seconds))
        if step % picture_interval(config, end) == 0:
            self.log.pictures(outcome.pictures(), step)
        if step % self.valid_interval == 0 or step == phase.end:
            self.validate_and_keep_best()
            if 0 < config["patience"] <= self.state.stale and step < phase.end:
                self.log.info(f"[EARLY] {phase.name}: no validation in {self.state.stale} was better; the phase ends after "
                              f"iteration {step}, {phase.end - step} before its last.")
                step = self.state.step = phase.end
        stopping = self.ranks.any(stop.wanted or self.ranks.abandoned)  # all at the same step, whichever is told
        if stopping or step % config["checkpoint_interval"] == 0 or step == phase.end:
            self.ranks.on_first(lambda: save_iteration(self.save_dir, self.learner, self.state))
        return not (stopping and step < end)

    def _validate(self):
        """SAD and MSE on the fixed validation images, with the refiner where it has been trained."""
        begun = time.perf_counter()
        score = validate(self.learner, self.valid_items, self.state.coarse_only)
        self._valid_seconds = time.perf_counter() - begun
        tell(score, self.state.phase, self.state.step, self.log)
        return score

    def _forget_lost_best(self):
        """Forget the best score of the newest phase where ``best_model`` cannot be loaded; returns why, else None."""
        scores = self.state.scores.get(self.state.phase)
        if scores is None or scores[1] is None:
            return None
        lost = self.ranks.on_first(self._why_lost)
        if lost is not None:
            scores[1] = None
        return lost

    def _why_lost(self):
        try:
            load_checkpoint(self.save_dir / "best_model")
        except UserError as error:
            return str(error)
        return None

    def _renew_best(self):
        """Write ``best_model`` from the weights that the run ended with, and their own score into their checkpoint."""
        self.learner.enter(self.state.phase, self._moments)
        self.state.score(self.ranks.on_first(self._validate))
        self.ranks.on_first(lambda: save_iteration(self.save_dir, self.learner, self.state))
        self.ranks.on_first(self._save_best)

    def _score_best(self):
        """The score of ``best_model`` on other images than those it was chosen by, so that what comes compares with it."""
        best = load_checkpoint(self.save_dir / "best_model").model
        score = validate_arrays(self.learner, best, self.valid_items, self.state.coarse_only)
        self.log.info(f"[EVAL] {self.state.phase} best_model on the images asked for now: SAD {told(score['sad'], 4)}, "
                      f"MSE x1000 {told(score['mse'], 4, 1e3)}")
        return score

    def _save_best(self):
        save_best(self.save_dir, self.learner, self.state)

    def _batches(self, phase, epoch, start, length):
        settings = self.config["phases"][phase.name]
        return Batches(length, self.division.batch_size, settings["crop"], self.config["seed"], epoch, start,
                       self.division.accumulate, self.ranks.rank, self.ranks.world, self.learner.lesson.cell)


def _names(samples, batches, number):
    return [samples.describe(key) for batch in batches.iteration(number) for key in batch]
