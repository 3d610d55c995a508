"""``python -m bgmatting weights describe``, and the folders that stand for the weights in them."""
import numpy as np
import pytest
from safetensors.numpy import save_file

from bgmatting.model.methods.recognition import recognised
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


@pytest.mark.parametrize("method, backbone, names", [
    ("modnet", "mobilenetv2", ("backbone.conv1._conv.weight", "head.f_branch.conv_lr4x.layers.0.weight")),
    ("modnet", "hrnet_w18", ("backbone.conv_layer1_1._conv.weight", "head.f_branch.conv_lr4x.layers.0.weight")),
    ("dim", "vgg16", ("backbone._conv_6.weight", "decoder.deconv6.weight", "refine.alpha_pred._conv.weight"))])
def test_what_predict_takes_is_told_as_predict_takes_it(tmp_path, capsys, method, backbone, names):
    save_file({name: np.zeros((8, 4, 3, 3), np.float32) for name in names}, tmp_path / "a.safetensors")
    assert recognised(tmp_path / "a.safetensors")[1]["backbone"] == backbone
    kind, encoder = (line.split() for line in said(capsys, tmp_path / "a.safetensors")[1:3])
    assert kind[-1] == method and encoder == ["backbone", backbone]


@pytest.mark.parametrize("names", [("backbone.layer1.0.conv1.weight", "classifier.0.project.0.weight"),
                                   ("backbone.stage1.weight", "decoder.conv1.weight")])
def test_what_predict_does_not_take_is_no_matting_network(tmp_path, capsys, names):
    """torchvision's DeepLabV3 has our encoder's names; other projects' networks have decoders, too."""
    save_file({name: np.zeros((8, 4, 3, 3), np.float32) for name in names}, tmp_path / "a.safetensors")
    assert "matting" not in said(capsys, tmp_path / "a.safetensors")[1]


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
