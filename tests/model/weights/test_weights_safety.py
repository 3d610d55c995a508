"""Files that mean harm are refused before anything runs; damaged ones are reported with their name."""
import json
import pickle
import struct
import zipfile

import numpy as np
import paddle
import pytest

from model.weights import read_weights, save_weights
from tests.model.weights.handmade import (
    MAGIC,
    Build,
    Call,
    Global,
    Module,
    Persistent,
    Raw,
    pickled,
    tensor,
    write_legacy,
    write_script,
    write_zip,
)
from utils.errors import UserError

ONES = np.ones(4, np.float32)
ARRAY = Call(Global("numpy._core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
BOMB = 10 ** 12  # elements; far more than a machine has room for


def programs(sentinel):
    """Pickles that would create the file ``sentinel``, were any part of them to run."""
    shell, code = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w')"
    system = Call(Global("os", "system"), (shell,))
    return {
        "os.system": system,
        "posix.system": Call(Global("posix", "system"), (shell,)),
        "subprocess": Call(Global("subprocess", "getoutput"), (shell,)),
        "builtins.eval": Call(Global("builtins", "eval"), (code,)),
        "builtins.exec": Call(Global("builtins", "exec"), (code,)),
        "python 2 eval": Call(Global("__builtin__", "eval"), (code,)),
        "getattr": Call(Call(Global("builtins", "getattr"), (Global("os", "system"), "__call__")), (shell,)),
        "nested global": Call(Global("numpy", "os.system"), (shell,)),
        "codecs": Call(Global("_codecs", "lookup"), (shell,)),
        "torch.load": Call(Global("torch", "load"), (shell,)),
        "torch eval": Call(Global("torch._utils", "eval"), (code,)),
        "numpy loader": Call(Global("numpy", "load"), (shell,)),
        "numpy subclass": Call(Global("numpy._core.multiarray", "_reconstruct"), (Global("os", "system"), (0,), b"b")),
        "object array": Build(ARRAY, (1, (1,), Call(Global("numpy", "dtype"), ("O8", False, True)), False, [system])),
        "as a key": {system: 1},
        "as a state": Build(ARRAY, system),
        "as a persistent id": Persistent(system),
        "as a storage type": Persistent(("storage", Global("os", "system"), "0", "cpu", 4)),
        "as a shape": tensor("0", ONES, shape=(system,), strides=(1,)),
    }


def write_pdparams(path, state, storages):
    path.write_bytes(pickled(state))


LAYOUTS = {"pdparams": write_pdparams, "zip.pth": write_zip, "legacy.pth": write_legacy, "script.pth": write_script}
TORCH_LAYOUTS = [layout for layout in LAYOUTS if "pth" in layout]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", programs(""))
@pytest.mark.parametrize("place", ("alone", "in a table"))
def test_programs_are_refused_and_nothing_runs(tmp_path, layout, name, place):
    sentinel = tmp_path / "ran"
    path = tmp_path / f"w.{layout}"
    program = programs(sentinel)[name]
    state = program if place == "alone" else {"a": tensor("0", ONES) if "pth" in layout else 1, "b": program}
    LAYOUTS[layout](path, state, {"0": ONES})
    with pytest.raises(UserError) as refused:
        read_weights(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)
    assert "not programs" in str(refused.value)
    assert not sentinel.exists()


@pytest.mark.parametrize("name", ("os.system", "builtins.eval", "as a key"))
def test_the_programs_above_would_run_elsewhere(tmp_path, name):
    sentinel = tmp_path / "ran"
    pickle.loads(pickled(programs(sentinel)[name]))
    assert sentinel.exists()


def test_programs_in_every_pickle_of_the_legacy_layout(tmp_path):
    sentinel = tmp_path / "ran"
    system = Call(Global("os", "system"), (f"touch {sentinel}",))
    good = [MAGIC, 1001, {"little_endian": True}, {"a": tensor("0", ONES)}, ["0"]]
    for place in range(len(good)):
        path = tmp_path / f"{place}.pth"
        path.write_bytes(b"".join(pickled(system if number == place else part) for number, part in enumerate(good)))
        with pytest.raises(UserError, match="not programs"):
            read_weights(path)
    assert not sentinel.exists()


def test_names_in_a_refusal_cannot_write_to_the_terminal(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"\x80\x04\x8c\x02os\x8c\x0bsys\x1b[2J\ntem\x93.")
    with pytest.raises(UserError, match="it asks for os.sys") as refused:
        read_weights(path)
    assert str(refused.value).isprintable()


def test_a_table_cannot_be_given_methods(tmp_path):
    table = Build(Call(Global("collections", "OrderedDict"), ()), {"items": 5, "get": 5})
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickled(table))
    with pytest.raises(UserError, match="holds no arrays"):
        read_weights(path)


# ---- TorchScript, whose classes may have any name

@pytest.mark.parametrize("module", ("__torch__", "__torch__.os", "__torch__.builtins"))
@pytest.mark.parametrize("name", ("system", "eval", "__reduce__", "__setstate__", "__class__", "_Module.__init__"))
def test_classes_of_a_program_are_never_looked_up(tmp_path, module, name):
    sentinel = tmp_path / "ran"
    call = Call(Global(module, name), (f"touch {sentinel}",))
    for number, thing in enumerate((call, Build(call, {"x": 1}), Build(call, ({"x": 1}, {"__class__": call})))):
        path = tmp_path / f"{number}.pth"
        write_script(path, {"a": tensor("0", ONES), "b": thing}, {"0": ONES})
        assert list(read_weights(path)[0]) == ["a"]
        write_script(path, thing, {})
        with pytest.raises(UserError, match="without parameters"):
            read_weights(path)
    assert not sentinel.exists()


@pytest.mark.parametrize("name", ("__setstate__", "__reduce__", "__class__", "__dict__", "__init__", "attributes", ""))
def test_attributes_may_have_any_name(tmp_path, name):
    path = tmp_path / "w.pth"
    kind = Global("__torch__", "Net")
    inner = Build(Module(kind, {name: 5}), {name: tensor("0", ONES), "other": kind})
    write_script(path, {"a": inner, name: inner}, {"0": ONES})
    assert set(read_weights(path)[0]) == {f"a.{name}", f"{name}.{name}"}


@pytest.mark.parametrize("kind", [
    Global("__torch__x", "Net"), Global("torch.__torch__", "Net"), Global("__torch", "Net"),
    Global("os.__torch__", "system"), Global("", "__torch__.Net"), Global("torch", "__torch__"),
    Global("torch.jit._pickle", "eval"), Global("torch.jit._pickle", "build_tensor_from_id"),
    Global("builtins", "complex.__new__"), Global("model.weights.torch_files", "_Module"),
    Global("torch._utils", "_rebuild_qtensor")])
def test_names_near_those_of_a_program_are_refused(tmp_path, kind):
    path = tmp_path / "w.pth"
    write_script(path, {"a": tensor("0", ONES), "b": Module(kind, {})}, {"0": ONES})
    with pytest.raises(UserError, match="not programs"):
        read_weights(path)


@pytest.mark.parametrize("layout", ("pdparams", "zip.pth", "legacy.pth"))
def test_classes_of_a_program_are_refused_elsewhere(tmp_path, layout):
    path = tmp_path / f"w.{layout}"
    LAYOUTS[layout](path, {"b": Module(Global("__torch__", "Net"), {})}, {})
    with pytest.raises(UserError, match="it asks for __torch__.Net"):
        read_weights(path)


@pytest.mark.parametrize("thing", [
    Build(Global("__torch__", "Net"), {"__init__": 5}),  # the class, not an object of it
    Build(Global("__torch__", "Net"), ({}, {"__setstate__": 5})),
    Raw(b"c__torch__\nNet\n)\x81}X\x01\x00\x00\x00aK\x01s\x81"), Raw(b"c__torch__\nNet\n)\x81K\x01K\x01s"),
    Raw(b"c__torch__\nNet\n)\x81(K\x01e"), Raw(b"c__torch__\nNet\n)\x81)R"), Raw(b"c__torch__\nNet\nb"), Raw(b"R"),
    Call(Global("torch.jit._pickle", "restore_type_tag"), ()), {1: 2}, [1], 5, None, tensor("0", ONES)])
def test_programs_that_are_put_together_wrong(tmp_path, thing):
    path = tmp_path / "w.pth"
    write_script(path, Call(Global("torch.jit._pickle", "restore_type_tag"), (thing,)), {"0": ONES})
    with pytest.raises(UserError, match="w.pth cannot be read as weights"):
        read_weights(path)


NET, ONE, OTHER = b"c__torch__\nNet\n)\x81", b"X\x01\x00\x00\x00a", b"X\x01\x00\x00\x00b"
MEMO = [bytes([number]) for number in range(61)]


@pytest.mark.parametrize("module", [
    NET + b"q\x00}" + ONE + b"h\x00sb",  # a member of itself
    (NET + b"}" + ONE) * 30_000 + b"N" + b"sb" * 30_000,  # members of members
    NET + b"q\x00" + b"".join(  # 61 modules of 2 ** 60 names: each holds the one before as "a" and as "b"
        b"0" + NET + b"q" + own + b"}" + ONE + b"h" + before + b"s" + OTHER + b"h" + before + b"sb"
        for before, own in zip(MEMO, MEMO[1:])),
    NET + b"}X\xe9\x03\x00\x00" + b"a" * 1001 + b"K\x01sb",
], ids=("itself", "deep", "twice", "long"))
def test_modules_that_nest_without_end(tmp_path, module):
    path = tmp_path / "w.pth"
    write_script(path, Raw(module), {})
    with pytest.raises(UserError, match="w.pth cannot be read as weights: its modules nest without end"):
        read_weights(path)


# ---- small pickles that take for ever, or all memory

DEEP, TWICE = b")" + b"\x85" * 150_000, b")" + b"2\x86" * 60  # a tuple in a tuple in ..., a tuple of 2 ** 60 ends


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("tuples", (DEEP, TWICE), ids=("deep", "twice"))
@pytest.mark.parametrize("before, after", [
    (b"}", b"K\x01s"), (b"(", b"K\x01d"), (b"\x8f(", b"\x90"), (b"(", b"\x91"), (b"", b"Q"),
    (b"ccollections\nOrderedDict\n(](](", b"K\x01eetR"), (b"c_codecs\nencode\n(X\x01\x00\x00\x00a", b"tR"),
    (b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n", b"X\x03\x00\x00\x00cpuK\x04tQ"),
], ids=("item", "dict", "set", "frozenset", "persistent id", "pairs", "argument", "storage"))
def test_tuples_are_neither_hashed_nor_written_out(tmp_path, layout, tuples, before, after):
    path = tmp_path / f"w.{layout}"
    LAYOUTS[layout](path, Raw(before + tuples + after), {})
    with pytest.raises(UserError) as said:
        read_weights(path)
    assert str(path) in str(said.value) and len(str(said.value)) < 500


def test_tuples_among_the_storages_of_the_legacy_layout(tmp_path):
    path = tmp_path / "w.pth"
    good = [MAGIC, 1001, {"little_endian": True}, {"a": tensor("0", ONES)}]
    for tuples in (DEEP, TWICE):
        path.write_bytes(b"".join(map(pickled, [*good, Raw(b"](" + tuples + b"e")])))
        with pytest.raises(UserError, match="cannot be read as weights"):
            read_weights(path)


# ---- sizes that are not there

@pytest.mark.parametrize("layout", TORCH_LAYOUTS)
def test_a_tensor_is_no_storage(tmp_path, layout):
    path = tmp_path / f"w.{layout}"
    rebuild, whole = Global("torch._utils", "_rebuild_tensor_v2"), np.arange(24, dtype=np.float32).reshape(4, 6)
    LAYOUTS[layout](path, {"a": Call(rebuild, (tensor("0", whole), 3, (20,), (1,), False, {}))}, {"0": whole})
    with pytest.raises(UserError, match="not on a storage"):
        read_weights(path)


@pytest.mark.parametrize("layout", TORCH_LAYOUTS)
@pytest.mark.parametrize("window", [
    dict(shape=(5,)), dict(offset=1), dict(offset=-1), dict(shape=(2, 2), strides=(2, 2)),
    dict(shape=(BOMB,), strides=(0,)), dict(shape=(10 ** 6, 10 ** 6), strides=(0, 0)),
    dict(shape=(BOMB,)), dict(shape=(-1,), strides=(1,)), dict(shape=(4,), strides=(-1,)),
    dict(shape=(2, 2), strides=(1,)), dict(offset="x"), dict(shape=5, strides=(1,))])
def test_tensors_that_reach_outside_their_storage(tmp_path, layout, window):
    path = tmp_path / f"w.{layout}"
    window = {"shape": (4,), "strides": (1,), **window}
    LAYOUTS[layout](path, {"a": tensor("0", ONES, **window)}, {"0": ONES})
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


# ---- damage

WHOLE = ("w.safetensors", "w.pdparams", "w.zip.pth", "w.legacy.pth", "w.script.pth")


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
def test_truncated_files_are_named(tmp_path, whole_files, name):
    data = (whole_files / name).read_bytes()
    assert read_weights(whole_files / name)[0]["bias"].shape == (30,)
    path = tmp_path / name
    for length in [0, 1, 2, 9, 100, *range(200, len(data), 211), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(UserError) as said:
            read_weights(path)
        assert str(path) in str(said.value) and str(said.value).isprintable()


@pytest.mark.parametrize("name", WHOLE)
def test_changed_bytes_give_arrays_or_a_clear_error(tmp_path, whole_files, name):
    data = (whole_files / name).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / name
    refused = 0
    for _ in range(150):
        broken = bytearray(data)
        for place in rng.integers(0, min(len(data), 700), 3):
            broken[place] = rng.integers(0, 256)
        path.write_bytes(broken)
        try:
            arrays, _ = read_weights(path)
            assert all(isinstance(value, np.ndarray) for value in arrays.values())
        except UserError as error:
            assert str(path) in str(error) and str(error).isprintable()
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("suffix", (".safetensors", ".pdparams", ".pth", ".pt"))
@pytest.mark.parametrize("data", (b"", b"hello, this is no weights file at all\n", bytes(1000), b"\xff" * 1000,
                                  b"\x80\x04N.", b"\x80\x04]\x94.", b"<!DOCTYPE html><html></html>"))
def test_garbage_is_named(tmp_path, suffix, data):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(data)
    with pytest.raises(UserError) as said:
        read_weights(path)
    assert str(path) in str(said.value) and str(said.value).isprintable()


def test_safetensors_header_that_lies(tmp_path):
    path = tmp_path / "w.safetensors"
    for shape, offsets in (([10 ** 12], [0, 4 * 10 ** 12]), ([2], [0, 4]), ([-1], [0, 4])):
        header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}).encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + b"1234")
        with pytest.raises(UserError, match="w.safetensors cannot be read as weights"):
            read_weights(path)


def test_missing_files_and_unknown_endings(tmp_path):
    with pytest.raises(UserError, match="no such weights file: .*nowhere.pth"):
        read_weights(tmp_path / "nowhere.pth")
    with pytest.raises(UserError, match="no such weights file"):
        read_weights(tmp_path)
    (tmp_path / "w.onnx").write_bytes(b"1")
    with pytest.raises(UserError, match="w.onnx is not a weights file; expected one of .safetensors .pdparams .pth"):
        read_weights(tmp_path / "w.onnx")
