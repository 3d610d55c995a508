"""``python -m bgmatting weights describe``, and the folders that stand for the weights in them."""
import numpy as np
import pytest
from safetensors.numpy import save_file

from bgmatting.model.weights import __main__ as command
from bgmatting.model.weights import weights_path
from bgmatting.utils.errors import UserError
from tests.model.weights.handmade import write_zip
from tests.model.weights.small import torch_state


def said(capsys, path):
    command.main(["describe", str(path)])
    return capsys.readouterr().out.splitlines()


def test_the_starter_weights(capsys):
    lines = said(capsys, "starter")
    assert lines[1:4] == ["kind       matting network, base and refiner, kernel 3", "backbone   mobilenetv2",
                          "part        arrays       numbers"]
    assert [line.split()[:2] for line in lines[4:8]] == [["backbone", "255"], ["aspp", "30"], ["decoder", "17"],
                                                          ["refiner", "17"]]
    assert any(line.split()[:2] == ["backbone", "mobilenetv2"] for line in lines[8:])


def test_files_of_others(tmp_path, capsys):
    third = {f"layer3.{block}.conv1.weight": np.zeros((256, 4, 1, 1), np.float32) for block in range(23)}
    state = {"layer1.0.conv1.weight": np.zeros((64, 64, 1, 1), np.float32), "fc.bias": np.zeros(4, np.float32),
             "layer1.0.conv3.weight": np.zeros((256, 64, 1, 1), np.float32), **third}
    write_zip(tmp_path / "c.pth", *torch_state({f"module.{name}": value for name, value in state.items()}))
    assert said(capsys, tmp_path / "c.pth")[1:] == [
        "kind       classification network", "backbone   resnet101", "part        arrays       numbers",
        f"backbone        25{64 * 64 + 256 * 64 + 23 * 256 * 4:>14}", "other            1             4"]
    save_file({"classifier.0.project.1.weight": np.zeros(256, np.float32)}, tmp_path / "d.safetensors", {"a": "b\x1b[2J\nc"})
    assert said(capsys, tmp_path / "d.safetensors")[1:] == [
        "kind       DeepLabV3", "backbone   none that is known", "part        arrays       numbers",
        "aspp             1           256", "a          b [2J c"]


def test_folders_of_runs(tmp_path):
    run = tmp_path / "run"
    with pytest.raises(UserError, match="model.safetensors"):
        weights_path(tmp_path)
    for name in ("iter_9", "iter_10", "iter_11.damaged", "iter_12"):
        (run / name).mkdir(parents=True)
        if name != "iter_12":  # cut off before its weights
            (run / name / "model.safetensors").write_bytes(b"1")
    assert weights_path(run) == run / "iter_10" / "model.safetensors"
    assert weights_path(str(run / "iter_9")) == run / "iter_9" / "model.safetensors"
    (run / "best_model").mkdir()
    (run / "best_model" / "model.pdparams").write_bytes(b"1")
    assert weights_path(run) == run / "best_model" / "model.pdparams"
