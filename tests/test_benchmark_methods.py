"""benchmark.py infer --method: rows of other methods, what their trimap is, and what is refused."""
import numpy as np
import pytest

from bgmatting.benchmarks import infer
from bgmatting.benchmarks.infer_weights import weights_for, write_paddleseg_weights
from bgmatting.commands import benchmark
from bgmatting.model.methods import find_method
from bgmatting.model.methods.recognition import recognised
from bgmatting.model.weights import load_paddleseg_state
from bgmatting.utils.errors import UserError


@pytest.mark.slow
def test_dim(capsys):
    benchmark.main(["infer", "--method", "dim", "--backend", "paddle", "--size", "64x48", "--rounds", "1", "--frames", "1",
                    "--device", "cpu"])
    text = capsys.readouterr().out
    row = next(line for line in text.splitlines() if line.startswith("| paddle |")).split("|")
    assert row[2].strip() == "cpu" and float(row[3]) > 0 and row[7].strip() == "0.0e+00 (0.0e+00)"
    assert "dim vgg16, 64x48" in text and "pixels refined" not in text


def test_the_band():
    trimap = infer.band(480, 640)
    assert set(np.unique(trimap)) == {0, 128, 255}
    assert 0.1 < (trimap == 128).mean() < 0.2 and trimap[240, 320] == 255 and trimap[0, 0] == 0


@pytest.mark.slow
def test_random_weights_are_the_methods_and_go_to_the_peer(tmp_path):
    method = find_method("dim")
    path = weights_for(method, "vgg16", None, tmp_path)
    assert recognised(path)[0] is method
    with np.load(write_paddleseg_weights(path, method, tmp_path)) as arrays:
        report = load_paddleseg_state(method.build("vgg16"), dict(arrays))
    assert not report.missing and not report.unexpected


@pytest.mark.parametrize("line, words", [
    ("--method modnets", "unknown method 'modnets'. Did you mean 'modnet'"),
    ("--method dim --peer .", "is not a checkout of BackgroundMattingV2"),
    ("--peer-paddleseg .", "--peer-paddleseg is for the methods that PaddleSeg has"),
    ("--method dim --peer-paddleseg .", "is not a checkout of PaddleSeg")])
def test_what_cannot_be_measured(line, words):
    with pytest.raises(UserError, match=words):
        benchmark.main(["infer", *line.split()])
