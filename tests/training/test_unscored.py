"""A validation that has nothing to score."""
import json

from bgmatting.training.config import load_config
from bgmatting.training.curves import read_curves
from bgmatting.training.trainer import train


def test_without_a_score_no_model_is_the_best(stage, tmp_path, monkeypatch):
    nothing = {"sad": None, "mse": None}
    scores = iter([nothing, {"sad": 2.0, "mse": 0.5}, nothing, nothing])
    saved = []
    monkeypatch.setattr("bgmatting.training.trainer.validate", lambda *_: next(scores))
    monkeypatch.setattr("bgmatting.training.trainer.save_best", lambda folder, learner, state: saved.append(state.step))
    train(load_config(stage(joint=0, valid_interval=1)))
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert found["valid"]["base"] == {"before": {"sad": None, "mse": None}, "best": {"sad": 2.0, "mse": 0.5}}
    assert saved == [1]
    log = (tmp_path / "run" / "train.log").read_text()
    assert "[EVAL] base iter: 0, SAD: -, MSE x1000: -" in log and log.count("no validation image has a pixel") >= 2
    assert "validation SAD - -> 2.000, MSE x1000 - -> 500.000" in log
    assert [point[:2] for point in read_curves(tmp_path / "run")["validation SAD"]] == [(1, 2.0)]
