"""The authors' PyTorch code as a process for ``benchmark.py infer --peer``. Needs torch, torchvision and numpy; nothing of
this project, so that it runs in an environment of its own.
"""
from __future__ import annotations

import json
import sys

from turns import process_start, take_turns  # beside this file


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


def main() -> None:
    begun, work = process_start(), json.loads(sys.argv[1])
    network, src, bgr = load(work)
    import torch
    with torch.no_grad():
        take_turns(lambda: network(src, bgr)[0], work["matte"], begun)


if __name__ == "__main__":
    main()
