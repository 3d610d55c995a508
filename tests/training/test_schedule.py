"""Which step belongs to which phase, and how fast it learns."""
import pytest

from bgmatting.training.config import load_config
from bgmatting.training.schedule import Phase, learning_rate, plan, valid_interval
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT


def config(base=8, joint=2, base_batch=8, joint_batch=4, **keys):
    return {"method": "background", "iterations": None, "learning_rate": 0.01, "schedule": "constant",
            "warmup_iters": 0, "accumulate": 1,
            "phases": {"base": {"epochs": base, "batch_size": base_batch},
                       "joint": {"epochs": joint, "batch_size": joint_batch}}, **keys}


def outline(phases):
    return [(phase.name, phase.first_epoch, phase.last_epoch, phase.start, phase.end) for phase in phases]


def test_phases_follow_one_another_and_rests_are_dropped():
    assert outline(plan(config(), 20)) == [("base", 0, 8, 0, 16), ("joint", 8, 10, 16, 26)]


def test_iterations_of_several_batches_and_processes_are_fewer():
    assert outline(plan(config(accumulate=2), 64)) == [("base", 0, 8, 0, 32), ("joint", 8, 10, 32, 48)]
    assert outline(plan(config(accumulate=2), 64, world=2)) == [("base", 0, 8, 0, 16), ("joint", 8, 10, 16, 24)]
    with pytest.raises(UserError, match="too few"):
        plan(config(), 3, world=4)


@pytest.mark.parametrize("epoch_end, expected", [
    (3, [("base", 0, 3, 0, 6)]),
    (8, [("base", 0, 8, 0, 16)]),
    (9, [("base", 0, 8, 0, 16), ("joint", 8, 9, 16, 21)]),
    (10, [("base", 0, 8, 0, 16), ("joint", 8, 10, 16, 26)]),
    (12, [("base", 0, 8, 0, 16), ("joint", 8, 12, 16, 36)]),
])
def test_epoch_end(epoch_end, expected):
    assert outline(plan(config(), 20, epoch_end)) == expected


@pytest.mark.parametrize("settings, epoch_end", [(config(base=0, joint=0), None), (config(), 0)])
def test_nothing_to_train(settings, epoch_end):
    with pytest.raises(UserError, match="no epochs to train"):
        plan(settings, 20, epoch_end)


def test_warm_up_at_the_start_of_each_phase():
    settings = config(warmup_iters=4)
    base, joint = plan(settings, 20)
    assert [learning_rate(settings, base, step) for step in range(6)] == pytest.approx(
        [0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])
    assert learning_rate(settings, joint, 16) == pytest.approx(0.0025)


def test_cosine_falls_from_the_whole_rate_to_a_hundredth_over_each_phase():
    settings = config(schedule="cosine", base=100)
    base, joint = plan(settings, 20)
    rates = [learning_rate(settings, base, step) for step in range(base.end + 1)]
    assert rates[0] == 0.01 and rates[100] == pytest.approx(0.01 * 0.505) and rates[200] == pytest.approx(0.0001)
    assert rates[199] == pytest.approx(0.0001, rel=0.01) and all(a > b for a, b in zip(rates, rates[1:]))
    assert learning_rate(settings, joint, joint.start) == 0.01


@pytest.mark.parametrize("interval, iterations, expected", [
    (None, 54_300, 1810), (None, 600_000, 2000), (None, 20, 1), (None, 95, 3), (500, 54_300, 500)])
def test_a_stage_is_validated_at_least_30_times(interval, iterations, expected):
    phases = [Phase("joint", 0, 1, 0, iterations, iterations)]
    assert valid_interval({"valid_interval": interval}, phases) == expected
    assert interval or iterations < 30 or iterations // expected >= 30


def test_the_real_stages_are_as_long_as_they_are_meant_to_be():
    stage2, stage3 = (load_config(PROJECT / "configs" / f"stage{number}.yml") for number in (2, 3))
    phase, = plan(stage2, 362)  # the people of Distinctions-646
    assert (phase.per_epoch, phase.end, valid_interval(stage2, [phase])) == (181, 54_300, 1810)
    assert stage2["epoch_of"] == stage3["epoch_of"] == "foregrounds" and plan(stage3, 362)[0].end == 54_300


@pytest.mark.parametrize("iterations, expected", [
    (10, [("base", 0, 5, 0, 10)]),
    (16, [("base", 0, 8, 0, 16)]),
    (18, [("base", 0, 8, 0, 16), ("joint", 8, 9, 16, 18)]),
    (40, [("base", 0, 8, 0, 16), ("joint", 8, 13, 16, 40)]),
])
def test_a_run_of_so_many_iterations(iterations, expected):
    assert outline(plan(config(iterations=iterations), 20)) == expected
    assert outline(plan(config(iterations=iterations), 20, 9)) == [("base", 0, 8, 0, 16), ("joint", 8, 9, 16, 21)]


def test_the_rate_falls_in_steps():
    settings = load_config(PROJECT / "configs" / "modnet" / "modnet_hrnet_w18.yml")
    phase = plan(settings, 100)[0]
    rates = [learning_rate(settings, phase, step) for step in (0, 39_999, 40_000, 79_999, 80_000, 99_999)]
    assert rates == pytest.approx([0.02, 0.02, 0.002, 0.002, 0.0002, 0.0002], rel=1e-9) and phase.end == 100_000
