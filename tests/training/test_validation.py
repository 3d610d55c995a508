"""What is validated: with the refiner or without it, and the averaged weights where there are any."""
import numpy as np

from model.inference.matte import Matte
from tests.training.runs import Log, equal, weights
from training import validation
from training.checkpoint import load_checkpoint
from training.state import State
from training.step import train_step
from training.trainer import Trainer


def test_the_base_phase_is_validated_without_the_refiner(begun, monkeypatch):
    trainer = Trainer(begun()[0], State(4), [], None, Log())
    state, network = trainer.state, trainer.learner.network
    seen = []

    def matted(network, *_, refinement=None):
        refinement = refinement or network.refiner.refinement
        seen.append((refinement.sample_pixels, refinement.mode, network.training))
        return Matte(*[np.zeros((8, 8), np.float32)] * 4)

    monkeypatch.setattr(validation, "run_network", matted)
    monkeypatch.setattr(validation, "evaluate", lambda predict, items: (predict(None, None), {"sad": 1.0, "mse": 2.0}))
    for state.phase, state.refined in (("base", True), ("joint", False), ("joint", True)):
        assert trainer._validate() == {"sad": 1.0, "mse": 2.0}
    assert seen == [(0, "sampling", False), (0, "sampling", False), (80_000, "sampling", False)]
    assert (network.refiner.sample_pixels, network.refiner.mode) == (80_000, "sampling")


def test_the_average_is_validated_and_saved(begun, monkeypatch):
    learner, phase, batches = begun(ema=0.5)
    trainer = Trainer(learner, State(4), [phase], None, Log())
    seen, first = [], weights(learner)
    monkeypatch.setattr(validation, "evaluate", lambda *rest: seen.append(weights(learner)) or (None, {"sad": 1, "mse": 1}))
    train_step(learner, phase, 0, batches)
    own, trainer.state.phase, trainer.state.scores = weights(learner), "base", {"base": [None, None]}
    trainer.validate_and_keep_best()
    assert equal(seen[0], learner.ema.arrays()) and not equal(seen[0], own) and not equal(seen[0], first)
    assert equal(load_checkpoint(trainer.save_dir / "best_model").model, learner.ema.arrays())
    assert equal(own, weights(learner))
