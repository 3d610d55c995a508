"""Preparation before paddle is imported: processor settings, and no lines that say nothing to its users."""
from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import warnings

NOISE = ("No ccache found", "When training, we now always track global mean",  # hints to paddle's own developers
         "You are using GPU version Paddle, but")  # said of a machine without a GPU, also where none was asked for


def prepare_cpu(threads: int | None = None, load: bool = True) -> None:
    """Import paddle with thread counts and, on AMD, Intel MKL's fast path, where the user has not set them already.

    MKL takes a slow generic path on processors that are not Intel's unless MKL_DEBUG_CPU_TYPE says otherwise;
    a training step took 1.23 s instead of 2.32 s with these settings (MobileNetV2 base, 4 x 192 x 192, two cores of
    an AMD EPYC with AVX-512, paddlepaddle 3.3.1).

    Args:
        threads: how many; by default every core this process may use.
        load: False: only prepare for the import, which takes seconds and is often not needed.
    """
    threads = threads or usable_cores()
    os.environ.setdefault("FLAGS_paddle_num_threads", str(threads))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("GLOG_minloglevel", "2")  # errors alone: its warnings are of many lines, and on a CPU of no use
    if _is_amd():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")
    _keep_memory()
    for text in NOISE:
        warnings.filterwarnings("ignore", message=text)
    import cv2  # noqa: F401  (before paddle 2.6, whose own zlib would take the place of the one that PNG files need)
    if not load:
        return
    real, sys.stderr = sys.stderr, _WithoutThreadWarning(sys.stderr)
    try:
        import paddle
    finally:
        sys.stderr = real
    paddle.disable_signal_handler()  # a dozen lines of its own where somebody only ended the program
    handler = signal.getsignal(signal.SIGTERM)
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # paddle had taken its place


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _WithoutThreadWarning:
    """Passes on what is written, except for paddle's warning that OMP_NUM_THREADS is above 1, which is meant so."""

    def __init__(self, stream):
        self._stream = stream
        self._newline_follows = False

    def write(self, text):
        if "OMP_NUM_THREADS" in text:
            self._newline_follows = True
        elif not (self._newline_follows and text == "\n"):
            self._stream.write(text)
            self._newline_follows = False
        return len(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def _keep_memory():
    """Let glibc keep large blocks that are freed: paddle takes and frees them at every layer, and each fresh one costs a
    fault per page. A training step took 2.7 s instead of 3.1 s (MobileNetV2 base, 4 x 256 x 256, one core).
    """
    chosen = os.environ.get("LD_PRELOAD", "") + os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform != "linux" or "malloc" in chosen:
        return  # the user has seen to it
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library
    mallopt(-4, 0)              # M_MMAP_MAX: blocks of any size come from the heap
    mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD: which does not shrink


def _is_amd():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return "AuthenticAMD" in file.read(4096)
    except OSError:
        return False
