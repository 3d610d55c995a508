"""PaddleSeg's own Matting code as a process for ``benchmark.py infer --peer-paddleseg``.

A frame goes from a uint8 photo in memory to alpha at its size, by their transforms, their network in dygraph, and their way
back. Needs what PaddleSeg needs to run a network; nothing of this project, so that it runs in an environment of its own.
"""
from __future__ import annotations

import importlib
import json
import os
import sys
import types
from collections.abc import Callable

from turns import process_start, take_turns  # beside this file

UNUSED = ("sklearn", "sklearn.metrics", "prettytable", "filelock")  # that PaddleSeg imports, and a forward pass does not use
CLASSES = {"mobilenetv2": "MobileNetV2", "resnet50_vd": "ResNet50_vd", "hrnet_w18": "HRNet_W18", "vgg16": "VGG16"}


def load(work: dict) -> Callable:
    """() -> alpha, float32 (H, W), of the frame; the network has the given weights."""
    import numpy as np
    import paddle
    sys.path[:0] = [work["checkout"], os.path.join(work["checkout"], "Matting")]
    for name in UNUSED:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = types.ModuleType(name)
    from paddleseg.cvlibs import manager
    manager.BACKBONES._components_dict.clear()
    manager.TRANSFORMS._components_dict.clear()
    from ppmatting import models, transforms
    from ppmatting.core.predict import preprocess, reverse_transform
    more = {"input_channels": 4} if work["method"] == "dim" else {}
    backbone = getattr(models, CLASSES[work["backbone"]])(**more)
    network = getattr(models, {"modnet": "MODNet", "dim": "DIM"}[work["method"]])(backbone)
    with np.load(work["weights"]) as arrays:
        missing, unexpected = network.set_state_dict({name: paddle.to_tensor(arrays[name]) for name in arrays.files})
    if missing or unexpected:
        raise ValueError(f"weights do not fit PaddleSeg's network: {(missing + unexpected)[:3]}")
    network.eval()
    sizes = {"modnet": [transforms.ResizeByShort(512), transforms.ResizeToIntMult(32)], "dim": [transforms.LimitLong(3840)]}
    prepare = transforms.Compose([transforms.LoadImages(), *sizes[work["method"]], transforms.Normalize()])
    with np.load(work["photos"]) as photos:
        src, trimap = np.ascontiguousarray(photos["src"][..., ::-1]), photos["trimap"]

    def frame():
        data = preprocess(src, prepare, trimap.copy() if work["method"] == "dim" else None)
        alpha = reverse_transform(network(data), data["trans_info"]).numpy().squeeze()
        if work["method"] == "dim":
            alpha[trimap == 0], alpha[trimap == 255] = 0, 1
        return alpha

    return frame


def main() -> None:
    begun, work = process_start(), json.loads(sys.argv[1])
    frame = load(work)
    import paddle
    with paddle.no_grad():
        take_turns(frame, work["matte"], begun)


if __name__ == "__main__":
    main()
