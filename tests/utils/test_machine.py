"""What the machine can do."""
import pytest

from bgmatting.utils.machine import computes_in_bf16, computes_in_int8, free_memory


@pytest.mark.parametrize("text, expected", [
    ("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_bf16 sha_ni\n", True), ("flags : fpu amx_bf16 amx_tile\n", True),
    ("Features\t: fp asimd bf16 i8mm\n", True), ("flags : fpu avx2 avx512f avx512_vnni\n", False),
    ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16\n", False),
    ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16\n", True),
    ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16\n", True),
    ("bugs : bf16\n", False), ("", False)])
def test_whether_a_cpu_computes_in_bf16(tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert computes_in_bf16(tmp_path / "cpuinfo") is expected


@pytest.mark.parametrize("text, expected", [
    ("flags : fpu avx2 avx512f avx512_vnni\n", True), ("flags\t\t: fpu avx2 avx_vnni\n", True),
    ("flags : fpu avx2 avx512f\n", False), ("Features : fp asimddp i8mm\n", False)])
def test_whether_a_cpu_computes_in_int8(tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert computes_in_int8(tmp_path / "cpuinfo") is expected
    assert computes_in_int8(tmp_path / "missing") is None


def test_where_the_system_does_not_say_it_does_not(tmp_path):
    assert computes_in_bf16(tmp_path / "missing") is False


GROUPS = {  # {what /proc/self/cgroup says: {file below /sys/fs/cgroup: what it holds}}, with what is left
    "version 2": ("0::/pod/box\n", {"pod/memory.max": "3000", "pod/memory.current": "2500", "pod/box/memory.max": "900",
                                    "pod/box/memory.current": "100"}, 500),
    "no limit": ("0::/pod\n", {"pod/memory.max": "max", "pod/memory.current": "7"}, 8192),
    "its own group at the top": ("0::/\n", {"memory.max": "1000", "memory.current": "900",
                                            "memory.stat": "inactive_file 50"}, 150),
    "of the host": ("0::/../../system.slice/x\n", {"memory.max": "700", "memory.current": "0"}, 700),
    "over it": ("0::/\n", {"memory.max": "700", "memory.current": "800"}, 0),
    "version 1": ("9:cpu:/a\n4:hugetlb,memory:/docker/id\n0::/\n", {
        "memory/memory.limit_in_bytes": "2000", "memory/memory.usage_in_bytes": "1500",
        "memory/memory.stat": "cache 9\ntotal_inactive_file 500"}, 1000),
    "version 1 without a limit": ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712",
                                                   "memory/memory.usage_in_bytes": "1500"}, 8192),
    "neither": ("", {}, 8192)}


@pytest.mark.parametrize("name", GROUPS)
def test_the_limit_of_a_container_counts_as_memory(tmp_path, name):
    said, files, left = GROUPS[name]
    for path, text in {"proc/meminfo": "MemAvailable: 8 kB\n", "proc/self/cgroup": said,
                       **{f"groups/{path}": text for path, text in files.items()}}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert free_memory(str(tmp_path / "proc"), str(tmp_path / "groups")) == left
