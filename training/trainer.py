"""Training a stage: its phases, each a loop of steps. Everything random follows from the seed and the step."""
import sys

import cv2
import paddle
from tqdm import tqdm

from dataset.batches import Batches, read_batches
from dataset.catalog import catalog_or_sample, open_catalog
from dataset.samples import training_set
from training.checkpoint import clear, latest_checkpoint, load_checkpoint, recover
from training.distributed import join_ranks, synchronised
from training.log import Meter, RunLog, train_line
from training.schedule import learning_rate, plan
from training.state import Run, build_network, load_pretrained
from training.step import train_step
from training.validation import validation_set
from utils.cli import StopOnSignal
from utils.files import prepare_folder
from utils.machine import peak_memory


def train(config, epoch_end=None, force=False):
    """Run a stage to its end, from the newest checkpoint in its ``save_dir`` where there is one.

    Args:
        config: as ``load_config`` returns it.
        epoch_end: see ``training.schedule.plan``.
        force: start over; the checkpoints in ``save_dir`` are deleted as soon as all that the new run needs is there.

    Returns:
        True when the stage is finished, False when a signal stopped it (everything is saved).

    Raises:
        UserError: data, weights, settings or devices that cannot be used, or losses that are not finite.
    """
    cv2.setNumThreads(0)  # the cores are for the network; and see read_batches
    ranks = join_ranks(config["device"])
    paddle.seed(config["seed"])
    network = synchronised(build_network(config), ranks)
    catalog = _catalog(config)
    samples = len(training_set(config, "joint", catalog))
    phases = plan(config, samples, epoch_end, ranks.world)
    save_dir = ranks.on_first(lambda: _prepared(config["save_dir"]))
    with RunLog(save_dir, ranks.first) as log:
        run = Run(config, network, samples, log, ranks)
        if not _take_up(run, phases, force):
            return True
        run.valid_items = validation_set(config, catalog)
        if force:
            ranks.on_first(lambda: clear(save_dir))
        with StopOnSignal() as stop:
            for phase in phases:
                if run.step < phase.end and not run_phase(run, phase, phases[-1], catalog, stop):
                    log.info(f"[STOPPED] saved iteration {run.step} in {save_dir}; the same command goes on from there.")
                    return False
        run.finish()
    return True


def run_phase(run, phase, last_phase, catalog, stop):
    """Train one phase from ``run.step`` to its end; False when a signal stopped it before the run's last step."""
    config = run.config
    run.enter(phase)
    samples = training_set(config, phase.name, catalog)
    meter = Meter()
    with tqdm(total=phase.end, initial=run.step, desc=phase.name, disable=not _watched(run)) as bar:
        while run.step < phase.end:
            epoch, first = divmod(run.step - phase.start, phase.per_epoch)
            batches = _batches(run, phase, phase.first_epoch + epoch, first, len(samples))
            meter.wait()
            for number, group in enumerate(_iterations(samples, batches, config["num_workers"]), first):
                meter.read()
                for line in samples.news():
                    run.log.warn(line)
                outcome = train_step(run, phase, group)
                run.count(outcome.updated, lambda: _names(samples, batches, number))
                run.refined = run.refined or phase.name == "joint"
                bar.update()
                meter.add(outcome.loss, outcome.terms, batches.batch_size * len(group) * run.ranks.world)
                if run.step % config["log_train_loss_interval"] == 0:
                    _report(run, phase, batches.epoch, last_phase, meter, outcome.norm)
                if run.step % config["log_images_interval"] == 0:
                    run.log.pictures(outcome.pictures(), run.step)
                if run.step % config["valid_interval"] == 0 or run.step == phase.end:
                    run.validate_and_keep_best()
                stopping = run.ranks.any(stop.wanted or run.ranks.abandoned)  # all at the same step, whichever is told
                if stopping or run.step % config["checkpoint_interval"] == 0 or run.step == phase.end:
                    run.save()
                if stopping and run.step < last_phase.end:
                    return False
                meter.wait()
    return True


def _prepared(save_dir):
    folder = prepare_folder(save_dir, "--save-dir")
    recover(folder)
    return folder


def _take_up(run, phases, force):
    """Go on from the newest checkpoint, or from the weights to start from; False where nothing is left to do."""
    saved = None if force else _newest_checkpoint(run)
    if saved is None:
        if run.config["pretrain"] is not None:
            line, run.refined = load_pretrained(run.network, run.config["pretrain"])
            run.log.info(line)
        run.begin()
        return True
    run.resume(saved, phases)
    if run.step >= phases[-1].end:
        run.log.info(f"[DONE] {run.save_dir} is finished ({run.step} iterations). --force runs it again.")
        return False
    run.log.info(f"[RESUME] from iteration {run.step} of {phases[-1].end} in {run.save_dir}.")
    return True


def _newest_checkpoint(run):
    """The newest whole checkpoint, the same for all processes, or None. The first looks for it, the others read it."""
    found = []

    def look():
        found.append(latest_checkpoint(run.save_dir, run.log.warn))
        return None if found[0] is None else found[0].state["step"]

    step = run.ranks.on_first(look)
    if step is None or run.ranks.first:
        return found[0] if found else None
    return load_checkpoint(run.save_dir / f"iter_{step}")


def _batches(run, phase, epoch, start, length):
    settings = run.config["phases"][phase.name]
    return Batches(length, settings["batch_size"], settings["crop"], run.config["seed"], epoch, start,
                   run.config["accumulate"], run.ranks.rank, run.ranks.world)


def _iterations(samples, batches, workers):
    """Lists of the batches of one iteration each."""
    reader = read_batches(samples, batches, workers)
    return map(list, zip(*[reader] * batches.accumulate))


def _names(samples, batches, number):
    return [samples.describe(key) for batch in batches.iteration(number) for key in batch]


def _watched(run):
    return run.ranks.first and sys.stderr.isatty()


def _report(run, phase, epoch, last_phase, meter, norm):
    loss, terms, costs, ips = meter.take()
    rate = learning_rate(run.config, phase, run.step - 1)
    run.log.info(train_line(phase.name, epoch + 1, last_phase.last_epoch, run.step, last_phase.end, loss, terms, rate,
                            costs, ips))
    memory = peak_memory(run.ranks.device)
    run.log.scalars({"train/loss": loss, "train/lr": rate, "train/ips": ips, "train/reader_cost": costs[0],
                     "train/batch_cost": costs[1], "train/grad_norm": norm,
                     **({} if memory is None else {"train/memory_gib": memory / 2 ** 30}),
                     **{f"train/{name}": value for name, value in terms.items()}}, run.step)


def _catalog(config):
    if config["dataset_name"] == "stream":
        return open_catalog(data_root=config["data_root"])
    return catalog_or_sample([config["dataset_name"], config["background_name"]], data_root=config["data_root"])
