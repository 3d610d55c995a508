"""Weights files that are damaged, or lie about sizes, are reported with their name and take no memory."""
import struct
import zipfile

import numpy as np
import paddle
import pytest

from bgmatting.model.weights import read_weights, save_weights
from bgmatting.utils.errors import UserError
from tests.model.weights.handmade import (
    ARRAY,
    BOMB,
    LAYOUTS,
    ONES,
    TORCH_LAYOUTS,
    Build,
    Call,
    Global,
    pickled,
    tensor,
    write_legacy,
    write_script,
    write_zip,
)


@pytest.mark.parametrize("layout", TORCH_LAYOUTS)
@pytest.mark.parametrize("window", [
    {"key": tensor("0", ONES, 0, (2, 2), (2, 1))}, {"shape": (5,)}, {"offset": 1}, {"offset": -1},
    {"shape": (2, 2), "strides": (2, 2)},
    {"shape": (BOMB,), "strides": (0,)}, {"shape": (10 ** 6, 10 ** 6), "strides": (0, 0)},
    {"shape": (BOMB,)}, {"shape": (-1,), "strides": (1,)}, {"shape": (4,), "strides": (-1,)},
    {"shape": (2, 2), "strides": (1,)}, {"offset": "x"}, {"shape": 5, "strides": (1,)}])
def test_tensors_that_reach_outside_their_storage(tmp_path, layout, window):
    path = tmp_path / f"w.{layout}"
    window = {"shape": (4,), "strides": (1,), **window}
    thing = window.pop("key", None)
    whole = Call(Global("torch._utils", "_rebuild_tensor_v2"), (thing, 0, (4,), (1,), False, {}))  # a tensor is no storage
    LAYOUTS[layout](path, {"a": whole if thing else tensor("0", ONES, **window)}, {"0": ONES})
    with pytest.raises(UserError, match="cannot be read as weights"):
        read_weights(path)


@pytest.mark.parametrize("layout", TORCH_LAYOUTS)
@pytest.mark.parametrize("count", (BOMB, 10 ** 30, 5, -1))
def test_storages_that_are_larger_than_the_file(tmp_path, layout, count):
    path = tmp_path / f"w.{layout}"
    LAYOUTS[layout](path, {"a": tensor("0", ONES)._replace(count=count)}, {"0": ONES})
    if layout == "legacy.pth" and 0 < count < 2 ** 63:  # the same lie where the numbers begin
        data = path.read_bytes()
        assert data.count(struct.pack("<q", 4)) == 1
        path.write_bytes(data.replace(struct.pack("<q", 4), struct.pack("<q", count)))
    with pytest.raises(UserError, match=f"{path.name} cannot be read as weights"):
        read_weights(path)


@pytest.mark.parametrize("write", (write_zip, write_script))
def test_compressed_parts_are_not_unpacked(tmp_path, write):
    path = tmp_path / "w.pth"
    write(path, {"a": tensor("0", ONES)}, {"0": ONES}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="compressed"):
        read_weights(path)


@pytest.mark.parametrize("thing", [
    Call(Global("numpy", "ndarray"), ((BOMB,), "f8")),
    Build(ARRAY, (1, (BOMB,), Call(Global("numpy", "dtype"), ("f4", False, True)), False, b"1234")),
    Build(ARRAY, (1, (10 ** 9, 0), Call(Global("numpy", "dtype"), ("f4", False, True)), False, b"1234")),
    Build(ARRAY, (1, (1,), Call(Global("numpy", "dtype"), ("V4", False, True)), False, b"1234")),
    Build(ARRAY, (1, (1,), Call(Global("numpy", "dtype"), ("U99999999", False, True)), False, b"1234")),
    Build(ARRAY, (1, (1,), Build(Call(Global("numpy", "dtype"), ("f8", False, True)), (3, "|", None, ("a",), {
        "a": (Call(Global("numpy", "dtype"), ("O8", False, True)), 0)}, 8, 1, 0)), False, b"12345678")),
])
def test_arrays_that_are_larger_or_other_than_their_bytes(tmp_path, thing):
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickled({"a": thing}))
    with pytest.raises(UserError, match="w.pdparams"):
        read_weights(path)


def test_a_huge_memo_index_does_not_take_memory(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\xff.")
    with pytest.raises(UserError, match="holds no arrays"):
        read_weights(path)


WHOLE = ("w.safetensors", "w.pdparams", "w.zip.pth", "w.legacy.pth", "w.script.pth")


GARBAGE = (b"hello, this is no weights file at all\n", bytes(1000), b"\xff" * 1000, b"\x80\x04N.", b"\x80\x04]\x94.")


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    layer = paddle.nn.Linear(20, 30)
    save_weights(layer, folder / "w.safetensors")
    paddle.save(layer.state_dict(), str(folder / "w.pdparams"))
    state = {"weight": tensor("0", layer.weight.numpy()), "bias": tensor("1", layer.bias.numpy())}
    storages = {"0": layer.weight.numpy(), "1": layer.bias.numpy()}
    write_zip(folder / "w.zip.pth", state, storages)
    write_legacy(folder / "w.legacy.pth", state, storages)
    write_script(folder / "w.script.pth", state, storages)
    return folder


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_named(tmp_path, whole_files, name):
    data, path, rng, refused = (whole_files / name).read_bytes(), tmp_path / name, np.random.default_rng(0), 0
    assert read_weights(whole_files / name)[0]["bias"].shape == (30,)
    for length in [0, 1, 2, 9, 100, *range(200, len(data), 211), len(data) - 1, *GARBAGE]:
        path.write_bytes(data[:length] if isinstance(length, int) else length)
        with pytest.raises(UserError) as said:
            read_weights(path)
        assert str(path) in str(said.value) and str(said.value).isprintable()
    for _ in range(60):
        broken = bytearray(data)
        for place in rng.integers(0, min(len(data), 700), 3):
            broken[place] = rng.integers(0, 256)
        path.write_bytes(broken)
        try:
            assert all(isinstance(value, np.ndarray) for value in read_weights(path)[0].values())
        except UserError as error:
            assert str(path) in str(error) and str(error).isprintable()
            refused += 1
    assert refused > 12


def test_missing_files_and_unknown_endings(tmp_path):
    with pytest.raises(UserError, match="no such weights file: .*nowhere.pth"):
        read_weights(tmp_path / "nowhere.pth")
    with pytest.raises(UserError, match="no such weights file"):
        read_weights(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").touch()
    with pytest.raises(UserError, match="There is .*model.safetensors"):
        read_weights(tmp_path / "run" / "model.pdparams")
    (tmp_path / "w.onnx").write_bytes(b"1")
    with pytest.raises(UserError, match="w.onnx is not a weights file; expected one of .safetensors .pdparams .pth"):
        read_weights(tmp_path / "w.onnx")
