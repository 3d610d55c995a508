"""The authors' PyTorch code as a process for ``benchmark.py infer --peer``. Needs torch, torchvision and numpy; nothing of
this project, so that it runs in an environment of its own.
"""
from __future__ import annotations

import json
import sys
import time


def load(work: dict) -> tuple:
    """(network, src, bgr) of the authors' MattingRefine with the given weights, ready for torch.no_grad."""
    import numpy as np
    import torch
    torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    sys.path.insert(0, work["checkout"])
    from model import MattingRefine  # the authors'
    network = MattingRefine(work["backbone"], work["scale"], "sampling", work["pixels"]).eval()
    with np.load(work["weights"]) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    missing, unexpected = network.load_state_dict(state, strict=False)
    wrong = unexpected + [name for name in missing if not name.endswith("num_batches_tracked")]
    if wrong:
        raise ValueError(f"weights do not fit the authors' network: {wrong[:3]}")
    with np.load(work["photos"]) as photos:
        pair = [torch.from_numpy(photos[name]).permute(2, 0, 1)[None].float().div(255).contiguous()
                for name in ("src", "bgr")]
    if work["how"] == "channels-last":
        network = network.to(memory_format=torch.channels_last)
        pair = [x.contiguous(memory_format=torch.channels_last) for x in pair]
    return network, *pair


def process_start() -> float:
    """When this process began, in seconds of time.time()."""
    import os
    with open("/proc/self/stat", encoding="ascii") as stat, open("/proc/uptime", encoding="ascii") as uptime:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
        return time.time() - float(uptime.read().split()[0]) + ticks / os.sysconf("SC_CLK_TCK")


def peak_memory() -> int:
    """The most bytes that this process has held so far."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def main() -> None:
    work = json.loads(sys.argv[1])
    begun = process_start()
    network, src, bgr = load(work)
    import numpy as np
    import torch
    with torch.no_grad():
        pha = network(src, bgr)[0]
        start = time.time() - begun
        np.save(work["matte"], pha[0, 0].numpy())
        del pha
        print(json.dumps({"start": start, "device": "cpu"}), flush=True)
        for line in sys.stdin:
            seconds = []
            for _ in range(json.loads(line)["frames"]):
                before = time.perf_counter()
                network(src, bgr)
                seconds.append(time.perf_counter() - before)
            print(json.dumps({"seconds": seconds, "memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
