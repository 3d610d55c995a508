"""Files that mean harm are refused before anything runs."""
import pickle

import pytest

from bgmatting.model.weights import read_weights
from bgmatting.utils.errors import UserError
from tests.model.weights.handmade import (
    ARRAY,
    LAYOUTS,
    MAGIC,
    ONES,
    Build,
    Call,
    Global,
    Module,
    Persistent,
    Raw,
    pickled,
    tensor,
    write_script,
)


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


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", programs(""))
def test_programs_are_refused_and_nothing_runs(tmp_path, layout, name):
    sentinel, path = tmp_path / "ran", tmp_path / f"w.{layout}"
    program = programs(sentinel)[name]
    for state in (program, {"a": tensor("0", ONES) if "pth" in layout else 1, "b": program}):
        LAYOUTS[layout](path, state, {"0": ONES})
        with pytest.raises(UserError, match="not programs") as refused:
            read_weights(path)
        assert str(path) in str(refused.value) and "\n" not in str(refused.value) and not sentinel.exists()
    if name in ("os.system", "builtins.eval", "as a key"):  # it would run elsewhere
        pickle.loads(pickled(program))
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
    Global("builtins", "complex.__new__"), Global("bgmatting.model.weights.torch_files", "_Module"),
    Global("torch._utils", "_rebuild_qtensor")])
def test_names_near_those_of_a_program_are_refused(tmp_path, kind):
    write_script(tmp_path / "w.script.pth", {"a": tensor("0", ONES), "b": Module(kind, {})}, {"0": ONES})
    for layout in ("pdparams", "zip.pth", "legacy.pth"):  # they know no classes at all
        LAYOUTS[layout](tmp_path / f"w.{layout}", {"b": Module(Global("__torch__", "Net"), {})}, {})
    for path in tmp_path.iterdir():
        with pytest.raises(UserError, match="not programs"):
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


DEEP, TWICE = b")" + b"\x85" * 150_000, b")" + b"2\x86" * 60  # a tuple in a tuple in ..., a tuple of 2 ** 60 ends


@pytest.mark.slow
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
