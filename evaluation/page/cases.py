"""Images of single cases: which to show, their error maps, and their way into a page."""
from __future__ import annotations

import base64
from collections.abc import Iterable

import cv2
import numpy as np

from bgmatting.evaluation.page.load import Results
from bgmatting.evaluation.testset.trimap import UNKNOWN
from bgmatting.media import read_gray, read_image
from bgmatting.utils.errors import UserError

QUALITY = 86  # of a JPEG in the page
FULL = 0.5  # error from which the map is brightest
OUTSIDE = 0.4  # brightness of errors that do not count


def leading(results: Results) -> tuple[str, str]:
    """(method, metric) by which cases are chosen: the first method, and the first metric that it has numbers for."""
    method = next(iter(results.errors))
    for metric, values in results.errors[method].items():
        if np.isfinite(values).any():
            return method, metric
    return method, next(iter(results.columns))


def ranked(results: Results) -> list[int]:
    """Indices of the images that were kept and scored, from the lowest to the highest error of ``leading``."""
    method, metric = leading(results)
    values = results.errors[method][metric]
    order = np.argsort(values, kind="stable")  # NaN last
    return [int(index) for index in order
            if np.isfinite(values[index]) and results.names[index] in results.pictures]


def extremes(order: list[int], count: int) -> tuple[list[int], list[int]]:
    """The ``count`` first and the ``count`` last of ``order``, without repeats: (best, worst from the worst on)."""
    count = min(count, (len(order) + 1) // 2)
    best = order[:count]
    return best, [index for index in order[::-1][:count] if index not in best]


def panels(case: dict, methods: Iterable[str]) -> list[tuple[str, np.ndarray | None]]:
    """A case as images.

    Args:
        case: an entry of ``Results.pictures``.
        methods: words, in order.
    Returns [(caption, uint8 RGB (H, W, 3) or gray (H, W), or None where the file is missing or damaged)]: src, truth, then
    the matte and its error map for each method that kept one.
    """
    truth, trimap = _read(read_gray, case.get("truth")), _read(read_gray, case.get("trimap"))
    shown = [("src", _read(read_image, case.get("src"))), ("truth", truth)]
    for method in methods:
        if method in case["pred"]:
            pha = _read(read_gray, case["pred"][method])
            shown += [(method, pha), (f"error of {method}", error_map(pha, truth, trimap))]
    return shown


def error_map(pha: np.ndarray | None, truth: np.ndarray | None, trimap: np.ndarray | None = None) -> np.ndarray | None:
    """Return where a matte is wrong: black is right, yellow is off by 0.5 or more.

    Args:
        pha, truth: uint8 (H, W).
        trimap: uint8 (H, W) or None. Outside its unknown region, where no metric looks, errors are gray.
    Returns uint8 RGB (H, W, 3), or None where an argument is None or the sizes differ.
    """
    if pha is None or truth is None or pha.shape != truth.shape:
        return None
    error = np.clip(cv2.absdiff(pha, truth) / FULL, 0, 255).astype(np.uint8)
    colour = cv2.cvtColor(cv2.applyColorMap(error, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    if trimap is not None and trimap.shape == truth.shape:
        outside = trimap != UNKNOWN
        colour[outside] = (error[outside] * OUTSIDE).astype(np.uint8)[:, None]
    return colour


def fit(image: np.ndarray, width: float, height: float, enlarge: bool = False) -> np.ndarray:
    """``image`` made smaller to fit into width x height pixels, or larger if ``enlarge``; its shape is kept."""
    scale = min(width / image.shape[1], height / image.shape[0], np.inf if enlarge else 1)
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale <= 1 else cv2.INTER_LINEAR)


def data_uri(image: np.ndarray) -> str:
    """An image as the text that a page holds it by: uint8 RGB (H, W, 3) or gray (H, W), as JPEG."""
    image = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _read(reader, path):
    """One image; None where it cannot be read: a page with a gap is better than none."""
    try:
        return None if path is None else reader(path)
    except UserError:
        return None
