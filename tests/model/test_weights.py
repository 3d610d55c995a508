"""Weights survive writing and reading; names of other frameworks are understood; wrong files are said to be wrong."""
import json
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import paddle
import pytest
from paddle import nn

from handmade import Build, Call, Global, Module, Raw, modules, tensor, write_legacy, write_script, write_zip
from model.matting import MattingBase, MattingRefine
from model.refiner import Refiner
from model.weights import (STARTER, describe_state, file_sha256, load_torch_state, load_weights, read_weights,
                           save_weights, weights_path)
from utils.errors import UserError


def small(seed=0):
    """A network of a few kernels with statistics that differ from those of a new one."""
    paddle.seed(seed)
    model = Refiner("sampling", 160, 0.5, 3)
    rng = np.random.default_rng(seed)
    for value in model.state_dict().values():
        value.set_value(rng.uniform(0.5, 1.5, value.shape).astype(np.float32))
    return model


def arrays_of(model):
    return {name: value.numpy() for name, value in model.state_dict().items()}


def same(one, other):
    return set(one) == set(other) and all(np.array_equal(one[name], other[name]) for name in one)


def torch_arrays(model):
    """The state as PyTorch would name it, with step counters."""
    state = {}
    for name, value in arrays_of(model).items():
        state[name.replace("._mean", ".running_mean").replace("._variance", ".running_var")] = value
        if name.endswith("._mean"):
            state[name.replace("._mean", ".num_batches_tracked")] = np.array(7, np.int64)
    return state


def torch_state(arrays):
    """What ``torch.save`` pickles for {name: ndarray}, and its storages."""
    storages = {str(number): np.ascontiguousarray(value) for number, value in enumerate(arrays.values())}
    table = {name: tensor(key, value) for (name, value), key in zip(arrays.items(), storages)}
    return Build(table_of(table), {"_metadata": {"": {"version": 1}}}), storages


def table_of(items):
    """An OrderedDict made the way old pickles make it: from a list of pairs."""
    return Call(Global("collections", "OrderedDict"), ([[name, value] for name, value in items.items()],))


# ---- safetensors

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


def test_safetensors_in_half_precision(tmp_path):
    model, other = small(0), small(1)
    save_weights(model, tmp_path / "full.safetensors")
    save_weights(model, tmp_path / "half.safetensors", half=True)
    arrays, _ = read_weights(tmp_path / "half.safetensors")
    assert {value.dtype.name for value in arrays.values()} == {"float16"}
    load_weights(other, tmp_path / "half.safetensors")
    for name, value in arrays_of(other).items():
        assert value.dtype == np.float32
        assert np.array_equal(value, arrays_of(model)[name].astype(np.float16).astype(np.float32))
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "full")]
    assert 2 * 15_000 < sizes[0] < 0.6 * sizes[1]


def test_saving_replaces_an_existing_file(tmp_path):
    path = tmp_path / "deep" / "w.safetensors"
    save_weights(small(0), path)
    first = file_sha256(path)
    save_weights(small(1), path)
    assert len(first) == 64 and file_sha256(path) != first
    assert same(read_weights(path)[0], arrays_of(small(1)))


def test_safetensors_of_a_type_numpy_lacks(tmp_path):
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + np.array([0x3F80, 0xC000], np.uint16).tobytes())
    try:
        value = read_weights(path)[0]["a"]
    except UserError as error:
        assert str(path) in str(error)
    else:  # a numpy extended by another package does know it
        assert value.astype(np.float32).tolist() == [1, -2]


# ---- Paddle

@pytest.mark.parametrize("protocol", (2, 3, 4))
def test_pdparams(tmp_path, protocol):
    model, other = small(0), small(1)
    paddle.save(model.state_dict(), str(tmp_path / "w.pdparams"), protocol=protocol)
    load_weights(other, tmp_path / "w.pdparams")
    assert same(arrays_of(other), arrays_of(model))


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


# ---- PyTorch

@pytest.mark.parametrize("write", (write_zip, write_legacy))
def test_torch_state_dict(tmp_path, write):
    model, other = small(0), small(1)
    write(tmp_path / "w.pth", *torch_state(torch_arrays(model)))
    report = load_weights(other, tmp_path / "w.pth")
    assert same(arrays_of(other), arrays_of(model))
    assert report.missing == [] and report.unexpected == []


@pytest.mark.parametrize("write", (write_zip, write_legacy))
def test_torch_windows_on_storages(tmp_path, write):
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    half, wide = whole.astype(np.float16) / 8, np.linspace(-1, 1, 5)
    bits = np.array([0x3F80, 0xC000, 0x4049, 0x0000], np.uint16)  # 1, -2, 3.140625, 0 as bfloat16
    count, flags = np.array(3, np.int64), np.array([True, False, True])
    state = {
        "whole": tensor("0", whole), "turned": tensor("0", whole, 0, (6, 4), (1, 6)),
        "corner": tensor("0", whole, 8, (3, 4), (6, 1)), "scalar": tensor("0", whole, 5, (), ()),
        "none": tensor("0", whole, 24, (0, 3), (3, 1)), "half": tensor("1", half), "wide": tensor("2", wide),
        "brain": tensor("3", bits, 0, (2, 2), (2, 1)), "count": tensor("4", count), "flags": tensor("5", flags),
        "parameter": Call(Global("torch._utils", "_rebuild_parameter"), (tensor("0", whole), True, {})),
    }
    storages = {"0": whole, "1": half, "2": wide, "3": bits, "4": count, "5": flags}
    write(tmp_path / "w.pt", state, storages)
    read, _ = read_weights(tmp_path / "w.pt")
    assert same(read, {
        "whole": whole, "turned": whole.T, "corner": whole[1:, 2:], "scalar": whole[0, 5], "half": half, "wide": wide,
        "none": np.zeros((0, 3), np.float32), "brain": np.float32([[1, -2], [3.140625, 0]]), "count": count,
        "flags": flags, "parameter": whole})
    assert [read[name].dtype.name for name in ("half", "wide", "brain", "count", "flags")] == [
        "float16", "float64", "float32", "int64", "bool"]


@pytest.mark.parametrize("write", (write_zip, write_legacy))
@pytest.mark.parametrize("wrapper", ("state_dict", "model"))
def test_torch_checkpoint_around_a_state_dict(tmp_path, write, wrapper):
    model, other = small(0), small(1)
    wrapped = OrderedDict((f"module.{name}", value) for name, value in torch_arrays(model).items())
    state, storages = torch_state(wrapped)
    write(tmp_path / "w.pth", {"epoch": 3, wrapper: state}, storages)
    load_weights(other, tmp_path / "w.pth")
    assert same(arrays_of(other), arrays_of(model))


def test_other_zip_files_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("photo.txt", "hello")
    with pytest.raises(UserError, match="not a PyTorch state dict"):
        read_weights(tmp_path / "w.pth")


# ---- TorchScript

def script_of(arrays):
    """A TorchScript module with the parameters {dotted name: ndarray}, and its storages."""
    keys = {name: str(number) for number, name in enumerate(arrays)}
    return (modules({name: tensor(keys[name], value) for name, value in arrays.items()}),
            {keys[name]: value for name, value in arrays.items()})


@pytest.mark.parametrize("prefix", ("", "model."))
def test_torchscript(tmp_path, prefix):
    model, other = small(0), small(1)
    write_script(tmp_path / "w.pth", *script_of({prefix + name: value for name, value in torch_arrays(model).items()}))
    assert same(read_weights(tmp_path / "w.pth")[0], torch_arrays(model))
    report = load_weights(other, tmp_path / "w.pth")
    assert same(arrays_of(other), arrays_of(model))
    assert report.missing == [] and report.unexpected == []


def test_torchscript_keeps_a_member_called_model_beside_others(tmp_path):
    arrays = {"model.0.weight": np.ones(3, np.float32), "head.weight": np.zeros(2, np.float32)}
    write_script(tmp_path / "w.pth", *script_of(arrays))
    assert same(read_weights(tmp_path / "w.pth")[0], arrays)


def test_torchscript_in_half_precision(tmp_path):
    model, other = small(0), small(1)
    halves = {name: value.astype(np.float16) if value.dtype == np.float32 else value
              for name, value in torch_arrays(model).items()}
    write_script(tmp_path / "w.pth", *script_of(halves))
    read, _ = read_weights(tmp_path / "w.pth")
    assert same(read, halves) and {value.dtype.name for value in read.values()} == {"float16", "int64"}
    load_weights(other, tmp_path / "w.pth")
    assert all(np.array_equal(value, arrays_of(model)[name].astype(np.float16).astype(np.float32))
               for name, value in arrays_of(other).items())


def test_torchscript_modules_in_modules_share_tensors(tmp_path):
    whole, bits = np.arange(24, dtype=np.float32).reshape(4, 6), np.array([0x3F80, 0xC000], np.uint16)
    conv, block = Global("__torch__.torch.nn.modules.conv.___torch_mangle_1", "Conv2d"), Global("__torch__", "Block")
    first = Module(conv, {"training": True, "weight": tensor("0", whole), "bias": None})
    write_script(tmp_path / "w.pth", {
        "features": Module(block, {"0": first, "1": Module(block, {"0": Module(conv, {
            "weight": tensor("0", whole, 0, (6, 4), (1, 6)), "bias": tensor("0", whole, 8, (3,), (1,))})})}),
        "again": first, "count": tensor("2", np.array(3)), "brain": tensor("1", bits)},
        {"0": whole, "1": bits, "2": np.array(3)})
    read, _ = read_weights(tmp_path / "w.pth")
    assert same(read, {
        "features.0.weight": whole, "features.1.0.weight": whole.T, "features.1.0.bias": whole[1, 2:5],
        "again.weight": whole, "count": np.array(3), "brain": np.float32([1, -2])})
    assert np.shares_memory(read["features.0.weight"], read["features.1.0.weight"])


def test_torchscript_attributes_that_are_no_tensors(tmp_path):
    ones, script = np.ones(4, np.float32), "torch.jit._pickle"
    write_script(tmp_path / "w.pth", {
        "weight": tensor("0", ones), "mode": "sampling", "pixels": 80_000, "scale": 0.25, "big": 2 ** 40, "none": None,
        "pair": (1, "a"), "names": ["a"], "table": {"x": tensor("0", ones)},
        "ints": Call(Global(script, "build_intlist"), ([1, 1],)),
        "floats": Call(Global(script, "build_doublelist"), ([1.5],)),
        "flags": Call(Global(script, "build_boollist"), ([True],)),
        "tensors": Call(Global(script, "build_tensorlist"), ([tensor("0", ones)],)),
        "typed": Call(Global(script, "restore_type_tag"), ({"x": 1}, "Dict[str, int]")),
        "device": Call(Global("torch", "device"), ("cpu",)), "wave": Call(Global("builtins", "complex"), (1.0, 2.0)),
        "colour": Raw(b"c__torch__\nColour\nK\x01R"), "packed": Module(Global("__torch__.torch.classes.q", "P"), (1, 2)),
    }, {"0": ones})
    assert same(read_weights(tmp_path / "w.pth")[0], {"weight": ones})


def test_torchscript_without_parameters_is_named(tmp_path):
    write_script(tmp_path / "w.pth", {"refiner": modules({}), "backbone_scale": 0.25}, {})
    with pytest.raises(UserError, match="w.pth is a TorchScript program without parameters; torch.jit.freeze"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("write", (write_zip, write_script))
def test_torch_big_endian_numbers_are_refused(tmp_path, write):
    ones = np.ones(4, np.float32)
    write(tmp_path / "w.pth", {"a": tensor("0", ones)}, {"0": ones})
    with zipfile.ZipFile(tmp_path / "w.pth") as whole, zipfile.ZipFile(tmp_path / "big.pth", "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, b"big" if name.endswith("byteorder") else whole.read(name))
    with pytest.raises(UserError, match="big.pth cannot be read as weights: its numbers are big-endian"):
        read_weights(tmp_path / "big.pth")


# ---- names

def test_names_of_pytorch():
    layer = nn.Sequential(nn.Conv2D(2, 3, 1), nn.BatchNorm2D(3))
    state = {"module.0.weight": np.full((3, 2, 1, 1), 1.0), "module.0.bias": np.full(3, 2.0),
             "module.1.weight": np.full(3, 3.0), "module.1.bias": np.full(3, 4.0),
             "module.1.running_mean": np.full(3, 5.0), "module.1.running_var": np.full(3, 6.0),
             "module.1.num_batches_tracked": np.array(9)}
    report = load_torch_state(layer, state)
    assert {name: float(value.mean()) for name, value in layer.state_dict().items()} == {
        "0.weight": 1, "0.bias": 2, "1.weight": 3, "1.bias": 4, "1._mean": 5, "1._variance": 6}
    assert report.unexpected == []


def test_starter_weights_are_the_default():
    assert weights_path(None) == weights_path("") == weights_path("starter") == STARTER
    assert str(weights_path("mine.pth")) == "mine.pth"


# ---- what does not fit

def test_another_networks_file_is_refused_and_changes_nothing(tmp_path):
    save_weights(nn.Linear(3, 4), tmp_path / "w.safetensors")
    model = small()
    before = arrays_of(model)
    with pytest.raises(UserError, match="w.safetensors does not fit Refiner.*another network"):
        load_weights(model, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="w.safetensors does not fit Refiner.*another network"):
        load_weights(model, tmp_path / "w.safetensors", partial=True)
    save_weights(Refiner("sampling", 160, 0.5, 1), tmp_path / "k1.safetensors")
    with pytest.raises(UserError, match="k1.safetensors does not fit Refiner: 4 of 17 .* first conv1.weight"):
        load_weights(model, tmp_path / "k1.safetensors")
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
