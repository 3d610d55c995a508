"""Weights survive writing and reading; names of other frameworks are understood; wrong files are said to be wrong."""
import json

import numpy as np
import paddle
import pytest
from paddle import nn

from bgmatting.model.matting import MattingBase, MattingRefine
from bgmatting.model.refinement import Refinement
from bgmatting.model.refiner import Refiner
from bgmatting.model.weights import (
    describe_state,
    load_torch_state,
    load_weights,
    read_weights,
    save_weights,
)
from bgmatting.utils.errors import UserError
from tests.model.weights.small import arrays_of, same, small


def test_safetensors_round_trip(tmp_path):
    model, other = small(0), small(1)
    save_weights(model, tmp_path / "w.safetensors", {"backbone": "resnet50", "steps": 12, "rates": [1e-4, 5e-5]})
    report = load_weights(other, tmp_path / "w.safetensors")
    assert same(arrays_of(other), arrays_of(model))
    assert report.matched == sorted(arrays_of(model)) and report.missing == [] and report.unexpected == []
    metadata = read_weights(tmp_path / "w.safetensors")[1]
    assert metadata["backbone"] == "resnet50"
    assert json.loads(metadata["steps"]) == 12 and json.loads(metadata["rates"]) == [1e-4, 5e-5]
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_pdparams_with_many_types(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {name: (rng.random((3, 4)) * 9).astype(name) for name in (
        "float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool")}
    arrays["scalar"] = np.array(2.5, np.float32)
    arrays["empty"] = np.zeros((0, 3), np.float32)
    arrays["fortran"] = np.asfortranarray(arrays["float32"])
    arrays["big endian"] = arrays["float32"].astype(">f4")
    arrays["large"] = rng.random((300, 300))
    others = {"step": 5, "best": np.float64(0.5), "nested": {"a": arrays["int8"]}}
    paddle.save({**arrays, **others}, str(tmp_path / "w.pdparams"))
    read, metadata = read_weights(tmp_path / "w.pdparams")
    assert same(read, arrays) and metadata == {}
    assert {name: value.dtype.newbyteorder("=") for name, value in read.items()} == {
        name: value.dtype.newbyteorder("=") for name, value in arrays.items()}


def test_another_networks_file_is_refused_and_changes_nothing(tmp_path):
    model = small()
    before = arrays_of(model)
    save_weights(nn.Linear(3, 4), tmp_path / "linear.safetensors")
    save_weights(Refiner(Refinement("sampling", 160, 0.5), 1), tmp_path / "k1.safetensors")
    for name, partial in (("linear", False), ("linear", True), ("k1", False)):
        with pytest.raises(UserError, match=f"{name}.safetensors"):
            load_weights(model, tmp_path / f"{name}.safetensors", partial=partial)
    assert same(arrays_of(model), before)


def test_partial_loading_takes_what_fits(tmp_path):
    paddle.seed(0)
    base, whole = MattingBase("mobilenetv2"), MattingRefine("mobilenetv2")
    refiner_before = arrays_of(whole.refiner)
    save_weights(base, tmp_path / "base.safetensors")
    report = load_weights(whole, tmp_path / "base.safetensors", partial=True)
    assert report.matched == sorted(arrays_of(base)) and report.unexpected == []
    assert report.missing == sorted(f"refiner.{name}" for name in refiner_before)
    assert same({name: value for name, value in arrays_of(whole).items() if not name.startswith("refiner.")},
                arrays_of(base))
    assert same(arrays_of(whole.refiner), refiner_before)
    with pytest.raises(UserError, match="17 of 319 .* first refiner"):
        load_weights(whole, tmp_path / "base.safetensors")


def test_partial_loading_passes_over_other_shapes():
    model = small()
    state = arrays_of(model)
    kept = state["conv1.weight"]
    state = {name: np.zeros_like(value) for name, value in state.items()}
    state["conv1.weight"] = np.zeros((24, 42, 1, 1), np.float32)
    report = load_torch_state(model, state, partial=True)
    assert report.missing == report.unexpected == ["conv1.weight"]
    assert np.array_equal(arrays_of(model)["conv1.weight"], kept)
    assert (arrays_of(model)["conv2.weight"] == 0).all()


@pytest.mark.parametrize("backbone", ("mobilenetv2", "mobilenetv3", "mobilenetv3_small", "resnet50", "resnet101"))
@pytest.mark.parametrize("kernel_size", (None, 1, 3))
def test_the_network_is_told_from_its_arrays(backbone, kernel_size):
    names = {"mobilenetv2": {"backbone.features.0.0.weight": (32, 6, 3, 3)},
             "mobilenetv3": {"backbone.features.0.0.weight": (16, 6, 3, 3)},
             "mobilenetv3_small": {"backbone.features.0.0.weight": (16, 6, 3, 3),
                                   "backbone.features.12.0.weight": (576, 96, 1, 1)},
             "resnet50": {"backbone.layer1.0.conv1.weight": (64, 64, 1, 1)},
             "resnet101": {"backbone.layer1.0.conv1.weight": (64, 64, 1, 1), "backbone.layer3.22.conv1.weight": (1,)}}
    arrays = {name: np.zeros(shape) for name, shape in names[backbone].items()}
    if kernel_size:
        arrays["refiner.conv1.weight"] = np.zeros((24, 42, kernel_size, kernel_size))
    assert describe_state(arrays) == {"backbone": backbone, "refine_kernel_size": kernel_size}


@pytest.mark.parametrize("arrays", ({}, {"fc.weight": np.zeros((3, 4))},
                                    {"backbone.features.0.0.weight": np.zeros(())},
                                    {"backbone.layer1.0.conv1.weight": np.zeros((64, 64, 1, 1)),
                                     "refiner.conv1.weight": np.zeros(24)}))
def test_arrays_of_no_matting_network(arrays):
    with pytest.raises(ValueError, match="not those of a matting network"):
        describe_state(arrays)
