"""One training run: base, joint or fine-tuning, fresh or resumed. Everything random follows from the seed and the step."""
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import paddle
from paddle.io import DataLoader
from tqdm import tqdm

from dataset.catalog import catalog_or_sample, open_catalog
from dataset.training import Batches, training_set, validation_set
from model.losses import base_loss, refine_loss
from model.matter import find_device, run_network
from model.matting import MattingBase, MattingRefine
from model.weights import load_state, load_weights
from utils.checkpoint import keep_newest, latest_checkpoint, recover, save_checkpoint, weights_file
from utils.config import differences
from utils.errors import UserError
from utils.evaluate import evaluate, matter_method
from utils.optimizer import build_optimizer, load_optimizer_arrays, optimizer_arrays
from utils.runlog import RunLog, picture_row, train_line
from utils.schedule import learning_rate, plan

# May change between an interrupted run and its continuation: they do not touch what is learnt.
FREE_KEYS = ("num_workers", "device", "data_root", "save_dir", "log_train_loss_interval", "log_images_interval",
             "checkpoint_interval", "keep_checkpoint_max", "phases.base.epochs", "phases.joint.epochs", "pretrain")


def train(config, epoch_end=None):
    """Run a stage to its end, from the newest checkpoint in its ``save_dir`` where there is one.

    Args:
        config: as ``load_config`` returns it.
        epoch_end: see ``utils.schedule.plan``.

    Returns:
        True when the stage is finished, False when a signal stopped it (everything is saved).

    Raises:
        UserError: data, weights or settings that cannot be used, or a loss that is not finite.
    """
    save_dir = Path(config["save_dir"])
    recover(save_dir)
    cv2.setNumThreads(0)  # workers are forked, and OpenCV's thread pool does not survive a fork
    device = paddle.set_device(find_device(config["device"]))
    paddle.seed(config["seed"])
    catalog = _catalog(config)
    with RunLog(save_dir) as log:
        network = build_network(config)
        saved = latest_checkpoint(save_dir, log.warn)
        run = Run(config, network, validation_set(config, catalog), log, save_dir, str(device).replace("Place(", ""))
        phases = plan(config, len(training_set(config, "joint", catalog)), epoch_end)
        if saved is None:
            _start(config, network, log)
        else:
            run.resume(saved)
            if run.step >= phases[-1].end:
                log.info(f"[DONE] {save_dir} is finished ({run.step} iterations). --force runs it again.")
                return True
            log.info(f"[RESUME] from iteration {run.step} of {phases[-1].end} in {save_dir}.")
        with StopOnSignal() as stop:
            for phase in phases:
                if run.step < phase.end and not run_phase(run, phase, phases[-1].end, catalog, stop):
                    log.info(f"[STOPPED] saved iteration {run.step} in {save_dir}; the same command goes on from there.")
                    return False
        for name, (before, best) in run.scores.items():
            log.info(f"[DONE] {save_dir} {name}: validation SAD {before['sad']:.3f} -> {best['sad']:.3f}, "
                     f"MSE x1000 {before['mse'] * 1e3:.3f} -> {best['mse'] * 1e3:.3f}")
    return True


def build_network(config):
    """The MattingRefine that a configuration describes, with fresh weights."""
    refine = config["refine"]
    return MattingRefine(config["backbone"], refine["backbone_scale"], refine["mode"], refine["sample_pixels"],
                         refine["threshold"], refine["kernel_size"])


class Run:
    """What a run carries from step to step: the network, its optimizer, where it stands, and the scores so far."""

    def __init__(self, config, network, valid_items, log, save_dir, device):
        self.config, self.network, self.valid_items = config, network, valid_items
        self.log, self.save_dir = log, save_dir
        self.device = find_device(config["device"])
        self.optimizer = None
        self.phase = None
        self.step = 0
        self.scores = {}  # {phase: [score before it, best score in it]}
        self._optimizer_arrays = None

    def enter(self, phase):
        """Set up for a phase: its optimizer (with its saved state after a resume) and, if it is new, a first score."""
        settings = self.config["phases"][phase.name]
        self.optimizer = build_optimizer(self.network, settings["rates"], self.config["clip_norm"])
        if self.phase == phase.name and self._optimizer_arrays is not None:
            load_optimizer_arrays(self.optimizer, self.network, self._optimizer_arrays)
        self._optimizer_arrays = None
        self.phase = phase.name
        if phase.name not in self.scores:
            score = self.validate()
            self.scores[phase.name] = [score, score]
            self.save_best()

    def resume(self, saved):
        """Take over a checkpoint as ``load_checkpoint`` returns it."""
        arrays, self._optimizer_arrays, state = saved
        changed = [line for line in differences(state["config"], self.config) if line.split(":")[0] not in FREE_KEYS]
        if changed:
            raise UserError(f"{self.save_dir} holds a run with other settings ({changed[0]}). Use those, start over with "
                            "--force, or name another --save-dir.")
        load_state(self.network, arrays)
        self.step, self.phase, self.scores = state["step"], state["phase"], state["scores"]

    def save(self):
        """Write ``iter_N`` and drop the oldest ones."""
        save_checkpoint(self.save_dir / f"iter_{self.step}", self._arrays(),
                        optimizer_arrays(self.optimizer, self.network), self._state(), self._metadata())
        keep_newest(self.save_dir, self.config["keep_checkpoint_max"])

    def save_best(self):
        """Write ``best_model``: weights and how they came about, no optimizer."""
        save_checkpoint(self.save_dir / "best_model", self._arrays(), None, self._state(), self._metadata())

    def validate(self):
        """SAD and MSE on the fixed validation pictures, as the network will be used: coarse only in the base phase."""
        network, refiner = self.network, self.network.refiner
        pixels = refiner.sample_pixels
        network.eval()
        if self.phase == "base":
            refiner.sample_pixels, refiner.mode = 0, "sampling"
        try:
            predict = matter_method(_Predictor(network, self.device))
            _, mean = evaluate(predict, self.valid_items)
        finally:
            refiner.sample_pixels, refiner.mode = pixels, self.config["refine"]["mode"]
        self.log.info(f"[EVAL] {self.phase} iter: {self.step}, SAD: {mean['sad']:.4f}, MSE x1000: {mean['mse'] * 1e3:.4f}")
        self.log.scalars({"valid/sad": mean["sad"], "valid/mse": mean["mse"]}, self.step)
        return {"sad": mean["sad"], "mse": mean["mse"]}

    def validate_and_keep_best(self):
        score = self.validate()
        if score["sad"] < self.scores[self.phase][1]["sad"]:
            self.scores[self.phase][1] = score
            self.save_best()

    def _arrays(self):
        return {name: np.ascontiguousarray(value.numpy()) for name, value in self.network.state_dict().items()}

    def _state(self):
        return {"step": self.step, "phase": self.phase, "scores": self.scores, "config": self.config}

    def _metadata(self):
        return {"backbone": self.config["backbone"], "step": str(self.step), "dataset": self.config["dataset_name"]}


class _Predictor:
    def __init__(self, network, device):
        self.network, self.device = network, device

    def predict(self, src, bgr):
        return run_network(self.network, src, bgr, self.device)


class StopOnSignal:
    """While active, SIGINT and SIGTERM only set ``wanted``, so that the step under way ends and is saved."""

    def __enter__(self):
        self.wanted = False
        self._old = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.wanted = True


def run_phase(run, phase, last_step, catalog, stop):
    """Train one phase from ``run.step`` to its end; False when a signal stopped it."""
    config, settings = run.config, run.config["phases"][phase.name]
    run.enter(phase)
    samples = training_set(config, phase.name, catalog)
    meter = Meter()
    with tqdm(total=phase.end, initial=run.step, desc=phase.name, disable=not sys.stderr.isatty()) as bar:
        while run.step < phase.end:
            epoch = phase.first_epoch + (run.step - phase.start) // phase.per_epoch
            batches = Batches(len(samples), settings["batch_size"], settings["crop"], config["seed"], epoch,
                              start=(run.step - phase.start) % phase.per_epoch)
            meter.wait()
            for batch in _loader(samples, batches, config["num_workers"]):
                meter.read()
                terms, loss, pictures = train_step(run, phase, batch)
                run.step += 1
                bar.update()
                meter.add(loss, terms, len(batch[0]))
                if run.step % config["log_train_loss_interval"] == 0:
                    _report(run, phase, epoch, last_step, meter)
                if run.step % config["log_images_interval"] == 0:
                    run.log.pictures(pictures(), run.step)
                if run.step % config["valid_interval"] == 0 or run.step == phase.end:
                    run.validate_and_keep_best()
                if stop.wanted or run.step % config["checkpoint_interval"] == 0 or run.step == phase.end:
                    run.save()
                if stop.wanted and run.step < last_step:
                    return False
                meter.wait()
    return True


def train_step(run, phase, batch):
    """One update. Returns ({term: number}, loss, function that makes pictures of this batch).

    Raises:
        UserError: the loss is not finite.
    """
    network, config = run.network, run.config
    # Dropout is the only chance in a step; seeding it by the step makes a resumed run the same as an uninterrupted one.
    paddle.seed(int(np.random.SeedSequence([config["seed"], run.step]).generate_state(1)[0]))
    src, bgr, fgr, pha = (image.astype("float32") / 255 for image in batch)
    network.train()
    if phase.name == "base":
        pred = MattingBase.forward(network, src, bgr)
        terms = base_loss(pred, pha, fgr, config["detach_error"])
    else:
        network.refiner.mode = "full"
        pred = network(src, bgr)
        network.refiner.mode = config["refine"]["mode"]
        terms = refine_loss(pred, pha, fgr, config["detach_error"])
    loss = sum(terms.values())
    value = loss.item()
    if not np.isfinite(value):
        raise UserError(f"the loss is not finite at iteration {run.step}; lower --learning-rate. "
                        f"Checkpoints up to here are in {run.save_dir}.")
    loss.backward()
    run.optimizer.set_lr(learning_rate(config, phase, run.step))
    run.optimizer.step()
    run.optimizer.clear_grad()

    def pictures():
        err = pred.err if phase.name == "base" else pred.err_sm
        shown = {"src": src, "bgr": bgr, "pha": pred.pha, "com": pred.fgr * pred.pha, "err": err}
        if phase.name == "joint":
            with paddle.no_grad():
                shown["ref"] = network.refiner.select(pred.err_sm)
        return {f"train/{name}": picture_row(image.numpy()) for name, image in shown.items()}

    return {name: term.item() for name, term in terms.items()}, value, pictures


class Meter:
    """Means since the last report: loss, its terms, seconds spent waiting for data and in all."""

    def __init__(self):
        self._clear()
        self._waiting_since = time.perf_counter()

    def _clear(self):
        self.losses, self.terms, self.samples, self.reader = [], [], 0, 0.0
        self._since = time.perf_counter()

    def wait(self):
        self._waiting_since = time.perf_counter()

    def read(self):
        self.reader += time.perf_counter() - self._waiting_since

    def add(self, loss, terms, samples):
        self.losses.append(loss)
        self.terms.append(terms)
        self.samples += samples

    def take(self):
        """(loss, {term: mean}, (reader seconds, batch seconds) an iteration, samples a second), and begin anew."""
        count, seconds = len(self.losses), time.perf_counter() - self._since
        means = {name: sum(terms[name] for terms in self.terms) / count for name in self.terms[0]}
        result = sum(self.losses) / count, means, (self.reader / count, seconds / count), self.samples / seconds
        self._clear()
        return result


def _report(run, phase, epoch, last_step, meter):
    loss, terms, costs, ips = meter.take()
    rate = learning_rate(run.config, phase, run.step - 1)
    run.log.info(train_line(phase.name, epoch + 1, phase.last_epoch, run.step, last_step, loss, terms, rate, costs, ips))
    run.log.scalars({"train/loss": loss, "train/lr": rate, "train/ips": ips, "train/reader_cost": costs[0],
                     "train/batch_cost": costs[1], **{f"train/{name}": value for name, value in terms.items()}}, run.step)


def _loader(samples, batches, workers):
    return DataLoader(samples, batch_sampler=batches, num_workers=workers, worker_init_fn=_ignore_interrupt,
                      use_shared_memory=False, persistent_workers=False)


def _ignore_interrupt(_):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the trainer decides when to end


def _catalog(config):
    if config["dataset_name"] == "stream":
        return open_catalog(data_root=config["data_root"])
    return catalog_or_sample([config["dataset_name"], config["background_name"]], data_root=config["data_root"])


def _start(config, network, log):
    if config["pretrain"] is None:
        return
    path = config["pretrain"] if config["pretrain"] == "starter" else weights_file(config["pretrain"])
    if path != "starter" and not Path(path).exists():
        raise UserError(f"no weights to start from at {config['pretrain']}. Run the stage before this one, or name other "
                        "weights with --pretrain (a file, a checkpoint folder, or 'starter').")
    report = load_weights(network, path, partial=True)
    log.info(f"[PRETRAIN] {path}: {len(report.matched)} arrays taken, {len(report.missing)} of this network not in it.")
