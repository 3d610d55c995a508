"""What is in a weights file has to be usable: finite floats, under names that wrappers may have lengthened."""
import pickle

import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from bgmatting.model import Matter
from bgmatting.model.matting import MattingRefine
from bgmatting.model.weights import load_torch_state, load_weights, read_weights
from bgmatting.model.weights.__main__ import average, convert
from bgmatting.model.weights.files import save_weights
from bgmatting.model.weights.metadata import origin_facts, refine_facts
from bgmatting.utils.errors import UserError
from tests.model.weights.handmade import write_zip
from tests.model.weights.small import arrays_of, same, small, torch_state

READERS = {
    "load_weights": lambda path, folder: load_weights(small(), path),
    "Matter": lambda path, folder: Matter(path, "paddle", "cpu"),
    "convert": lambda path, folder: convert(path, folder / "out.safetensors"),
    "average": lambda path, folder: average([path, path], folder / "out.safetensors"),
    "partial": lambda path, folder: load_weights(small(), path, partial=True)}


class FromBuffer:
    """Pickled as an array of protocol 5 is."""

    def __init__(self, arguments):
        self.arguments = arguments

    def __reduce__(self):
        return np.zeros(1).__reduce_ex__(5)[0], self.arguments


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("wrong", (np.nan, -np.inf, 1e300, "whole numbers"))
def test_numbers_that_are_none_or_too_large_are_refused_by_name(tmp_path, reader, wrong):
    if wrong == "whole numbers" and reader not in ("load_weights", "average", "partial"):
        pytest.skip("it is another network's file")
    arrays = {name: value.astype(np.float64) for name, value in arrays_of(small()).items()}
    arrays["bn2._mean"][3] = 0 if wrong == "whole numbers" else wrong
    if wrong == "whole numbers":
        arrays["bn2._mean"] = arrays["bn2._mean"].astype(np.int32)
    save_file(arrays, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="w.safetensors.*bn2._mean"):
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


def test_numbers_that_16_bits_do_not_hold_keep_theirs(tmp_path):
    model = small()
    model.bn2._mean.set_value(np.full_like(model.bn2._mean.numpy(), 1e5))
    save_weights(model, tmp_path / "half.safetensors", half=True)
    found = read_weights(tmp_path / "half.safetensors")[0]
    assert found["bn2._mean"].dtype == np.float32 and (found["bn2._mean"] == 1e5).all()
    assert found["bn2._variance"].dtype == np.float16


@pytest.mark.parametrize("protocol", range(2, 6))
def test_arrays_of_every_protocol(tmp_path, protocol):
    wanted = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.asfortranarray(np.eye(3, 2)),
              "c": np.zeros((0, 2), np.float32)}
    (tmp_path / "w.pdparams").write_bytes(pickle.dumps(wanted, protocol))
    found = read_weights(tmp_path / "w.pdparams")[0]
    assert all(np.array_equal(found[name], wanted[name]) and found[name].dtype == wanted[name].dtype for name in wanted)


@pytest.mark.parametrize("wrong", ((b"1234", "f4", (1,), "C"), (b"1234", np.dtype("f4"), (2,), "C"),
                                   (b"1234", np.dtype("f4"), (1,), "K"), ("text", np.dtype("f4"), (1,), "C"),
                                   (b"1234", np.dtype("f4"), "ab", "F"), (b"1234", np.dtype("f4"), (-1, 2 ** 62), "F")))
def test_buffers_of_protocol_5_that_are_none(tmp_path, wrong):
    (tmp_path / "w.pdparams").write_bytes(pickle.dumps({"a": FromBuffer(wrong)}, 5))
    with pytest.raises(UserError, match="cannot be read as weights|refused to load"):
        read_weights(tmp_path / "w.pdparams")


@pytest.mark.parametrize("dtype", ("int64", "bool", [("re", "f4"), ("im", "f4")]))
@pytest.mark.parametrize("partial", (False, True))
def test_what_is_no_float_is_refused_by_name(dtype, partial):
    model = small()
    before = arrays_of(model)
    arrays = {**before, "conv2.weight": np.zeros(before["conv2.weight"].shape, dtype)}
    with pytest.raises(ValueError, match="conv2.weight"):
        load_torch_state(model, arrays, partial)
    assert same(arrays_of(model), before)


def wrapped(keys, state):
    for key in reversed(keys.split(".")):
        state = {"epoch": 3, key: state}
    return state


@pytest.fixture(scope="module")
def networks():
    return [MattingRefine("mobilenetv2") for _ in range(2)]


@pytest.mark.parametrize("keys, prefix", [
    ("model_state", "_orig_mod.module."), ("params_ema", "module._orig_mod.model.net.module."), ("net", ""),
    ("generator", "a.b.c.student."), ("checkpoint.state.model.params", "net.")])
def test_what_trainers_wrap_around_a_network(networks, tmp_path, keys, prefix):
    model, other = networks
    arrays = {f"{prefix}{name}".replace("refiner.", "refiner.module."): value for name, value in arrays_of(model).items()}
    paddle.save({**wrapped(keys, arrays), "optimizer": {"moment": np.ones(3, np.float32)}}, str(tmp_path / "w.pdparams"))
    report = load_weights(other, tmp_path / "w.pdparams")
    assert same(arrays_of(other), arrays_of(model)) and report.unexpected == []


def test_of_two_states_the_averaged_one_is_read_where_it_is_whole(tmp_path):
    arrays = arrays_of(small())
    ema = {name: value + 1 for name, value in arrays.items()}
    for kept, expected in ((ema, ema), (dict(list(ema.items())[:3]), arrays)):
        paddle.save({"params": arrays, "params_ema": kept}, str(tmp_path / "w.pdparams"))
        assert same(read_weights(tmp_path / "w.pdparams")[0], expected)


def test_tables_that_nothing_tells_apart_are_named(tmp_path):
    arrays = arrays_of(small())
    paddle.save({"first": arrays, "second": arrays}, str(tmp_path / "w.pdparams"))
    with pytest.raises(UserError, match="first, second"):
        read_weights(tmp_path / "w.pdparams")


def test_settings_are_carried_through_conversion_and_averaging(tmp_path):
    paddle.seed(0)
    network = MattingRefine("mobilenetv3", 0.125, "thresholding", 1600, 0.3)
    header = {**refine_facts(network), **origin_facts("VideoMatte240K", 12)}
    save_weights(network, tmp_path / "one.safetensors", header)
    save_weights(network, tmp_path / "two.safetensors", {**header, "refine_threshold": "0.4"})
    convert(tmp_path / "one.safetensors", tmp_path / "half.safetensors", half=True)
    metadata = read_weights(tmp_path / "half.safetensors")[1]
    assert {**metadata, **header} == metadata and metadata["backbone"] == "mobilenetv3"
    average([tmp_path / "one.safetensors", tmp_path / "two.safetensors"], tmp_path / "mean.safetensors")
    metadata = read_weights(tmp_path / "mean.safetensors")[1]
    assert metadata["backbone_scale"] == "0.125" and "refine_threshold" not in metadata
