"""Which machine and which versions a measurement was made on, and what it has left."""
from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shutil
from pathlib import Path

import cv2
import numpy as np

from bgmatting.utils.cpu import prepare_cpu, usable_cores
from bgmatting.utils.errors import UserError, suggest


def describe_machine() -> list[str]:
    """Lines of text for above a table: date, processor, cores, load, and versions."""
    named = ", ".join(f"{name} {version}" for name, version in versions().items())
    # the load of others matters to every timing; not every system tells it
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return [f"{datetime.date.today().isoformat()}, {processor()}, {usable_cores()} cores{load}", named]


def processor() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def computes_in_bf16(cpuinfo: str = "/proc/cpuinfo") -> bool:
    """Whether this CPU is faster in bfloat16 than in float32.

    Without instructions for it engines would imitate it. Intel's cores have them in the matrix unit (AMX), which virtual
    machines may hide; by AVX-512's alone a Xeon took 1.4 to 1.8 times as long as in float32 (AMD's take two thirds).
    """
    vendor, flags = _first_core(cpuinfo)
    return bool(flags & ({"amx_bf16"} if vendor == ["GenuineIntel"] else {"avx512_bf16", "amx_bf16", "bf16"}))


def computes_in_int8(cpuinfo: str = "/proc/cpuinfo") -> bool | None:
    """Whether this CPU multiplies and adds integers of 8 bits in one instruction (VNNI), without which sums overflow; None
    where the system does not say."""
    flags = _first_core(cpuinfo)[1]
    return bool(flags & {"avx512_vnni", "avx_vnni"}) if flags else None


def _first_core(cpuinfo):
    """([vendor], what it can do)"""
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:
            lines = [line.split(":", 1) for line in file if ":" in line]
    except OSError:
        return None, set()
    said = {name.strip(): value.split() for name, value in reversed(lines)}
    return said.get("vendor_id"), {*said.get("flags", ()), *said.get("Features", ())}


def free_memory(proc: str = "/proc", groups: str = "/sys/fs/cgroup") -> int | None:
    """Bytes that can be had without swapping, of the machine, and of what a container or service may take of it; None
    where the system does not say. proc, groups: where Linux tells of processes and of control groups (version 1 or 2)."""
    found = [proc_bytes(f"{proc}/meminfo", "MemAvailable:"), *_group_memory(Path(proc), Path(groups))]
    return min((count for count in found if count is not None), default=None)


def _group_memory(proc, groups):
    """Bytes left of the limit of each control group that this process is in, and of each above it."""
    for line in (_text(proc / "self" / "cgroup") or "").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds == "":
            top, limit, used, cache = groups, "memory.max", "memory.current", "inactive_file"
        elif "memory" in kinds.split(","):
            top, limit, used = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        inner = Path(os.path.normpath("/" + path.strip("/"))).relative_to("/")
        # a container may see its own group at the top
        for folder in (top / inner, *(top / part for part in inner.parents)):
            most, taken = _text(folder / limit), _text(folder / used)
            if most and taken and most.isdigit():  # not "max"; version 1 writes a number that no machine has
                stat = (line.split() for line in (_text(folder / "memory.stat") or "").splitlines())
                given_back = next((int(pair[1]) for pair in stat if pair[0] == cache), 0)
                yield max(0, int(most) - int(taken) + given_back)


def _text(path):
    """The text of a file, stripped; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def peak_memory(device: str = "cpu") -> int | None:
    """The most bytes that this process has held so far, on a GPU for tensors; None where the system does not say."""
    if device != "cpu":
        import paddle
        return paddle.device.cuda.max_memory_allocated()
    return proc_bytes("/proc/self/status", "VmHWM:")


def proc_bytes(path: str, key: str) -> int | None:
    """Bytes that a line "KEY N kB" of a file of /proc tells; None where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith(key)), None)
    except OSError:
        return None


def find_device(name: str | None = None) -> str:
    """The device called ``name`` ("cpu", "gpu", "gpu:N"), or for None the first GPU, else the CPU. Raises UserError:
    there is no such device."""
    if name == "cpu" or name is None and not _may_have_gpu():
        return "cpu"  # without importing paddle, which takes seconds
    prepare_cpu()  # or paddle would write lines of its own before ours
    import paddle
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if name is None:
        return "gpu:0" if gpus else "cpu"
    if name == "gpu":
        name = "gpu:0"
    known = ["cpu"] + [f"gpu:{number}" for number in range(gpus)]
    if name not in known:
        raise UserError(f"device '{name}' is not there.{suggest(name, known)}")
    return name


def set_tf32(wanted: bool) -> bool:
    """Let GPUs round the factors of float32 products to 10 bits, or not; for this process, before its first work on one.
    Returns whether they may: what the user has set in the environment stays."""
    if not wanted:
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")  # read by CUDA's libraries; 0 is its only value
    return os.environ.get("NVIDIA_TF32_OVERRIDE") != "0"


def _may_have_gpu():
    return bool(os.name == "nt" or shutil.which("nvidia-smi")
                or any(os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia")))


def versions() -> dict[str, str]:
    """{name: version} of what the numbers depend on."""
    found = {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__}
    for package in ("paddlepaddle", "paddlepaddle-gpu", "openvino", "onnxruntime", "pymatting"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
