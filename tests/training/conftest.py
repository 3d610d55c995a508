"""A network in its first iteration, a run from beginning to end, and a checkpoint."""
import copy
from contextlib import redirect_stdout
from io import StringIO
from types import SimpleNamespace

import pytest
import yaml

from bgmatting.training.checkpoint import State, save_iteration
from bgmatting.training.checkpoint_files import load_checkpoint
from bgmatting.training.config import load_config
from bgmatting.training.log import RunLog
from bgmatting.training.schedule import plan
from bgmatting.training.step import train_step
from tests.conftest import TINY
from tests.training.runs import first_iteration, run


@pytest.fixture
def begun(stage):
    """begun(batches, batch_size, **keys of the stage) -> what ``first_iteration`` returns, in the base phase."""
    def begin(batches=1, batch_size=2, **keys):
        return first_iteration(stage(accumulate=batches, **keys), batches, batch_size)
    return begin


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A run of both phases, two iterations each, done once: its folder, best_model, what was said, and its last records."""
    folder, said, records = tmp_path_factory.mktemp("whole"), StringIO(), {}
    path = folder / "run.yml"
    path.write_text(yaml.safe_dump({**TINY, "save_dir": str(folder / "run")}))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(RunLog, "scalars", lambda self, values, step: records.update(values))
        run(path)
    return SimpleNamespace(folder=folder / "run", best=folder / "run" / "best_model", said=said.getvalue(), records=records)


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    path = folder / "stage.yml"
    content = {**copy.deepcopy(TINY), "save_dir": str(folder), "ema": 0.5, "keep_checkpoint_max": 1}
    content["phases"]["joint"]["epochs"] = 0
    path.write_text(yaml.safe_dump(content))
    learner, phase, batches = first_iteration(path)
    train_step(learner, phase, 0, batches)
    state = State(4)
    state.enter(phase)
    state.count(True)
    state.scores = {"base": [{"sad": 1.0, "mse": 2.0}, None]}
    save_iteration(folder, learner, state)
    return learner, load_checkpoint(folder / "iter_1"), plan(load_config(path), 4)


@pytest.fixture
def saved(kept):
    """(a learner, its checkpoint after one iteration of the base phase, its phases)"""
    learner, checkpoint, phases = kept
    return copy.copy(learner), copy.deepcopy(checkpoint), phases
