"""What reading a weights file costs is bounded by its size, whatever it says."""
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from bgmatting.model.weights import read_weights, unpickle
from bgmatting.utils.errors import UserError
from tests.faults.fuzz_weights import batch
from tests.model.weights.handmade import Build, Call, Global, Raw, Tensor, pickled, tensor, write_legacy, write_zip
from tests.model.weights.small import same

HUGE = b"\x8b" + struct.pack("<i", 40_000) + b"\x7f" * 40_000  # a number of 40,000 bytes
MB = 1 << 20


def refused(path):
    """The words of the refusal; until then it may take 3 times the file and 50 of the 200 MB that the bounds allow."""
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as said:
            read_weights(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in str(said.value) and most < 3 * path.stat().st_size + 50 * MB
    return str(said.value)


@pytest.mark.parametrize("opcode, size", [(b"\x96", "<Q"), (b"\x8e", "<Q"), (b"\x8d", "<Q"), (b"B", "<I"), (b"X", "<I"),
                                          (b"T", "<I"), (b"\x8b", "<I")])
def test_claims_of_sizes(tmp_path, opcode, size):
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"\x80\x05}\x8c\x01a" + opcode + struct.pack(size, 2 ** 31 - 1) + b"s.")
    assert "ends before what it announces" in refused(path)


LIST, TABLE = b"](" + b"N" * 30_000 + b"e", b"](" + b"X\x01\x00\x00\x00aN\x86" * 9000 + b"e"
TEXT = b"X" + struct.pack("<I", 20_000) + b"a" * 20_000


@pytest.mark.parametrize("program, words", [
    (b"cbuiltins\ntuple\nq\x00" + LIST + b"q\x01](" + b"h\x00h\x01\x85R" * 20_000 + b"e", "should be a tuple"),
    (b"ccollections\nOrderedDict\nq\x00" + TABLE + b"q\x01](" + b"h\x00h\x01\x85R" * 20_000 + b"e", "steps to read"),
    (b"c_codecs\nencode\nq\x00" + TEXT + b"X\x06\x00\x00\x00latin1\x86q\x01](" + b"h\x00h\x01R" * 9000 + b"e",
     "the same text out again"),
    (b"N" + b"0N" * 30_000, "steps to read"),
    (b"X" + struct.pack("<I", 2_000_004) + b"a" * 2_000_000 + "\U0001f600".encode(), "a text in it has 2000004 bytes"),
    (b"I" + b"9" * 500_000 + b"\n", "a line of it has no end"), (HUGE, "a number in it has"),
], ids=("tuple", "OrderedDict", "encode", "steps", "text", "line", "number"))
def test_a_little_that_makes_much(tmp_path, monkeypatch, program, words):
    monkeypatch.setattr(unpickle, "MOST_STEPS", 50_000)
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"\x80\x02" + program + b".")
    assert words in refused(path)


@pytest.mark.parametrize("write", (write_zip, write_legacy))
@pytest.mark.parametrize("window", [
    {"strides": (Raw(HUGE), Raw(HUGE))}, {"shape": (2 ** 60,) * 32, "strides": (2 ** 60,) * 32}, {"offset": Raw(HUGE)},
    {"shape": (2,) * 40, "strides": (0,) * 40}, {"count": 2 ** 100}, {"shape": "22", "strides": "22"}])
def test_tensors_of_huge_numbers(tmp_path, write, window):
    array = np.ones(4, np.float32)
    whole = {"key": "0", "kind": "FloatStorage", "count": 4, "offset": 0, "shape": (2, 2), "strides": (2, 1), **window}
    write(tmp_path / "w.pth", {"a": Tensor(**whole)}, {"0": array})
    assert "cannot be read as weights" in refused(tmp_path / "w.pth")


def test_arrays_that_lie_on_one_another(tmp_path):
    array = np.ones(500_000, np.float32)
    write_zip(tmp_path / "w.pth", {str(number): tensor("0", array) for number in range(20)}, {"0": array})
    assert "its arrays lie on one another" in refused(tmp_path / "w.pth")


def test_parts_that_lie_on_one_another(tmp_path):
    array, path = np.ones(50_000, np.float32), tmp_path / "w.pth"
    write_zip(path, {str(key): tensor(str(key), array) for key in range(9)}, {"0": array})
    with zipfile.ZipFile(path) as archive:  # the table of contents names the same part nine times
        first = archive.getinfo("archive/data/0")
    data = path.read_bytes()
    place = data.rfind(b"PK\x01\x02", 0, data.rindex(b"archive/data/0"))
    entry = data[place:place + 46 + len(first.filename)]
    more = b"".join(entry[:-1] + str(key).encode() for key in range(1, 9))
    end = bytearray(data[data.rindex(b"PK\x05\x06"):])
    count, size = struct.unpack("<HI", end[10:16])
    end[8:16] = struct.pack("<HHI", count + 8, count + 8, size + len(more))
    path.write_bytes(data[:place] + more + data[place:data.rindex(b"PK\x05\x06")] + end)
    assert "cannot be read as weights" in refused(path)


def test_tables_of_contents_without_end(tmp_path):
    size = 5 * MB
    (tmp_path / "w.pth").write_bytes(bytes(size) + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 9999, 9999, size, 0, 0))
    assert f"its table of contents has {size} bytes" in refused(tmp_path / "w.pth")


@pytest.mark.parametrize("header, words", [
    (b"[" * 100_000, ""), (b'{"a":' * 50_000, ""), (b" " * (5 * MB), f"its header has {5 * MB} bytes")])
def test_headers_of_safetensors(tmp_path, header, words):
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert words in refused(tmp_path / "w.safetensors")


def test_bfloat16_is_read_everywhere(tmp_path):
    """1.5 and -2 as upper halves of float32."""
    bits = np.array([[0x3FC0, 0xC000]], np.uint16)
    made = Call(Global("numpy.core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), "b"))
    (tmp_path / "w.pdparams").write_bytes(pickled({"a": Build(made, (
        1, (1, 2), Call(Global("numpy", "dtype"), ("u2", False, True)), False, Raw(b"C\x04" + bits.tobytes())))}))
    write_zip(tmp_path / "w.pth", {"a": tensor("0", bits)}, {"0": bits})
    save_file({"a": bits, "b": np.ones(3, np.float16)}, tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(data.replace(b'"U16"', b'"BF16"').replace(
        data[:8], struct.pack("<Q", struct.unpack("<Q", data[:8])[0] + 1)))
    for name in ("w.pdparams", "w.pth", "w.safetensors"):
        read, _ = read_weights(tmp_path / name)
        assert same({"a": read["a"]}, {"a": np.float32([[1.5, -2]])}) and read["a"].dtype == np.float32
    assert read["b"].dtype == np.float16


def test_a_small_part_of_the_fuzzing(tmp_path):
    tally, bad = batch(1, range(150), tmp_path)
    assert bad == [] and tally["read"] > 20 and tally["refused"] > 50
