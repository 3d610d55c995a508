"""The authors' inference_video.py as a process for ``benchmark.py video --peer``. Needs torch, torchvision, numpy and what
that script imports; nothing of this project, so that it runs in an environment of its own.
"""
from __future__ import annotations

import importlib.machinery
import json
import os
import runpy
import shutil
import sys
import tempfile
import time
import types
from typing import Any

from turns import peak_memory  # beside this file


class Marks:
    """Stands in for tqdm in the script: passes the batches on, and keeps when each of them was done."""

    def __init__(self, batches: Any):
        self._batches, Marks.done, Marks.count = batches, [], 0

    def __iter__(self):
        for batch in self._batches:
            Marks.size = f"{batch[0].shape[3]}x{batch[0].shape[2]}"
            yield batch
            Marks.count += 1
            Marks.done.append((time.time(), time.process_time()))


def write_checkpoint(work: dict, path: str | os.PathLike) -> None:
    """The weights as the authors' own kind of file."""
    import numpy as np
    import torch
    with np.load(work["weights"]) as arrays:
        torch.save({name: torch.from_numpy(arrays[name]) for name in arrays.files}, path)


def main() -> None:
    begun, work = time.time(), json.loads(sys.argv[1])
    import torch
    torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    tqdm = types.ModuleType("tqdm")
    tqdm.__spec__ = importlib.machinery.ModuleSpec("tqdm", None)
    tqdm.tqdm = Marks
    sys.modules["tqdm"] = tqdm
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = os.path.join(folder, "weights.pth")
        write_checkpoint(work, checkpoint)
        shutil.rmtree(work["out"], ignore_errors=True)  # the script would ask
        sys.path.insert(0, work["checkout"])
        sys.argv = ["inference_video.py", "--model-type", "mattingrefine", "--model-backbone", work["backbone"],
                    "--model-checkpoint", checkpoint, "--video-src", work["src"], "--video-bgr", work["bgr"],
                    "--device", "cpu", "--output-dir", work["out"], "--output-types", "com", "pha"]
        # its writers are closed when its names are given up: until then the files are not whole
        runpy.run_path(os.path.join(work["checkout"], "inference_video.py"), run_name="__main__").clear()
    ended, used = time.time(), time.process_time()
    (first, first_cpu), frames = Marks.done[0], Marks.count - 1
    print(json.dumps({"frames": Marks.count, "size": Marks.size, "fps": frames / (ended - first),
                      "cpu": (used - first_cpu) / frames, "start": first - begun, "memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
