"""What is validated, how: all clips, with the refiner or without it, averaged weights where there are any."""
from collections import Counter

import cv2
import numpy as np
import pytest

from bgmatting.dataset.catalog import open_catalog
from bgmatting.evaluation.testset.composed import EvalItem
from bgmatting.evaluation.testset.trimap import trimap_of
from bgmatting.model.inference.matte import Matte
from bgmatting.training import validation
from bgmatting.training.checkpoint import State
from bgmatting.training.checkpoint_files import load_checkpoint
from bgmatting.training.config import load_config
from bgmatting.training.lessons import background
from bgmatting.training.step import train_step
from bgmatting.training.trainer import Trainer
from bgmatting.training.validation import spread, validation_set
from tests.training.runs import Log, equal, run, weights


def test_the_base_phase_is_validated_without_the_refiner(begun, monkeypatch):
    trainer = Trainer(begun()[0], State(4), [], None, Log())
    state, network = trainer.state, trainer.learner.network
    seen = []

    def matted(network, *_, refinement=None, **more):
        assert more == {"want": ("pha",), "dtype": "uint8"}
        refinement = refinement or network.refiner.refinement
        seen.append((refinement.sample_pixels, refinement.mode, network.training))
        return Matte(*[np.zeros((8, 8), np.float32)] * 4)

    monkeypatch.setattr(background, "run_network", matted)
    item = EvalItem("a", *[None] * 5)
    monkeypatch.setattr(validation, "evaluate_items", lambda predict, items: (predict(item), {"sad": 1.0, "mse": 2.0}))
    for state.phase, state.refined in (("base", True), ("joint", False), ("joint", True)):
        assert trainer._validate() == {"sad": 1.0, "mse": 2.0}
    assert seen == [(0, "sampling", False), (0, "sampling", False), (80_000, "sampling", False)]
    assert network.refiner.refinement[:2] == ("sampling", 80_000)


def test_the_average_is_validated_and_saved(begun, monkeypatch):
    learner, phase, batches = begun(ema=0.5)
    trainer = Trainer(learner, State(4), [phase], None, Log())
    seen, first = [], weights(learner)
    monkeypatch.setattr(validation, "evaluate_items",
                        lambda *rest: seen.append(weights(learner)) or (None, {"sad": 1, "mse": 1}))
    train_step(learner, phase, 0, batches)
    own, trainer.state.phase, trainer.state.scores = weights(learner), "base", {"base": [None, None]}
    trainer.validate_and_keep_best()
    assert equal(seen[0], learner.ema.arrays()) and not equal(seen[0], own) and not equal(seen[0], first)
    assert equal(load_checkpoint(trainer.save_dir / "best_model").model, learner.ema.arrays())
    assert equal(own, weights(learner))


@pytest.mark.parametrize("sizes, count, expected", [
    ([40] * 5, 50, [10] * 5),       # VideoMatte240K's validation part
    ([1] * 11, 50, [1] * 11),       # Distinctions-646's people
    ([3, 100, 100], 50, [3, 23, 24]), ([2, 2], 3, [1, 2]), ([7] * 4, 4, [1] * 4), ([5], 50, [5])])
def test_items_are_spread_over_all_subjects(sizes, count, expected):
    subjects = [f"clip{number}" for number, size in enumerate(sizes) for _ in range(size)]
    places = spread(subjects, count)
    assert len(set(places)) == len(places) and places == sorted(places)
    assert sorted(Counter(subjects[place] for place in places).values()) == sorted(expected)
    distances = [after - before for before, after in zip(places, places[1:]) if subjects[before] == subjects[after]]
    assert max(distances, default=1) <= max(1, -(-max(sizes) // min(expected)))


@pytest.fixture
def clips(tmp_path):
    """A tree of the shape of VideoMatte240K's validation part, 5 clips of 40 frames, and a catalog that finds it."""
    fgr, bgr = np.full((16, 16, 3), 200, np.uint8), np.zeros((16, 16, 3), np.uint8)
    pha = np.zeros((16, 16, 3), np.uint8)
    pha[4:12, 4:12] = 255
    for part, count in (("test", 5), ("train", 1)):
        for clip in range(count):
            for frame in range(40):
                for kind, image in (("fgr", fgr), ("pha", pha)):
                    file = tmp_path / "VideoMatte240K_JPEG_SD" / part / kind / f"{clip:04d}" / f"{frame:05d}.jpg"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
    for number in range(30):
        file = tmp_path / "Backgrounds" / f"{number}.jpg"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(cv2.imencode(".jpg", bgr + number)[1].tobytes())
    return open_catalog(data_root=tmp_path)


def test_every_clip_is_validated_and_each_time_the_same_pictures(clips, stage):
    config = load_config(stage(dataset_name="VideoMatte240K", valid_count=50))
    items = validation_set(config, clips)
    assert Counter(name.split("/")[0] for name in items.names) == {f"{clip:04d}": 10 for clip in range(5)}
    assert validation_set(config, clips).names == items.names
    again = validation_set(config, clips)
    np.testing.assert_array_equal(items[17].src, again[17].src)
    assert len(validation_set({**config, "valid_count": 3}, clips)) == 3


@pytest.mark.parametrize("dataset", ["stream", "VideoMatte240K"])
@pytest.mark.parametrize("method, rule", [("background", "paper"), ("modnet", "whole"), ("dim", "paddleseg")])
def test_errors_count_where_they_do_in_the_method_s_literature(clips, stage, dataset, method, rule):
    config = {**load_config(stage(dataset_name=dataset, valid_count=2, valid_size=64)), "method": method}
    item = validation_set(config, clips)[0]
    whole, expected = rule == "whole", trimap_of(item.pha, rule)
    assert item.trimap is None if whole else np.array_equal(item.trimap, expected)
    assert rule != "paddleseg" or not np.array_equal(expected, trimap_of(item.pha, "paper"))
    _, score = validation.evaluate_items(lambda item: (np.full((64, 64), 255, np.uint8), None), [item])
    counts = np.ones((64, 64), bool) if whole else item.trimap == 128
    assert score["sad"] == pytest.approx((255 - item.pha[counts]).sum() / 255 / 1000, rel=1e-5)


def test_generated_subjects_are_of_the_kinds_that_are_taught(clips, stage, monkeypatch):
    drawn = []
    monkeypatch.setattr(validation, "make_sample",
                        lambda *given, kind, make=validation.make_sample: drawn.append(kind) or make(*given, kind=kind))
    config = load_config(stage(dataset_name="stream", valid_count=3, valid_size=64))
    validation_set({**config, "stream_kinds": ["person", "portrait"]}, clips)
    validation_set({**config, "stream_kinds": []}, clips)
    assert drawn == ["person", "portrait", "person", None, None, None]


@pytest.mark.slow
def test_a_stage_that_never_gets_better_says_so_and_hands_on_what_it_began_with(whole, stage, tmp_path, capsys, monkeypatch):
    sads = iter(range(1, 99))  # what a step brings is a matter of rounding; here each is for the worse
    monkeypatch.setattr("bgmatting.training.trainer.validate", lambda *given: {**validation.validate(*given),
                                                                      "sad": float(next(sads))})
    run(stage("second", base=0, learning_rate=1.0, nonfinite_max=9), "--pretrain", str(whole.best))
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert "[DONE]" in last and "never better than at its start" in last
    assert equal(load_checkpoint(whole.best).model, load_checkpoint(tmp_path / "second" / "best_model").model)
    assert not equal(load_checkpoint(whole.best).model, load_checkpoint(tmp_path / "second" / "iter_2").model)
