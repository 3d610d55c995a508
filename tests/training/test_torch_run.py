"""Training in PyTorch: losses, the rates' plan, interruption, averages, and the refiner alone."""
import os
import signal

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")

from bgmatting.training.pytorch import judging, losses, store  # noqa: E402
from bgmatting.training.pytorch.__main__ import alone, main, read_recipe  # noqa: E402
from bgmatting.training.pytorch.network import Base, Coarse  # noqa: E402
from bgmatting.training.pytorch.phases import BasePhase, RefinerPhase  # noqa: E402
from bgmatting.training.pytorch.refiner import Matting  # noqa: E402
from bgmatting.training.pytorch.run import Run, pace  # noqa: E402
from bgmatting.training.pytorch.samples import Batch  # noqa: E402

RECIPE = "training/pytorch/recipe.yml"


@pytest.fixture
def settings(tmp_path):
    """settings(phase, **changes): small ones, of painted subjects alone."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    start = tmp_path / "start.safetensors"
    store.write_weights(store.weights_of(Matting()), start)

    def make(phase, **changes):
        found = read_recipe(RECIPE, phase)
        found.update(start=str(start), rendered=[], photos=[], workers=0, threads=1, iterations=2, tail=1, warmup=1,
                     pixels=8192, most=2, sizes=[[1, [64, 64], [64, 64]]], log_every=1, save_seconds=1e9, keep_seconds=1e9)
        if phase == "refiner":
            found["refiner_start"] = None
        return {**found, **changes}

    return make


def sample(apart=0.5, pha=1.0):
    """A Batch of one 40 x 40 picture, everywhere alike."""
    bgr, ones = torch.full((1, 3, 40, 40), 0.25), torch.ones(1, 1, 40, 40)
    return Batch(bgr + apart, bgr, bgr + apart, ones * pha)


def test_a_hole_where_the_subject_looks_like_the_scene_is_dearer():
    seen, hidden = (losses.weight(sample(apart), hidden=3, gaps=2) for apart in (0.5, 0.0))
    assert torch.allclose(seen, torch.ones(1)) and torch.allclose(hidden, torch.full((1,), 4.0))


def test_a_gap_in_open_work_is_dearer():
    net = sample()
    net.pha[..., ::2, :] = 0
    weight = losses.weight(net, hidden=3, gaps=2)
    assert weight[0, 0, 20, 10] == 3 and weight[0, 0, 21, 10] == 1
    assert losses.weight(sample(pha=0.0), 3, 2).max() == 1


def test_perfect_output_costs_nothing():
    batch = sample()
    out = Coarse(batch.pha, batch.fgr - batch.src, torch.zeros_like(batch.pha), None)
    assert all(float(term) < 1e-6 for term in losses.base_loss(out, batch).values())


def test_pace_rises_and_falls():
    plan = {"iterations": 100, "tail": 40, "warmup": 10}
    assert pace(0, plan) == pytest.approx(0.1) and pace(30, plan) == 1 and pace(80, plan) == 0.5 and pace(100, plan) > 0


def test_a_run_goes_on_where_it_was_interrupted(settings, tmp_path):
    plan = settings("base")
    whole = Run(plan, tmp_path / "whole", BasePhase(plan))
    whole.go()
    first = Run(plan, tmp_path / "parts", BasePhase(plan))
    first.settings = {**plan, "iterations": 1, "tail": 0}  # the longer plan's rate before its tail
    first.go()
    second = Run(plan, tmp_path / "parts", BasePhase(plan))
    assert second.iteration == 1 and second.samples == 2
    second.go()
    assert second.iteration == whole.iteration == 2
    for name, value in store.weights_of(whole.phase.model).items():
        assert torch.allclose(value, store.weights_of(second.phase.model)[name], atol=1e-6), name
    for name, value in store.read_state(tmp_path / "whole" / "ema.safetensors").items():
        assert torch.allclose(value, second.ema[name], atol=1e-6), name


def test_the_refiner_is_trained_alone(settings, tmp_path):
    plan = settings("refiner", sizes=[[1, [128, 128], [128, 128]]], pixels=32768)
    phase = RefinerPhase(plan)
    before = {name: value.clone() for name, value in store.weights_of(phase.model).items()}
    Run(plan, tmp_path / "refiner", phase).go()
    changed = {name for name, value in store.weights_of(phase.model).items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("refiner.") for name in changed)


def test_a_run_that_is_asked_to_stop_saves_first(settings, tmp_path):
    plan = settings("base", iterations=50, tail=0)
    phase = BasePhase(plan)
    step = phase.step

    def step_and_ask(batch, iteration):
        os.kill(os.getpid(), signal.SIGTERM)
        return step(batch, iteration)

    phase.step = step_and_ask
    before = signal.getsignal(signal.SIGTERM)
    try:
        Run(plan, tmp_path / "base", phase).go()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert store.read_checkpoint(tmp_path / "base" / "checkpoint.pt")["iteration"] == 1


def test_two_processes_do_not_train_into_one_folder(tmp_path):
    with open(tmp_path / "pid", "a+", encoding="ascii") as first, open(tmp_path / "pid", "a+", encoding="ascii") as second:
        alone(first, tmp_path)
        with pytest.raises(SystemExit, match=str(os.getpid())):
            alone(second, tmp_path)


def test_averages_from_the_command_line(tmp_path):
    files = []
    for number in (1.0, 3.0):
        files.append(str(tmp_path / f"{number}.safetensors"))
        store.write_weights({"a": torch.full((2,), number)}, files[-1])
    main(["average", *files, str(tmp_path / "mean.safetensors")])
    assert store.read_state(tmp_path / "mean.safetensors")["a"].tolist() == [2, 2]


def test_a_base_and_a_refiner_are_joined(tmp_path):
    for name, value in (("one", 1.0), ("two", 2.0)):
        store.write_weights({"aspp.a": torch.full((2,), value), "refiner.b": torch.full((2,), value)}, tmp_path / name)
    main(["join", str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "out")])
    found = store.read_state(tmp_path / "out")
    assert found["aspp.a"].tolist() == [1, 1] and found["refiner.b"].tolist() == [2, 2]


def test_an_unknown_setting_is_refused():
    with pytest.raises(SystemExit, match="sede"):
        read_recipe(RECIPE, "base", ["sede=1"])
    assert read_recipe(RECIPE, "base", ["seed=5"])["seed"] == 5


def test_judging_measures_what_it_says(monkeypatch):
    true = np.zeros((64, 64), np.float32)
    true[16:48, 16:48] = 1
    assert all(value == 0 for value in judging.measures(true, true).values())
    holed = true.copy()
    holed[30:34, 30:34] = 0
    found = judging.measures(holed, true)
    assert found["holes"] == pytest.approx(1000 * 16 / 64 ** 2) and found["fills"] == 0
    monkeypatch.setattr(judging, "SIZES", ((64, 64),))
    monkeypatch.setattr(judging, "EACH", 1)
    assert set(judging.Judge({"rendered": [], "photos": []})(store.weights_of(Base()))) >= {"painted_sad", "painted_mad"}
