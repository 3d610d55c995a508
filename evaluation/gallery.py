"""Small images of what was evaluated, for the eye: kept in memory as encoded files until it is known which matter."""
from __future__ import annotations

import re
from collections.abc import Iterable

import cv2
import numpy as np

from bgmatting.utils.files import cut_name

ALL_UP_TO = 200    # items: a set of more keeps only the best and the worst
EXTREMES = 12


def file_words(methods: Iterable[str]) -> dict[str, str]:
    """{method: its name as a part of file names}, no two the same."""
    words = {}
    for method in dict.fromkeys(methods):
        plain = re.sub("[^A-Za-z0-9._-]+", "-", method)
        tried = (plain, *(f"{plain}-{number}" for number in range(1, len(words) + 2)))
        words[method] = next(word for word in tried if word not in words.values())
    return words


def encoded(image: np.ndarray) -> tuple[str, bytes]:
    """(suffix, bytes): PNG of uint8 (H, W), JPEG of RGB (H, W, 3)."""
    if image.ndim == 2:
        return ".png", cv2.imencode(".png", image)[1].tobytes()
    return ".jpg", cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


class Gallery:
    """Keeps the images of every item of a small set, or those of the best and worst of a large one.

    ``count``: how many items the set has.
    """

    def __init__(self, count: int):
        self._all = count <= ALL_UP_TO
        self._kept = {}

    def add(self, name: str, value: float | None, pictures: dict) -> None:
        """Take in the images of one item, as of ``evaluation.pipeline.Scored``; ``value`` is the error that ranks it,
        and without one (None) the item is kept in a small set only."""
        if value is None and not self._all:
            return
        self._kept[name] = value, pictures
        if not self._all and len(self._kept) > 2 * EXTREMES:
            ranked = sorted(self._kept, key=lambda name: self._kept[name][0])
            del self._kept[ranked[EXTREMES]]

    def files(self, folder: str) -> tuple[dict, dict]:
        """Paths that are kept.

        Returns ({path: bytes}, {name: {"src", "bgr", "truth", "trimap": path, "pred": {method: path}}}); paths begin with
        ``folder``.
        """
        files = {}
        words = file_words(method for _, pictures in self._kept.values() for method in pictures.get("pred", ()))

        def listed(name, kind, picture):
            above, _, last = name.rpartition("/")
            ending = f"_{kind}{picture[0]}"
            path = "/".join(filter(None, (folder, above, cut_name(last, len(ending)) + ending)))
            files[path] = picture[1]
            return path

        names = {name: {kind: {method: listed(name, f"pred_{words[method]}", matte) for method, matte in picture.items()}
                        if kind == "pred" else listed(name, kind, picture) for kind, picture in pictures.items()}
                 for name, (_, pictures) in self._kept.items()}
        return files, names
