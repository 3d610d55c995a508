"""What the machine can do."""
import pytest

from bgmatting.utils.machine import computes_in_bf16


@pytest.mark.parametrize("text, expected", [
    ("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_bf16 sha_ni\n", True), ("flags : fpu amx_bf16 amx_tile\n", True),
    ("Features\t: fp asimd bf16 i8mm\n", True), ("flags : fpu avx2 avx512f avx512_vnni\n", False),
    ("bugs : bf16\n", False), ("", False)])
def test_whether_a_cpu_computes_in_bf16(tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert computes_in_bf16(tmp_path / "cpuinfo") is expected


def test_where_the_system_does_not_say_it_does_not(tmp_path):
    assert computes_in_bf16(tmp_path / "missing") is False
