"""Methods without learning that are given the same two photos as the network: what it has to beat.

All take the photo itself for the foreground colour.
"""
from __future__ import annotations

import importlib.util
from collections.abc import Iterable

import cv2
import numpy as np

from bgmatting.utils.errors import UserError, suggest

COPIES = 8                       # images of the empty scene that a subtractor learns from
COPY_STREAM = 12                 # of random numbers
SURE_FOREGROUND, SURE_BACKGROUND = 242, 13   # 0.95 and 0.05: what the key is sure of
MARGIN_SHARE = 1 / 64            # by which both shrink, against the longer side
MOST_PIXELS = 1_000_000          # closed-form matting solves one equation a pixel; larger photos are shrunk to this
BACKGROUND_SHARE = 0.25    # at least this part of the image is taken to show the empty scene
NOISE_REACH = 3.5          # noise of three channels stays below 3.5 times its lower quartile (99.9 % of it, Gaussian)
FLOOR_RANGE = (0.02, 0.10)
SOFT_RANGE = 0.08          # the colour distance over which alpha goes from 0 to 1
RADIUS_SHARE = 1 / 256     # radius of the guided filter against the longer side
EDGE_EPSILON = 1e-3        # guide variance below which the filter smooths


def difference_key(src_u8: np.ndarray, bgr_u8: np.ndarray) -> np.ndarray:
    """Alpha from the colour distance of the photo to the image of the empty scene.

    Three classic steps and no learning: the Euclidean distance of the colours; a soft threshold above a noise floor
    that is estimated from the lower quartile of the distances; and smoothing along the edges of ``src`` with the
    guided filter of He, Sun and Tang, "Guided Image Filtering" (ECCV 2010), written with box filters.

    Args:
        src_u8: uint8 RGB (H, W, 3), the photo with the subject.
        bgr_u8: uint8 RGB (H, W, 3), the photo of the empty scene.
    Returns uint8 (H, W) alpha, 255 is opaque.
    """
    distance = np.sqrt(np.square(cv2.absdiff(src_u8, bgr_u8).astype(np.float32) / 255).sum(axis=2))
    # What noise alone does not exceed; bounded, for images that are all subject or free of noise.
    floor = np.float32(np.clip(NOISE_REACH * np.quantile(distance, BACKGROUND_SHARE), *FLOOR_RANGE))
    key = np.clip((distance - floor) / SOFT_RANGE, 0, 1)
    guide = cv2.cvtColor(src_u8, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(1, round(max(key.shape) * RADIUS_SHARE))
    return np.clip(_guided_filter(guide, key, radius) * 255 + 0.5, 0, 255).astype(np.uint8)


def mog2(src_u8: np.ndarray, bgr_u8: np.ndarray) -> np.ndarray:
    """Background subtraction by a mixture of Gaussians for each pixel: Zivkovic, "Improved Adaptive Gaussian Mixture
    Model for Background Subtraction" (ICPR 2004), as OpenCV has it.

    It learns from ``COPIES`` of bgr, each disturbed as a second photo of the scene would be (a shift of up to 0.3
    pixels, a gamma of 0.85 to 1.15, noise; the same ones for every call), and is then shown src. Shadow detection is off.

    ``src_u8``, ``bgr_u8``: uint8 RGB (H, W, 3), the photo with the subject and that of the empty scene.
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

    ``words``: names of ``BASELINES``, or "all", which leaves closed-form matting out where PyMatting is not installed.
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


def _guided_filter(guide, image, radius):
    """``image`` smoothed by local linear fits to ``guide``; both float32 (H, W)."""
    def mean(values):
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    guide_mean, image_mean = mean(guide), mean(image)
    variance = mean(guide * guide) - guide_mean * guide_mean
    covariance = mean(guide * image) - guide_mean * image_mean
    slope = covariance / (variance + np.float32(EDGE_EPSILON))
    offset = image_mean - slope * guide_mean
    return mean(slope) * guide + mean(offset)


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
