"""A phase that does not fit in memory says so before it trains, and nothing of the attempt remains."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest

from bgmatting.training import memory as fit
from bgmatting.training.checkpoint_files import checkpoints, load_checkpoint
from bgmatting.training.memory import Division, fitted, out_of_memory
from bgmatting.training.step import Learner, train_step
from tests.training.runs import equal, fails, first_iteration, run, weights

PADDLE = ("\n\n----------------------\nC++ Traceback\nResourceExhaustedError: \n\nOut of memory error on GPU "
          "0. Cannot allocate 2.000000GB memory on GPU 0 ... (at ../paddle/fluid/memory/allocation/cuda_allocator.cc:86)")
ERRORS = (MemoryError(), RuntimeError(PADDLE), SystemError("(ResourceExhausted) Fail to alloc memory of 88 size"),
          RuntimeError("std::bad_alloc"))


@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_memory_are_known(error):
    assert out_of_memory(error) and not out_of_memory(RuntimeError("a shape does not fit"))


@pytest.mark.parametrize("division, expected", [((8, 1), [(4, 2), (2, 4), (1, 8)]), ((6, 2), [(3, 4), (1, 12)]),
                                                ((1, 3), [])])
def test_smaller_divisions_have_as_many_samples(division, expected):
    division, found = Division(*division), []
    while (division := division.smaller()) is not None:
        found.append(tuple(division))
    assert found == expected


def test_nothing_of_the_attempt_remains(stage):
    with_it, without = (first_iteration(stage(ema=0.5), phase=1, change=lambda network: network) for _ in range(2))
    learner, phase, batches = with_it
    before = weights(learner)
    paddle.seed(9)
    assert fitted(learner, "joint", Division(2, 1), False, pytest.fail) == (2, 1)
    assert equal(before, weights(learner))
    assert all(parameter.grad is None for parameter in learner.network.parameters())
    drawn = paddle.rand([4]).numpy()
    paddle.seed(9)
    assert (paddle.rand([4]).numpy() == drawn).all()
    one, other = (train_step(*case[:2], phase.start, case[2]) for case in (with_it, without))
    assert one.loss == other.loss and one.norm == other.norm and equal(weights(with_it[0]), weights(without[0]))


def too_little(monkeypatch, most):
    """As if memory were too small for batches above ``most``."""
    rehearse, tried = Learner.rehearse, []

    def limited(self, phase, images):
        tried.append((phase, *images[0].shape))
        if len(images[0]) > most:
            raise RuntimeError(PADDLE)
        rehearse(self, phase, images)

    monkeypatch.setattr(Learner, "rehearse", limited)
    return tried


def test_a_batch_that_does_not_fit_is_said_before_anything_is_trained(stage, tmp_path, monkeypatch, capsys):
    tried = too_little(monkeypatch, 1)
    said = fails(capsys, stage(joint=0))
    assert "out of memory: base batches of 2 x 64x64 do not fit on cpu" in said and "--batch-size auto" in said
    assert tried == [("base", 2, 3, 64, 64)] and checkpoints(tmp_path / "run") == []


@pytest.mark.slow
def test_auto_halves_the_batch_and_doubles_accumulate_and_a_run_may_go_on_with_either(stage, tmp_path, monkeypatch, capsys):
    too_little(monkeypatch, 1)
    run(stage(joint=0, ema=0.9), "--epoch-end", "1", "--batch-size", "auto")
    said = capsys.readouterr().out
    assert "[FIT] base: batches of 2 x 64x64 do not fit in memory; going on with batches of 1, 2 an iteration." in said
    assert "1 x 2 x 1 samples an iteration" in said and "ASPP's pooled branch keeps its statistics" in said
    monkeypatch.undo()
    run(stage(joint=0, ema=0.9, accumulate=2, valid_count=2, valid_size=72), "--epoch-end", "2", "--batch-size", "1")
    said = capsys.readouterr().out
    assert "[RESUME] from iteration 2 of 4" in said and "best_model on the images asked for now" in said


@pytest.mark.slow
def test_memory_that_runs_out_later_is_one_line_and_the_checkpoint_stays(stage, tmp_path, monkeypatch, capsys):
    def failing(learner, phase, step, batches):
        if step == 1:
            raise ERRORS[1]
        return train_step(learner, phase, step, batches)

    monkeypatch.setattr("bgmatting.training.trainer.train_step", failing)
    assert "out of memory: base batches of 2" in fails(capsys, stage(joint=0))
    assert load_checkpoint(tmp_path / "run" / "iter_1").state["step"] == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the system's bound on memory")
def test_the_bound_turns_too_much_into_an_error():
    code = ("import numpy as np\nfrom bgmatting.training import memory as fit\nfit.free_memory = lambda: 200 << 20\n"
            "with fit.bounded_memory():\n    np.ones(100 << 20, np.uint8)\n    try:\n        np.ones(400 << 20, np.uint8)\n"
            "    except MemoryError as error:\n        print('bounded', fit.out_of_memory(error))\n"
            "np.ones(400 << 20, np.uint8)\nprint('free again')")
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(fit.__file__).parents[1], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["bounded True", "free again"], done.stderr


def test_a_single_sample_leaves_the_statistics_of_the_pooled_branch(stage):
    learner, phase, batches = first_iteration(stage(), batch_size=1, change=lambda network: network)
    learner.single = True
    before = weights(learner)
    assert train_step(learner, phase, 0, batches).updated
    moved = {name for name, value in weights(learner).items() if not np.array_equal(value, before[name])}
    assert not any(name.startswith("aspp.convs.4.") and name.endswith(("_mean", "_variance")) for name in moved)
    assert {"aspp.convs.4.1.weight", "aspp.convs.3.1._mean"} <= moved


@pytest.mark.slow
def test_a_set_of_one_sample_is_treated_as_batches_of_one(stage, tmp_path, monkeypatch, capsys):
    tried = too_little(monkeypatch, 1)
    run(stage(joint=0, stream_length=1))
    said = capsys.readouterr().out
    assert "1 x 1 x 1 samples an iteration" in said and "ASPP's pooled branch keeps its statistics" in said
    assert tried == [("base", 1, 3, 64, 64)]
    statistics = load_checkpoint(tmp_path / "run" / "iter_1").model
    assert (statistics["aspp.convs.4.2._mean"] == 0).all() and (statistics["aspp.convs.3.1._mean"] != 0).any()
