"""What a run starts from: fresh weights of the authors' spread, and the best weights at hand."""
import math

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.vision import models
from safetensors.numpy import save_file

from bgmatting.training.config import load_config
from bgmatting.training.start import load_pretrained, network_of
from bgmatting.utils.errors import UserError
from tests.training.runs import fails


@pytest.fixture(scope="module")
def network():
    from bgmatting.training.config import DEFAULT
    paddle.seed(3)
    return network_of(load_config(DEFAULT))


def spread(layer):
    return float(layer.weight.numpy().std()), float(np.abs(layer.weight.numpy()).max())


def test_the_decoders_last_convolution_starts_as_the_authors(network):
    deviation, most = spread(network.decoder.conv4)
    assert deviation == pytest.approx(0.0262, rel=0.02)  # of PyTorch's default
    assert most <= 1 / math.sqrt(54 * 9) < most * 1.01
    bias = network.decoder.conv4.bias.numpy()
    assert 0 < np.abs(bias).max() <= 1 / math.sqrt(54 * 9)


def test_every_convolution_has_its_spread(network):
    first = network.backbone.sublayers()
    first = next(layer for layer in first if isinstance(layer, nn.Conv2D))
    for part, layers in network.named_children():
        for layer in layers.sublayers():
            if not isinstance(layer, nn.Conv2D) or layer.weight.size < 500:
                continue
            outputs, inputs, *kernel = layer.weight.shape
            normal, area = part == "backbone" and layer is not first, math.prod(kernel)
            expected = math.sqrt(2 / (outputs * area)) if normal else 1 / math.sqrt(3 * inputs * area)
            assert spread(layer)[0] == pytest.approx(expected, rel=0.1), part


def test_auto_is_the_starter_weights_where_they_have_the_backbone(network, tmp_path):
    line, refined = load_pretrained(network, "auto", tmp_path)
    assert line.startswith("[PRETRAIN] starter: ") and refined


def test_auto_is_imagenet_where_it_is_there_else_nothing(stage, tmp_path):
    network = network_of(load_config(stage(backbone="mobilenetv3")))
    line, refined = load_pretrained(network, "auto", tmp_path)
    assert "nothing: the starter weights are mobilenetv2's" in line and "imagenet_mobilenetv3" in line and not refined
    own = {name: value.numpy() for name, value in network.backbone.state_dict().items()}
    ones = {name: np.ones_like(value) for name, value in own.items() if value.ndim == 4}
    (tmp_path / "weights").mkdir()
    save_file(ones, tmp_path / "weights" / "imagenet_mobilenetv3.safetensors")
    line, refined = load_pretrained(network, "auto", tmp_path)
    assert f"imagenet_mobilenetv3.safetensors: {len(ones)} arrays taken" in line and not refined
    name = next(iter(ones))
    assert (network.backbone.state_dict()[name].numpy() == 1).all()


def test_what_is_not_there_is_one_line(stage, network, tmp_path, capsys, monkeypatch):
    def unreachable(pretrained):
        raise RuntimeError("no route to host")
    for factory in ("mobilenet_v2", "mobilenet_v3_large"):
        monkeypatch.setattr(models, factory, unreachable)
    with pytest.raises(UserError, match=r"no weights to start from: .*imagenet_mobilenetv2\.\*"):
        load_pretrained(network, "imagenet", tmp_path)
    assert "no weights to start from" in fails(capsys, stage(), "--pretrain", "imagenet", "--data-root", str(tmp_path))


def test_other_projects_files_and_folders_of_runs(network, tmp_path):
    ones = {f"layer1.0.conv{number}.weight": np.zeros((64, 64, 1, 1), np.float32) for number in (1, 3)}
    ones.update({f"layer3.{block}.bn1.weight": np.ones(256, np.float32) for block in range(6)})
    save_file(ones, tmp_path / "resnet.safetensors")
    with pytest.raises(UserError, match="resnet.safetensors is no start for .* mobilenetv2: it holds a resnet50"):
        load_pretrained(network, str(tmp_path / "resnet.safetensors"))
    (tmp_path / "run" / "best_model").mkdir(parents=True)
    deeplab = {"module.classifier.classifier.0.project.1.running_mean": np.full(256, 5, np.float32)}
    save_file(deeplab, tmp_path / "run" / "best_model" / "model.safetensors")
    line, refined = load_pretrained(network, str(tmp_path / "run"))
    assert line.splitlines()[0].endswith("best_model/model.safetensors: 1 arrays taken, 318 of this network not in it.")
    assert line.splitlines()[3].split() == ["aspp", "1", "29", "0"] and not refined
    assert (network.aspp.project[1]._mean.numpy() == 5).all()
