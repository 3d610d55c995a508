"""What every measured process does, this project's and its peers'. Needs the standard library and numpy alone."""
from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def process_start() -> float:
    """When this process began, in seconds of ``time.time()``; now, where the system does not say."""
    try:
        with open("/proc/self/stat", encoding="ascii") as stat, open("/proc/uptime", encoding="ascii") as uptime:
            ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
            return time.time() - float(uptime.read().split()[0]) + ticks / os.sysconf("SC_CLK_TCK")
    except OSError:
        return time.time()


def peak_memory() -> int:
    """The most bytes that this process has held so far; 0 where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    except OSError:
        return 0


def take_turns(frame: Callable[[], Any], matte: str, begun: float, device: str = "cpu",
               memory: Callable[[], int | None] = peak_memory) -> None:
    """Matte once, keep that in the file ``matte``, then matte as often as lines on standard input say; answer in JSON.
    frame: () -> alpha, (H, W) or with axes of one before; begun: ``process_start``; device: as it is to be told; memory:
    () -> peak bytes."""
    import numpy as np
    pha = frame()
    start = time.time() - begun
    np.save(matte, np.asarray(pha).squeeze())
    del pha
    print(json.dumps({"start": start, "device": device}), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(json.loads(line)["frames"]):
            before = time.perf_counter()
            frame()
            seconds.append(time.perf_counter() - before)
        print(json.dumps({"seconds": seconds, "memory": memory()}), flush=True)
