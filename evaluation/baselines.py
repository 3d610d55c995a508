"""Methods without learning that are given the same two photos as the network: what it has to beat.

All take the photo itself for the foreground colour.
"""
from __future__ import annotations

import importlib.util
from collections.abc import Iterable

import cv2
import numpy as np

from bgmatting.evaluation.keying import difference_key
from bgmatting.utils.errors import UserError, suggest

COPIES = 8                       # pictures of the empty scene that a subtractor learns from
COPY_STREAM = 12                 # of random numbers
SURE_FOREGROUND, SURE_BACKGROUND = 242, 13   # 0.95 and 0.05: what the key is sure of
MARGIN_SHARE = 1 / 64            # by which both shrink, against the longer side
MOST_PIXELS = 1_000_000          # closed-form matting solves one equation a pixel; larger photos are shrunk to this


def mog2(src_u8: np.ndarray, bgr_u8: np.ndarray) -> np.ndarray:
    """Background subtraction by a mixture of Gaussians for each pixel: Zivkovic, "Improved Adaptive Gaussian Mixture
    Model for Background Subtraction" (ICPR 2004), as OpenCV has it.

    It learns from ``COPIES`` of bgr, each disturbed as a second photo of the scene would be (a shift of up to 0.3
    pixels, a gamma of 0.85 to 1.15, noise; the same ones for every call), and is then shown src. Shadow detection is off.

    Args:
        src_u8, bgr_u8: uint8 RGB (H, W, 3), the photo with the subject and that of the empty scene.
    Returns uint8 (H, W), 0 or 255: a subtractor knows no half-transparent pixels.
    """
    return _subtract(cv2.createBackgroundSubtractorMOG2(COPIES, detectShadows=False), src_u8, bgr_u8)


def knn(src_u8: np.ndarray, bgr_u8: np.ndarray) -> np.ndarray:
    """Background subtraction by nearest neighbours: Zivkovic and van der Heijden, "Efficient Adaptive Density Estimation
    per Image Pixel for the Task of Background Subtraction" (2006), as OpenCV has it. Otherwise as ``mog2``.
    """
    return _subtract(cv2.createBackgroundSubtractorKNN(COPIES, detectShadows=False), src_u8, bgr_u8)


def closed_form(src_u8: np.ndarray, bgr_u8: np.ndarray) -> np.ndarray:
    """Closed-form matting: Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting" (CVPR 2006),
    by PyMatting, inside an automatic trimap.

    Sure are the pixels that difference keying gives an alpha of at least 0.95, or at most 0.05, after both regions have
    shrunk by 1/64 of the longer side; where either is empty, the key itself is the answer. A photo of more than
    ``MOST_PIXELS`` is solved at that size and its alpha enlarged. Arguments as ``mog2``; returns uint8 (H, W).
    """
    from pymatting import estimate_alpha_cf  # optional, and slow to import: it compiles
    key = difference_key(src_u8, bgr_u8)
    shrink = min(1.0, (MOST_PIXELS / key.size) ** 0.5)
    size = max(1, round(key.shape[1] * shrink)), max(1, round(key.shape[0] * shrink))
    small_key, small_src = (cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (key, src_u8))
    trimap = _sure_regions(small_key)
    if not (trimap == 0).any() or not (trimap == 1).any():
        return key
    pha = np.clip(estimate_alpha_cf(small_src / 255.0, trimap), 0, 1).astype(np.float32)
    pha = cv2.resize(pha, key.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (pha * 255 + 0.5).astype(np.uint8)


BASELINES = {"keying": difference_key, "mog2": mog2, "knn": knn, "closed-form": closed_form}


def choose_baselines(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The baselines of a command line, each once.

    Args:
        words: names of ``BASELINES``, or "all", which leaves closed-form matting out where PyMatting is not installed.
    Returns (names, skipped): tuples; ``skipped`` are those that "all" left out.
    Raises UserError: no such baseline, or closed-form matting is asked for by name and PyMatting is not installed.
    """
    for word in words:
        if word not in BASELINES and word != "all":
            raise UserError(f"unknown baseline '{word}'.{suggest(word, (*BASELINES, 'all'))}")
    wanted = [name for name in BASELINES if name in words or "all" in words]
    if "closed-form" not in wanted or importlib.util.find_spec("pymatting") is not None:
        return tuple(wanted), ()
    if "closed-form" in words:
        raise UserError("the baseline closed-form needs PyMatting, which is not installed. Run `pip install pymatting`.")
    return tuple(name for name in wanted if name != "closed-form"), ("closed-form",)


def _subtract(subtractor, src, bgr):
    from bgmatting.evaluation.testset.placement import disturb_background
    cv2.setRNGSeed(COPY_STREAM)  # the nearest neighbours are samples drawn at random
    rng = np.random.default_rng(COPY_STREAM)
    for _ in range(COPIES):
        subtractor.apply(disturb_background(bgr, rng), learningRate=-1)
    return subtractor.apply(src, learningRate=0)


def _sure_regions(key):
    """Trimap for PyMatting: 1 sure foreground, 0 sure background, 0.5 unknown, float64 (H, W)."""
    radius = max(1, round(max(key.shape) * MARGIN_SHARE))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    trimap = np.full(key.shape, 0.5)
    trimap[cv2.erode((key <= SURE_BACKGROUND).astype(np.uint8), disc) > 0] = 0
    trimap[cv2.erode((key >= SURE_FOREGROUND).astype(np.uint8), disc) > 0] = 1
    return trimap
