"""What the tests of training share: whole runs inside this process, and single iterations."""
import numpy as np
import paddle
import pytest

from bgmatting.commands import train as script
from bgmatting.dataset.batches import Batches
from bgmatting.dataset.samples import training_set
from bgmatting.training.config import load_config
from bgmatting.training.distributed import Ranks
from bgmatting.training.schedule import plan
from bgmatting.training.start import network_of
from bgmatting.training.step import Learner
from bgmatting.utils.cli import run_main
from tests.training.fixed_train import fix


class Log:
    """A log that keeps its warnings."""

    def __init__(self):
        self.said = []

    def info(self, text):
        pass

    def warn(self, text):
        self.said.append(text)

    def scalars(self, values, step):
        pass


def run(path, *flags):
    script.main(["--config", str(path), *flags])


def fails(capsys, path, *flags):
    """Run, and return the one line on stderr; exit code 2 is asserted."""
    with pytest.raises(SystemExit) as ended:
        run_main(script.main, ["--config", str(path), *flags])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("error: ") and said.count("\n") == 1
    return said


def learner_of(config, change=fix):
    """A learner with the network of ``config``, by default with fixed statistics and no dropout."""
    paddle.seed(1)
    return Learner(config, change(network_of(config)), Ranks(0, 1, "cpu"))


def first_iteration(path, batches=1, batch_size=2, phase=0, change=fix):
    """(learner that has entered a phase, by number, of the stage at ``path``; the phase; batches of its first iteration)."""
    config = load_config(path)
    learner, phase = learner_of(config, change), plan(config, 4)[phase]
    learner.begin()
    learner.enter(phase.name)
    samples = training_set(config, phase.name, None, learner.lesson.trimap)
    keys = Batches(4, batch_size, (64, 64), 1, 0, accumulate=batches).iteration(0)
    return learner, phase, [tensors([samples[key] for key in batch]) for batch in keys]


def tensors(samples):
    return [paddle.to_tensor(np.stack(images)) for images in zip(*samples)]


def weights(learner):
    return {name: value.numpy().copy() for name, value in learner.network.state_dict().items()}


def equal(one, other):
    return all(np.array_equal(value, other[name]) for name, value in one.items())


def changed(before, after):
    """{part of the network: names of the arrays that differ}"""
    parts = {name.split(".")[0]: set() for name in before}
    for name, value in before.items():
        if (after[name] != value).any():
            parts[name.split(".")[0]].add(name)
    return parts


def names(folder):
    return sorted(path.name for path in folder.iterdir())
