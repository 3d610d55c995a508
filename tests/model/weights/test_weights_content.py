"""What is in a weights file has to be usable: finite floats, under names that wrappers may have lengthened."""
import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from model import Matter
from model.matting import MattingRefine
from model.weights import load_state, load_torch_state, load_weights, read_weights
from model.weights.__main__ import average, convert
from model.weights.metadata import network_metadata
from tests.model.weights.handmade import write_zip
from tests.model.weights.small import arrays_of, same, small, torch_arrays, torch_state
from utils.errors import UserError

READERS = {
    "load_weights": lambda path, folder: load_weights(small(), path),
    "Matter": lambda path, folder: Matter(path, "paddle", "cpu"),
    "convert": lambda path, folder: convert(path, folder / "out.safetensors"),
    "average": lambda path, folder: average([path, path], folder / "out.safetensors"),
    "partial": lambda path, folder: load_weights(small(), path, partial=True)}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("wrong", (np.nan, np.inf, -np.inf))
def test_numbers_that_are_not_finite_are_refused_by_name(tmp_path, reader, wrong):
    arrays = {name: value.copy() for name, value in arrays_of(small()).items()}
    arrays["bn2._mean"][3] = wrong
    save_file(arrays, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="w.safetensors cannot be used: bn2._mean holds numbers that are not finite"):
        READERS[reader](tmp_path / "w.safetensors", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("suffix", ("pdparams", "pth"))
def test_numbers_that_are_not_finite_in_other_formats(tmp_path, suffix):
    arrays = {"a": np.ones(3, np.float32), "b\x1b[2J": np.float16([1, np.inf])}
    if suffix == "pth":
        write_zip(tmp_path / "w.pth", *torch_state(arrays))
    else:
        paddle.save(arrays, str(tmp_path / "w.pdparams"))
    with pytest.raises(UserError, match="holds numbers that are not finite") as error:
        read_weights(tmp_path / f"w.{suffix}")
    assert str(error.value).isprintable()


def test_bfloat16_of_paddle(tmp_path):
    bits = np.array([0x3FC0, 0xC000, 0x4049], np.uint16)  # 1.5, -2, 3.140625
    paddle.save({"a": bits.reshape(1, 3)}, str(tmp_path / "w.pdparams"))
    found = read_weights(tmp_path / "w.pdparams")[0]["a"]
    assert found.dtype == np.float32 and found.tolist() == [[1.5, -2, 3.140625]]
    model, other = small(0), small(1)
    cut = {name: (value.view(np.uint32) >> 16).astype(np.uint16) for name, value in arrays_of(model).items()}
    paddle.save(cut, str(tmp_path / "all.pdparams"))
    load_weights(other, tmp_path / "all.pdparams")
    for name, value in arrays_of(other).items():
        assert np.abs(value / arrays_of(model)[name] - 1).max() < 2 ** -7


@pytest.mark.parametrize("dtype", ("int64", "uint8", "bool", [("re", "f4"), ("im", "f4")]))
@pytest.mark.parametrize("partial", (False, True))
def test_what_is_no_float_is_refused_by_name(dtype, partial):
    model = small()
    before = arrays_of(model)
    arrays = {**before, "conv2.weight": np.zeros(before["conv2.weight"].shape, dtype)}
    for load in (load_state, load_torch_state):
        with pytest.raises(ValueError, match="conv2.weight holds .*, and weights are floats"):
            load(model, arrays, partial)
    assert same(arrays_of(model), before)


@pytest.mark.parametrize("wrapper", ("state_dict", "model", "model_state"))
@pytest.mark.parametrize("prefix", ("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."))
def test_names_that_wrappers_lengthen(tmp_path, wrapper, prefix):
    model, other = small(0), small(1)
    state, storages = torch_state({prefix + name: value for name, value in torch_arrays(model).items()})
    write_zip(tmp_path / "w.pth", {"epoch": 3, wrapper: state}, storages)
    load_weights(other, tmp_path / "w.pth")
    assert same(arrays_of(other), arrays_of(model))


def test_settings_are_carried_through_conversion_and_averaging(tmp_path):
    from model.weights import save_weights
    paddle.seed(0)
    network = MattingRefine("mobilenetv3", 0.125, "thresholding", 1600, 0.3)
    header = network_metadata(network, "VideoMatte240K", 12)
    save_weights(network, tmp_path / "one.safetensors", header)
    save_weights(network, tmp_path / "two.safetensors", {**header, "refine_threshold": "0.4"})
    convert(tmp_path / "one.safetensors", tmp_path / "half.safetensors", half=True)
    metadata = read_weights(tmp_path / "half.safetensors")[1]
    assert {**metadata, **header} == metadata and metadata["backbone"] == "mobilenetv3"
    average([tmp_path / "one.safetensors", tmp_path / "two.safetensors"], tmp_path / "mean.safetensors")
    metadata = read_weights(tmp_path / "mean.safetensors")[1]
    assert metadata["backbone_scale"] == "0.125" and "refine_threshold" not in metadata
