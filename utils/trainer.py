"""Training a stage: its phases, each a loop of steps. Everything random follows from the seed and the step."""
import sys

import cv2
import numpy as np
import paddle
from tqdm import tqdm

from dataset.catalog import catalog_or_sample, open_catalog
from dataset.loader import read_batches
from dataset.training import Batches, training_set, validation_set
from model.losses import base_loss, refine_loss
from model.matter import find_device
from model.matting import MattingBase
from utils.checkpoint import clear, latest_checkpoint, recover
from utils.errors import UserError
from utils.interrupt import StopOnSignal
from utils.report import prepare_folder
from utils.run import Run, build_network, load_pretrained
from utils.runlog import Meter, RunLog, picture_row, train_line
from utils.schedule import learning_rate, plan


def train(config, epoch_end=None, force=False):
    """Run a stage to its end, from the newest checkpoint in its ``save_dir`` where there is one.

    Args:
        config: as ``load_config`` returns it.
        epoch_end: see ``utils.schedule.plan``.
        force: start over; the checkpoints in ``save_dir`` are deleted as soon as all that the new run needs is there.

    Returns:
        True when the stage is finished, False when a signal stopped it (everything is saved).

    Raises:
        UserError: data, weights or settings that cannot be used, or a loss that is not finite.
    """
    cv2.setNumThreads(0)  # the cores are for the network; and see read_batches
    paddle.set_device(find_device(config["device"]))
    paddle.seed(config["seed"])
    network = build_network(config)
    catalog = _catalog(config)
    samples = len(training_set(config, "joint", catalog))
    phases = plan(config, samples, epoch_end)
    save_dir = prepare_folder(config["save_dir"], "--save-dir")
    recover(save_dir)
    with RunLog(save_dir) as log:
        run = Run(config, network, samples, log)
        saved = None if force else latest_checkpoint(save_dir, log.warn)
        if saved is not None:
            run.resume(saved, phases)
            if run.step >= phases[-1].end:
                log.info(f"[DONE] {save_dir} is finished ({run.step} iterations). --force runs it again.")
                return True
            log.info(f"[RESUME] from iteration {run.step} of {phases[-1].end} in {save_dir}.")
        elif config["pretrain"] is not None:
            line, run.refined = load_pretrained(network, config["pretrain"])
            log.info(line)
        run.valid_items = validation_set(config, catalog)
        if force:
            clear(save_dir)
        with StopOnSignal() as stop:
            for phase in phases:
                if run.step < phase.end and not run_phase(run, phase, phases[-1], catalog, stop):
                    log.info(f"[STOPPED] saved iteration {run.step} in {save_dir}; the same command goes on from there.")
                    return False
        run.finish()
    return True


def run_phase(run, phase, last_phase, catalog, stop):
    """Train one phase from ``run.step`` to its end; False when a signal stopped it, unless it was the run's last step."""
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
            for batch in read_batches(samples, batches, config["num_workers"]):
                meter.read()
                for line in samples.news():
                    run.log.warn(line)
                terms, loss, pictures = train_step(run, phase, batch)
                run.step += 1
                run.refined = run.refined or phase.name == "joint"
                bar.update()
                meter.add(loss, terms, len(batch[0]))
                if run.step % config["log_train_loss_interval"] == 0:
                    _report(run, phase, epoch, last_phase, meter)
                if run.step % config["log_images_interval"] == 0:
                    run.log.pictures(pictures(), run.step)
                if run.step % config["valid_interval"] == 0 or run.step == phase.end:
                    run.validate_and_keep_best()
                if stop.wanted or run.step % config["checkpoint_interval"] == 0 or run.step == phase.end:
                    run.save()
                if stop.wanted and run.step < last_phase.end:
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


def _report(run, phase, epoch, last_phase, meter):
    loss, terms, costs, ips = meter.take()
    rate = learning_rate(run.config, phase, run.step - 1)
    run.log.info(train_line(phase.name, epoch + 1, last_phase.last_epoch, run.step, last_phase.end, loss, terms, rate,
                            costs, ips))
    run.log.scalars({"train/loss": loss, "train/lr": rate, "train/ips": ips, "train/reader_cost": costs[0],
                     "train/batch_cost": costs[1], **{f"train/{name}": value for name, value in terms.items()}}, run.step)


def _catalog(config):
    if config["dataset_name"] == "stream":
        return open_catalog(data_root=config["data_root"])
    return catalog_or_sample([config["dataset_name"], config["background_name"]], data_root=config["data_root"])
