"""A small evaluation as eval.py leaves it: five pictures, two methods, one of them much better."""
import json

import cv2
import numpy as np
import pytest

from bgmatting.evaluation.scoring import mean_of
from bgmatting.media import write_image

NAMES = ["10.png", "9.png", "b.png", "a.png", "c d/é.png"]


@pytest.fixture
def evaluation(tmp_path):
    """write(folder="eval", names=NAMES, factor=1.0, pictures=True, **facts) -> the folder.

    The network's SAD is factor * (5, 1, 3, 2, 4); keying's is one more. Pictures are 60 x 80 discs; each matte is 20 * SAD
    too dark inside the disc.
    """
    def write(folder="eval", names=tuple(NAMES), factor=1.0, pictures=True, **facts):
        folder = tmp_path / folder
        base = np.array((5.0, 1.0, 3.0, 2.0, 4.0))[:len(names)] * factor
        methods, kept = {}, {}
        for word, sad in (("network", base), ("keying", base + 1)):
            rows = [{"name": name, "sad": float(value), "mse": float(value) / 1000, "grad": 100.0 * value,
                     "conn": 1000.0 * value, "fg_mse": None if word == "keying" else float(value) / 500}
                    for name, value in zip(names, sad)]
            methods[word] = {"mean": mean_of(rows), "images": rows, "settings": {"backend": word}}
        for number, name in enumerate(names if pictures else ()):
            kept[name] = _pictures(folder, number, {"network": base[number], "keying": base[number] + 1})
        content = {"dataset": "Made", "seed": 0, "size": [60, 80], "count": len(names), "command": "python eval.py --x 1",
                   "versions": {"python": "3.11"}, "protocol": {"trimap": "ten steps"}, **facts, "methods": methods,
                   "pictures": kept}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return folder

    return write


def _pictures(folder, number, errors):
    truth = np.zeros((60, 80), np.uint8)
    cv2.circle(truth, (40, 30), 20, 255, -1)
    trimap = np.full_like(truth, 128)
    trimap[:, :40] = truth[:, :40]
    src = np.dstack([truth, truth // 2, np.full_like(truth, 30 * number)])
    case = {"src": src, "bgr": np.zeros_like(src), "truth": truth, "trimap": trimap}
    paths = {}
    for part, image in case.items():
        paths[part] = f"pictures/{number}_{part}.png"
        write_image(folder / paths[part], image)
    paths["pred"] = {}
    for word, error in errors.items():
        paths["pred"][word] = f"pictures/{number}_{word}.png"
        write_image(folder / paths["pred"][word], np.clip(truth - 20.0 * error, 0, 255).astype(np.uint8))
    return paths
