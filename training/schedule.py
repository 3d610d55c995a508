"""The plan of a training run: which phase each step belongs to, and its learning rate. Pure functions of the step."""
import math
from collections import namedtuple

from dataset.batches import batch_length
from utils.errors import UserError

PHASES = ("base", "joint")

# epochs first..last-1 and iterations start..end-1 of the whole run
Phase = namedtuple("Phase", "name first_epoch last_epoch start end per_epoch")


def plan(config, length, epoch_end=None, world=1):
    """The phases of a run, in order.

    Args:
        config: a stage's configuration.
        length: samples an epoch.
        epoch_end: last epoch of the run, counted over all phases; None: as configured. A phase that would begin
            after it is left out, and the last phase is made longer or shorter to end there.
        world: processes that train together, each with batches of its own.

    Raises:
        UserError: nothing is left to train.
    """
    wanted = [(name, config["phases"][name]["epochs"]) for name in PHASES if config["phases"][name]["epochs"] > 0]
    phases, epoch, step, batches = [], 0, 0, config["accumulate"] * world
    for position, (name, epochs) in enumerate(wanted):
        last = epoch + epochs
        if epoch_end is not None:
            last = epoch_end if position == len(wanted) - 1 else min(last, epoch_end)
        if last <= epoch:
            break
        per_epoch = length // (batches * batch_length(length, config["phases"][name]["batch_size"], batches))
        phases.append(Phase(name, epoch, last, step, step + (last - epoch) * per_epoch, per_epoch))
        epoch, step = last, phases[-1].end
    if not phases:
        raise UserError("no epochs to train: set the epochs of phases.base or phases.joint, or --epoch-end, to 1 "
                        "or more.")
    return phases


def learning_rate(config, phase, step):
    """Learning rate of a step before the factors of the network's parts."""
    done, length = step - phase.start, phase.end - phase.start
    rate = config["learning_rate"]
    if config["schedule"] == "cosine":
        low = 0.01
        rate *= low + (1 - low) * (1 + math.cos(math.pi * done / length)) / 2
    if done < config["warmup_iters"]:
        rate *= (done + 1) / config["warmup_iters"]
    return rate
