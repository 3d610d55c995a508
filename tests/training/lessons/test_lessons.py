"""Methods beside the first in the trainer: they learn, are kept with their names, and go on bit by bit."""
import copy
import dataclasses
import re

import numpy as np
import pytest
import yaml
from safetensors import safe_open

from bgmatting.model.backbones.paddleseg import vgg
from bgmatting.model.methods import find_method, modnet
from bgmatting.training.checkpoint_files import load_checkpoint
from bgmatting.training.lessons import find_lesson
from bgmatting.training.step import NAMES, train_step
from tests.conftest import TINY
from tests.training.runs import changed, fails, first_iteration, run

SMALL_VGG = ((8, 1), (8, 1), (16, 1), (16, 1), (16, 1))
BACKBONES = {"modnet": "mobilenetv2", "dim": "vgg16"}


@pytest.fixture
def written(tmp_path):
    """write(method, folder="run", **keys) -> path of a stage of three iterations."""
    def write(kind, folder="run", crop=64, **keys):
        content = {**copy.deepcopy(TINY), "save_dir": str(tmp_path / folder), "method": kind, "backbone": BACKBONES[kind],
                   "iterations": 3, "valid_interval": 3, "stream_length": 8, "learning_rate": 1e-3, **keys,
                   "phases": {"whole": {"batch_size": 2, "crop": [crop, crop], "size": 96, **keys.get("phases", {})}}}
        path = tmp_path / f"{folder}.yml"
        path.write_text(yaml.safe_dump(content))
        return path
    return write


SGD = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 4e-5, "schedule": "step", "step_at": [2], "learning_rate": 0.02,
       "clip_norm": 10.0, "ema": 0.9}


@pytest.mark.slow
def test_modnet_goes_on_bit_by_bit(written, tmp_path, capsys, monkeypatch):
    rule = dataclasses.replace(modnet.METHOD.rule, short=64)  # of the photos it is validated on; 512 takes twice as long
    monkeypatch.setattr(modnet, "METHOD", dataclasses.replace(modnet.METHOD, rule=rule))
    run(written("modnet", "undisturbed", **SGD))
    said = capsys.readouterr().out
    assert "[PLAN] whole: iterations 1 to 3, 1 epochs of 4" in said and "lr: 2.00e-02" in said and "lr: 2.00e-03" in said
    run(written("modnet", "parts", **SGD), "--iters", "1")
    assert not (tmp_path / "parts" / "iter_2").exists()
    run(written("modnet", "parts", **SGD))
    assert "[RESUME] from iteration 1 of 3" in capsys.readouterr().out
    end = same_ends(tmp_path, "iter_3")
    moved = changed(load_checkpoint(tmp_path / "parts" / "iter_1").model, end.model)
    assert moved["blurer"] == set() and moved["backbone"] and moved["head"]  # a fixed kernel is no weight
    assert {name.split("|")[1] for name in end.optimizer} == {"velocity_0"}
    with safe_open(str(tmp_path / "parts" / "best_model" / "model.safetensors"), "np") as file:
        assert {key: file.metadata()[key] for key in ("method", "backbone", "data")} == {
            "method": "modnet", "backbone": "mobilenetv2", "data": "stream"}
    assert "backbone: mobilenetv2, now vgg16" in fails(capsys, written("dim", "parts", **SGD))


@pytest.mark.slow
def test_dim_goes_on_bit_by_bit(written, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(vgg, "_BLOCKS", SMALL_VGG)  # a checkpoint would have 340 MB
    settings = {"ema": 0.9, "phases": {"cuts": [48, 64], "cut_unknown": 0.5}}
    run(written("dim", "undisturbed", **settings))
    run(written("dim", "parts", **settings), "--iters", "1")
    assert "[RESUME]" not in capsys.readouterr().out and not (tmp_path / "parts" / "iter_2").exists()
    run(written("dim", "parts", **settings))
    assert "[RESUME] from iteration 1 of 3" in capsys.readouterr().out
    end = same_ends(tmp_path, "iter_3")
    moved = changed(load_checkpoint(tmp_path / "parts" / "iter_1").model, end.model)
    assert moved["backbone"] and moved["decoder"] and moved["refine"]
    assert {name.split("|")[1] for name in end.optimizer} >= {"moment1_0", "moment2_0"}


def same_ends(folder, name):
    """The last checkpoint of the runs "undisturbed" and "parts", in which no bit differs."""
    one, two = (load_checkpoint(folder / run / name) for run in ("undisturbed", "parts"))
    for arrays, others in zip((one.model, one.optimizer, one.ema), (two.model, two.optimizer, two.ema)):
        assert arrays and set(arrays) == set(others)
        assert all(np.array_equal(value, others[name]) for name, value in arrays.items())
    assert one.state["scores"] == two.state["scores"]
    return one


@pytest.mark.slow
@pytest.mark.parametrize("method, terms", [
    ("modnet", ["semantic", "detail", "fusion_l1", "fusion_comp", "fusion_con_sem"]),
    ("dim", ["alpha_raw", "comp", "alpha_pred"])])
def test_one_batch_is_learnt(written, monkeypatch, method, terms):
    monkeypatch.setattr(vgg, "_BLOCKS", SMALL_VGG)
    learner, phase, batches = first_iteration(written(method), change=lambda network: network)
    seen = [train_step(learner, phase, step, batches) for step in range(8)]
    assert all(outcome.updated for outcome in seen) and list(seen[0].terms) == terms
    assert seen[-1].loss < 0.8 * seen[0].loss
    shown = seen[-1].pictures()
    assert set(shown) == {f"train/{name}" for name in ("src", "pha", "trimap", "com", "true")}
    batch = dict(zip(NAMES, (image.astype("float32") / 255 for image in batches[0])))
    assert all(image.shape[0] == 64 for image in shown.values())
    expected = find_method(method).terms(learner.network, batch)
    told, _ = learner.lesson.learn(learner.network, "whole", batch, learner.config, learner.precision)
    for name, value in expected.items():  # weighted, so that the loss is the sum of what the log shows
        assert told[name].item() == pytest.approx(find_method(method).weights.get(name, 1) * value.item(), rel=1e-4)


def test_crops_are_what_a_network_takes():
    assert (find_lesson("modnet").cell, find_lesson("dim").cell, find_lesson("background").cell) == (32, 4, 4)
    assert find_lesson("modnet").phases == ("whole",) and find_lesson("background").phases == ("base", "joint")
    assert not find_lesson("background").trimap and find_lesson("dim").trimap


@pytest.mark.parametrize("keys, words", [
    ({"backbone": "resnet50"}, "unknown backbone 'resnet50'"),
    ({"pretrain": "starter"}, "no starter weights come along for modnet"),
    ({"pretrain": "nowhere"}, "no weights to start from at .*nowhere"),
    ({"phases": {"epochs": 0}}, "set the epochs of phases.whole"),
    ({"method": "modnett"}, "'method' in .*must be one of background, modnet, dim, not 'modnett'. Did you mean 'modnet'"),
])
def test_what_cannot_be_is_said_in_a_line(written, capsys, keys, words):
    assert re.search(words, fails(capsys, written("modnet", **keys)))
