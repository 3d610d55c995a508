"""Iterations whose numbers are read later, as on a GPU: the same run to the bit, and a device that is seldom waited for."""
import numpy as np
import paddle
import pytest

from bgmatting.training import step as module
from bgmatting.training.checkpoint_files import load_checkpoint
from bgmatting.training.lessons import background
from bgmatting.training.optimizer import optimizer_arrays
from bgmatting.training.step import Learner, Window, train_step
from bgmatting.training.trainer import Trainer
from tests.training.runs import equal, fails, run, weights

READS = ("numpy", "item", "tolist", "__float__", "__int__", "__bool__")


@pytest.fixture
def later(monkeypatch):
    """later(): from then on learners are such as on a GPU, which have their numbers read later."""
    def begin():
        real = Learner.__init__

        def init(self, *args):
            real(self, *args)
            self.reads_later = True

        monkeypatch.setattr(Learner, "__init__", init)
    return begin


@pytest.fixture
def spoil(monkeypatch):
    """spoil(*steps): the losses of these iterations are not finite, however often they are done."""
    def begin(*steps):
        at, seed, loss = [None], module._seed, background.base_loss
        monkeypatch.setattr(module, "_seed", lambda learner, step, turn: at.append(step) or seed(learner, step, turn))
        monkeypatch.setattr(background, "base_loss", lambda *args: {
            name: value * (float("nan") if at[-1] in steps else 1) for name, value in loss(*args).items()})
    return begin


def carried(learner):
    """All that an iteration changes, as arrays."""
    return {**weights(learner), **{f"average.{name}": value for name, value in learner.ema.arrays().items()},
            **optimizer_arrays(learner.optimizer, learner.network)}


@pytest.mark.slow
@pytest.mark.parametrize("spoilt", [(), (2,), (1, 3)])
def test_a_window_learns_what_single_iterations_learn(begun, spoil, spoilt):
    spoil(*spoilt)
    learner, phase, batches = begun(ema=0.5)
    learner.precision._scaled = True
    one = [train_step(learner, phase, step, batches) for step in range(4)]
    other, phase, batches = begun(ema=0.5)
    other.precision._scaled = other.reads_later = True
    window, read = Window(other, phase), []
    for step in range(4):
        window.add(step, batches, note=step)
        assert len(window) == (1 if step == 0 else step) and window.full(9) == (step == 0)
        if step == 0:
            read += window.read()
    assert window.full(3) and not window.full(4)
    read += window.read()
    assert len(window) == 0 and window.read() == [] and [note for _, note in read] == [0, 1, 2, 3]
    for ours, (theirs, _) in zip(one, read):
        assert ours.updated == theirs.updated
        np.testing.assert_array_equal([ours.loss, ours.norm, *ours.terms.values()],
                                      [theirs.loss, theirs.norm, *theirs.terms.values()])
    assert [outcome.updated for outcome in one] == [step not in spoilt for step in range(4)]
    assert equal(carried(learner), carried(other)) and learner.ema.updates == other.ema.updates == 4 - len(spoilt)
    assert learner.precision.state() == other.precision.state()


def test_batches_that_take_much_memory_end_a_window(begun, monkeypatch):
    learner, phase, batches = begun()
    learner.reads_later = True
    train_step(learner, phase, 0, batches)
    window = Window(learner, phase)
    window.add(1, batches)
    assert not window.full(9)
    monkeypatch.setattr(module, "HELD_BYTES", sum(image.size for image in batches[0]))
    assert window.full(9)


@pytest.fixture
def reads(monkeypatch):
    """[[shapes of the tensors that were read] for every iteration of a run, but for validations, pictures and saving]."""
    seen, counted = [], [False]

    def counting(name):
        real = getattr(paddle.Tensor, name)

        def read(self, *rest):
            if counted[0] and seen:
                seen[-1].append(list(self.shape))
            return real(self, *rest)
        return read

    def within(owner, name, flag):
        real = getattr(owner, name)

        def called(self, *args):
            before, counted[0] = counted[0], flag
            if owner is Window:
                seen.append([])
            try:
                return real(self, *args)
            finally:
                counted[0] = before if owner is not Window else True
        monkeypatch.setattr(owner, name, called)

    for name in READS:
        monkeypatch.setattr(paddle.Tensor, name, counting(name))
    within(Window, "add", True)
    within(Trainer, "_after", False)
    return seen


@pytest.mark.slow
def test_a_run_waits_where_it_prints_or_might_have_to_stop(stage, tmp_path, later, spoil, reads, capsys):
    spoil(5)
    keys = {"joint": 0, "stream_length": 20, "log_train_loss_interval": 6, "valid_interval": 100, "nonfinite_max": 4,
            "checkpoint_interval": 100, "log_images_interval": 100}
    run(stage("at_once", **keys))
    said = [line.split("]", 1)[1].split(" lr:")[0] for line in capsys.readouterr().out.splitlines() if "iter" in line]
    assert [len(shapes) for shapes in reads] == [1] * 10
    reads.clear()
    later()
    run(stage("later", **keys))
    again = [line.split("]", 1)[1].split(" lr:")[0] for line in capsys.readouterr().out.splitlines() if "iter" in line]
    # 1: no moments yet. 2 to 5: four might not be finite. 6: a line; undone, done again. 7 to 9: one was not. 10: the end.
    assert [len(shapes) for shapes in reads[:5]] == [1, 0, 0, 0, 1] and reads[4] == [[4 * 5]]
    assert [len(shapes) for shapes in reads[6:]] == [0, 0, 1, 1]
    assert [line.replace("at_once", "later") for line in said] == again and any("not finite" in line for line in again)
    one, two = (load_checkpoint(tmp_path / folder / "iter_10") for folder in ("at_once", "later"))
    assert equal(one.model, two.model) and equal(one.optimizer, two.optimizer)
    assert one.state["skipped"] == two.state["skipped"] == [1, 0]


@pytest.mark.slow
def test_too_many_in_a_row_end_the_run_at_the_same_iteration(stage, later, spoil, capsys):
    spoil(1, 3, 4)
    keys = {"joint": 0, "stream_length": 20, "log_train_loss_interval": 100, "valid_interval": 100, "nonfinite_max": 2,
            "checkpoint_interval": 100, "log_images_interval": 100}
    at_once = fails(capsys, stage("run", **keys))
    later()
    assert fails(capsys, stage("run", **keys), "--force") == at_once
    assert "not finite in 2 iterations in a row, up to iteration 5" in at_once
