"""results.json marks a finished run: never one that goes on, always one with nothing left to do. run.sh goes by it."""
import pytest

from bgmatting.training import trainer
from bgmatting.training.checkpoint_files import RESULTS
from bgmatting.training.config import load_config
from bgmatting.training.trainer import train


@pytest.mark.slow
def test_a_run_that_goes_on_is_not_marked(stage, tmp_path, monkeypatch):
    mark = tmp_path / "run" / RESULTS
    assert train(load_config(stage(base=1, joint=0))) and mark.exists()
    seen = []

    def stopped(self, stop):
        seen.append(mark.exists())
        return False

    monkeypatch.setattr(trainer.Trainer, "run", stopped)
    assert not train(load_config(stage(base=2, joint=0))) and seen == [False] and not mark.exists()


@pytest.mark.slow
def test_a_run_with_nothing_left_to_do_is_marked(stage, tmp_path):
    mark = tmp_path / "run" / RESULTS
    config = load_config(stage(base=1, joint=0))
    train(config)
    content = mark.read_bytes()
    mark.unlink()  # as after a kill between the last checkpoint and the mark
    assert train(config) and mark.read_bytes() == content
