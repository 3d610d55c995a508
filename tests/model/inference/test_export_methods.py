"""Exported files of MODNet and DIM give what the layers give, in every format, for batches and sizes of any kind."""
import shutil

import numpy as np
import paddle
import pytest

import bgmatting.model.backbones.paddleseg.hrnet as hrnet
import bgmatting.model.backbones.paddleseg.mobilenetv2 as mobilenetv2
import bgmatting.model.backbones.paddleseg.resnet_vd as resnet_vd
import bgmatting.model.backbones.paddleseg.vgg as vgg
import bgmatting.model.export.graph_files as graph_files
import bgmatting.model.inference.engines.onnx_export as onnx_export
from bgmatting.commands import export
from bgmatting.model.methods import find_method
from bgmatting.model.methods.input_rule import InputRule
from bgmatting.model.weights import save_weights
from bgmatting.utils.errors import UserError
from tests.model.inference.test_export import differences_in, graph_in, need
from tests.model.paddleseg import seeded_network

CASES = ("modnet_mobilenetv2", "modnet_resnet50_vd", "modnet_hrnet_w18", "dim_vgg16")
# batch, height, width; graphs are traced without sizes, so that none of these is the traced one
SIZES = {"modnet": ((1, 96, 64), (2, 64, 160)), "dim": ((1, 64, 96), (2, 45, 71))}

# Every kind of layer and connection, but fewer channels or repeats than the networks have, in less than half the time. What
# the whole ones are off by stands in docs/lab/inference.md.
SMALLER = ((resnet_vd, "_STAGES", ((8, 2), (16, 2), (32, 2), (64, 2))), (hrnet, "_BLOCKS", 1),
           (mobilenetv2, "_STAGES", tuple((*widths, min(repeats, 2), stride)
                                          for *widths, repeats, stride in mobilenetv2._STAGES)),
           (vgg, "_BLOCKS", tuple((channels // 4, convolutions) for channels, convolutions in vgg._BLOCKS)))


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        for change in SMALLER:
            patch.setattr(*change)
        patch.setattr(graph_files, "CHECKED", InputRule(short=64, multiple=32))
        yield


def pictures(method, batch, height, width):
    """{name: float32 (B, C, H, W)}, the inputs of an exported file; uneven colours, as noise lacks a photo's scales."""
    rng = np.random.default_rng(batch)
    coarse = rng.random((batch, 3, height // 8 + 1, width // 8 + 1), np.float32)
    given = {"src": np.ascontiguousarray(coarse.repeat(8, 2).repeat(8, 3)[:, :, :height, :width])}
    if method.needs == "trimap":
        given["trimap"] = rng.choice(np.float32([0, 128 / 255, 1]), (batch, 1, height, width))
    return given


def by_layers(network, method, given):
    ranged = [method.rule.ranged(given["src"]), *list(given.values())[1:]]
    with paddle.no_grad():
        return method.answer(network, *map(paddle.to_tensor, ranged))["pha"].numpy()


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """(method, network, its weights file, jit_save that does its work once)"""
    folder, (method, backbone) = tmp_path_factory.mktemp(request.param), request.param.split("_", 1)
    network, real, saved = seeded_network(request.param), onnx_export._jit_save, folder / "saved"
    save_weights(network, folder / "w.safetensors", {"method": method, "backbone": backbone})

    def save(layer, specs, path):
        if not saved.exists():
            saved.mkdir()
            real(layer, specs, saved / "graph")
        for file in saved.iterdir():
            shutil.copy(file, f"{path}{file.suffix}")

    return find_method(method), network, folder / "w.safetensors", save


@pytest.mark.slow
@pytest.mark.parametrize("kind", ("onnx", "openvino", "paddle"))
def test_every_format_gives_what_the_layers_give(case, kind, capfd, tmp_path, monkeypatch):
    need(kind)
    method, network, weights, save = case
    monkeypatch.setattr(onnx_export, "_jit_save", save)
    export.main(["--weights", str(weights), "--format", kind, "--output", str(tmp_path / "m")])
    path, said = graph_in(tmp_path), capfd.readouterr().out
    assert said.count("\n") == 2 and 0 <= differences_in(said)["pha"] < 5e-5
    for size in SIZES[method.name]:
        given = pictures(method, *size)
        pha, expected = graph_files.RUNNERS[kind](path, given)["pha"], by_layers(network, method, given)
        assert pha.shape == expected.shape == (size[0], 1, *size[1:]) and pha.dtype == np.float32
        off = np.abs(pha - expected)
        assert off.mean() < 5e-6 and off.max() < 5e-5
        assert expected.std() > 0.02 and (size[0] == 1 or np.abs(expected[0] - expected[1]).mean() > 0.02)


def test_files_for_pytorch_are_of_the_method_background(case, tmp_path):
    with pytest.raises(UserError, match=case[0].name):
        export.main(["--weights", str(case[2]), "--format", "torch", "--output", str(tmp_path / "m")])
    assert list(tmp_path.iterdir()) == []
