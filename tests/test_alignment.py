"""The alignment with the authors' figures passes, and fails where a reference is moved by little more than its bound."""
import json

import alignment
import numpy as np
import pytest
from alignment import STEPS_IN_ORDER, Line, Trainings, align, main, read_reference


@pytest.fixture(scope="module")
def trainings():
    return Trainings()


def first_moved(array, by):
    moved = array.copy()
    moved.flat[0] *= 1 + by
    return moved


def first_flipped(array):
    flipped = array.copy()
    flipped.flat[0] = 1 - flipped.flat[0]
    return flipped


def moved_json(text, by):
    terms = json.loads(str(text))
    terms["pha_l1"] *= 1 + by
    return json.dumps(terms)


MOVED = {  # (step, reference, key): how to move it by somewhat more than the bound
    ("forward", "base_mobilenetv2", "pha64"): lambda x: x + 2e-9,
    ("forward", "base_mobilenetv2", "fgr"): lambda x: x + 1e-5,
    ("forward", "refine_mobilenetv2_sampling_k3_s25", "pha"): lambda x: x + 3e-6,
    ("forward", "refine_mobilenetv2_sampling_k3_s25", "ref_sm"): first_flipped,
    ("metric", "metrics", "0_hole"): lambda x: {**x, "conn": x["conn"] * (1 + 2e-5)},
    ("loss", "train_refine_mobilenetv2", "terms"): lambda x: moved_json(x, 2e-5),
    ("backward", "train_base_mobilenetv2", "grad_norms64"): lambda x: first_moved(x, 2e-6),
    ("backward", "train_refine_mobilenetv2", "grad_norms"): lambda x: first_moved(x, 2e-3),
    ("train", "train_base_mobilenetv2", "losses64"): lambda x: first_moved(x, 2e-8),
    ("train", "train_refine_mobilenetv2", "losses"): lambda x: x * np.nan,
}


def moved_reader(moves):
    """Reads references, moved as {(name, key): how} says."""
    def read(wanted):
        found = read_reference(wanted)
        return {**found, **{key: move(found[key]) for (name, key), move in moves.items() if name == wanted}}
    return read


@pytest.mark.slow
def test_all_steps_pass(trainings, tmp_path, capsys):
    assert align(list(STEPS_IN_ORDER), trainings, tmp_path, read_reference)
    names = [f"{step}_diff.log" for step in ("forward", "metric", "loss", "backward", "train")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "summary.json"])
    assert all((tmp_path / name).read_text().endswith(": PASS\n") for name in names)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["passed"] and list(summary["steps"]) == list(STEPS_IN_ORDER)
    judged = [line for found in summary["steps"].values() for line in found["lines"] if line["passed"] is not None]
    assert len(judged) >= 25
    assert capsys.readouterr().out.count("PASS") == len(judged) + 5


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS_IN_ORDER)
def test_moved_references_fail(trainings, tmp_path, capsys, step):
    moves = {(name, key): move for (where, name, key), move in MOVED.items() if where == step}
    assert not align([step], trainings, tmp_path, moved_reader(moves), quick=True)
    text = (tmp_path / f"{step}_diff.log").read_text()
    assert text.endswith(f"{step}: FAIL\n") and text.count("FAIL") == len(moves) + 1  # a line each, and the step
    assert not json.loads((tmp_path / "summary.json").read_text())["passed"]


def test_exit_codes(monkeypatch, tmp_path, capsys):
    assert main(["metric", "--output", str(tmp_path)]) == 0
    monkeypatch.setattr(alignment, "read_reference", moved_reader({("metrics", "1_blur"): lambda x: {**x, "sad": 0.3}}))
    assert main(["metric", "--output", str(tmp_path)]) == 1
    with pytest.raises(SystemExit, match="2"):
        main(["forwards"])
    assert "unknown step 'forwards'" in capsys.readouterr().err


def test_verdicts():
    assert Line("a", 1e-7, 1e-5, 1e-6, 1e-4).passed is True
    assert Line("a", 2e-6, 1e-5, 1e-6, 1e-4).passed is False
    assert Line("a", 1e-7, 2e-4, 1e-6, 1e-4).passed is False
    assert Line("a", 1.0, 1.0).passed is None and str(Line("a", 1.0, 1.0)).endswith("info")
    assert Line("a", float("nan"), float("nan"), None, 1.0).passed is False
