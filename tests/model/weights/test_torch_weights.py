"""Weights of PyTorch, state dicts and TorchScript, are read as PyTorch would."""
import zipfile

import numpy as np
import pytest

from bgmatting.model.weights import load_weights, read_weights
from bgmatting.utils.errors import UserError
from tests.model.weights.handmade import (
    Call,
    Global,
    Module,
    Raw,
    modules,
    tensor,
    write_legacy,
    write_script,
    write_zip,
)
from tests.model.weights.small import arrays_of, same, small, torch_arrays, torch_state


def script_of(arrays):
    """A TorchScript module with the parameters {dotted name: ndarray}, and its storages."""
    keys = {name: str(number) for number, name in enumerate(arrays)}
    return (modules({name: tensor(keys[name], value) for name, value in arrays.items()}),
            {keys[name]: value for name, value in arrays.items()})


@pytest.mark.parametrize("write, prefix", [(write_zip, ""), (write_legacy, "module."), (write_script, ""),
                                           (write_script, "model.")])
def test_state_dicts(tmp_path, write, prefix):
    model, other = small(0), small(1)
    arrays = {prefix + name: value for name, value in torch_arrays(model).items()}
    write(tmp_path / "w.pth", *(script_of if write is write_script else torch_state)(arrays))
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


def test_other_zip_files_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("photo.txt", "hello")
    with pytest.raises(UserError, match="not a PyTorch state dict"):
        read_weights(tmp_path / "w.pth")


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


@pytest.mark.parametrize("write", (write_zip, write_script))
def test_torch_big_endian_numbers_are_refused(tmp_path, write):
    ones = np.ones(4, np.float32)
    write(tmp_path / "w.pth", {"a": tensor("0", ones)}, {"0": ones})
    with zipfile.ZipFile(tmp_path / "w.pth") as whole, zipfile.ZipFile(tmp_path / "big.pth", "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, b"big" if name.endswith("byteorder") else whole.read(name))
    with pytest.raises(UserError, match="big.pth cannot be read as weights: its numbers are big-endian"):
        read_weights(tmp_path / "big.pth")
