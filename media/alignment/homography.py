"""Registers bgr to src: two photos of one scene from a camera that was held by hand.

The plane-to-plane map (homography) of a camera that turned, or that looks at something far or flat. It is found in two
steps: SIFT features (Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004) with MAGSAC++ (Barath
et al., CVPR 2020), then iterated photometric least squares from coarse to fine (Lucas and Kanade, IJCAI 1981; in the
inverse compositional form of Baker and Matthews, IJCV 2004) with Tukey's weights, so that the subject does not vote.
"""
from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bgmatting.media.alignment.level import Level
from bgmatting.media.alignment.registration import Fit, assess, polish, register, search
from bgmatting.media.operations import scaled

FEATURE_SIDE = 640    # the longer side at which features are sought; pixels
FINEST_SIDE = 1280    # and at which the last refinement runs
FLAT_UNTIL = 200      # up to this side broad brightness is taken out before registration
FEATURES = 1500
RATIO = 0.8           # a feature's best match has to be so much nearer than its second best
LEAST_INLIERS, MANY_INLIERS = 12, 50
MOVED_LEAST = 0.3     # pixels at the corner that moved most: below, a photo is left as it is
WORST_ERROR = 1.2     # pixels that the corners may be off, by the fit's own covariance, at the finest level
NEAR, CLEAR_SCORE = 1.5, 0.2  # pixels, and share: photos that are so near each other are not searched any further
LEAST_SCORE = 0.05    # share of the textured points of bgr that src has to show, above chance
MOVED_MOST = 0.15     # of the longer side
POLISHED_MOST = 3.0   # pixels of the finest level: what every pixel together moves further has left the scene


class Alignment(NamedTuple):
    """How bgr lies on src.

    matrix: float64 (3, 3), pixel of bgr -> pixel of src; None where no map can be trusted.
    inliers, matches, features: how many features bgr has, how many of them have a match, and how many matches follow one
        plausible map; all 0 where the photos were found to lie on each other without looking for features.
    moved: how far the corner that moves most moves, pixels.
    agreement: share of the textured points of bgr that src shows in their place, 0..1.
    score, unmoved_score: the same above chance (``registration.Fit``), with the matrix and without.
    error: expected error at the corners in pixels, from the covariance of the fit.
    reason: one line, why matrix is None; "" otherwise.
    """
    matrix: np.ndarray | None
    inliers: int
    matches: int
    features: int
    moved: float
    agreement: float
    score: float
    unmoved_score: float
    error: float
    reason: str


def find_homography(src: np.ndarray, bgr: np.ndarray) -> Alignment:
    """How bgr has to be warped to lie on src, both uint8 RGB (H, W, 3) of one size. A matrix moves no corner by more than
    15 % of the longer side."""
    levels = pyramid(src, bgr)
    last, size = levels[-1], src.shape[:2]
    unmoved = assess(last, np.eye(3))
    near = register(levels[-1:], np.eye(3))
    if (near.score > CLEAR_SCORE and near.error < WORST_ERROR
            and corner_shift(near.matrix, size) * last.shape[1] < NEAR * size[1]):
        near = _polished(near, src, bgr)
        return Alignment(near.matrix, 0, 0, 0, corner_shift(near.matrix, size), near.agreement, near.score, unmoved.score,
                         near.error, "")
    inliers, matches, features, first = _by_features(src, bgr)
    fits = [register(levels[-1:], start) for start in [_from_coarse(levels)] + ([] if first is None else [first])]
    fits += [register(levels[-1:], start, tight=True)
             for start in [max(fits, key=lambda fit: fit.score).matrix] + ([] if first is None else [first])]
    fit = max(fits, key=lambda fit: fit.score)
    fit = _polished(fit, src, bgr)
    moved = corner_shift(fit.matrix, size)
    reason = ""
    if fit.score < LEAST_SCORE:
        reason = f"src shows {fit.agreement:.0%} of what bgr does ({inliers} of {features} features match)"
    elif not moved <= MOVED_MOST * max(size):
        reason = f"no plausible movement was found ({inliers} of {features} features match)"
    elif fit.error > WORST_ERROR * size[1] / last.shape[1] and not (inliers >= MANY_INLIERS and fit.score > CLEAR_SCORE):
        reason = f"the background has too little texture ({inliers} of {features} features match)"
    return Alignment(None if reason else fit.matrix, inliers, matches, features, moved, fit.agreement, fit.score,
                     unmoved.score, fit.error, reason)


def _from_coarse(levels):
    """The matrix found without features: from shifts that fit best at the coarsest level, and none, to the last but one."""
    fits = [register(levels[:-1][:2], start) for start in [np.eye(3)] + search(levels[0])]
    fits = [register(levels[2:-1], fit.matrix) if len(levels) > 3 else fit
            for fit in sorted(fits, key=lambda fit: -fit.score)[:2]]
    return max(fits, key=lambda fit: fit.score).matrix


def _polished(fit, src, bgr):
    """The Fit with the last of the accuracy: every pixel votes, not only the few that found the way."""
    pair, size = _pair(src, bgr, FINEST_SIDE), src.shape[:2]
    if fit.score < LEAST_SCORE or corner_shift(fit.matrix, size) < MOVED_LEAST:
        return fit  # nothing was found, or nothing will be done about it
    finer = polish(Level(*pair, size, max(pair[0].shape) <= FLAT_UNTIL, dense=True), fit)
    away = corner_shift(finer.matrix, size, fit.matrix) * pair[0].shape[1] / size[1]
    return finer if finer.error < np.inf and away < POLISHED_MOST else fit


def track(src: np.ndarray, bgr: np.ndarray, matrix: np.ndarray, finest: int = FEATURE_SIDE) -> Fit:
    """Follow a camera: refine a matrix that was right a moment ago. Returns registration.Fit."""
    return register(pyramid(src, bgr, finest), matrix)


def warp(bgr: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bgr (H, W, 3) as seen from where src of ``size`` (height, width) was taken: uint8, cubic interpolation. Where src
    sees beyond the edge of bgr, the edge's colour is continued: what src shows there could be subject, so it is not taken
    for background."""
    return cv2.warpPerspective(bgr, matrix, (size[1], size[0]), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def corner_shift(matrix: np.ndarray, size: tuple[int, int], other: np.ndarray | None = None) -> float:
    """Return how far the corner that moves most moves under ``matrix``, against ``other`` (default: unmoved), in pixels."""
    height, width = size
    corners = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], np.float64)
    expected = corners if other is None else cv2.perspectiveTransform(corners, other)
    moved = cv2.perspectiveTransform(corners, matrix) - expected
    return float(np.hypot(moved[..., 0], moved[..., 1]).max())


def pyramid(src: np.ndarray, bgr: np.ndarray, finest: int = FINEST_SIDE) -> list[Level]:
    """Levels from coarse to fine, each half the next; the finest has at most ``finest`` pixels on its longer side."""
    pair = _pair(src, bgr, finest)
    pairs = [pair]
    while max(pair[0].shape) > 96 and min(pair[0].shape) >= 32:
        pair = [cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for image in pair]
        pairs.append(pair)
    return [Level(*pair, src.shape[:2], max(pair[0].shape) <= FLAT_UNTIL) for pair in pairs[::-1]]


def _pair(src, bgr, finest):
    scale = min(1.0, finest / max(src.shape[:2]))
    return [reduced(image, scale) for image in (src, bgr)]


def reduced(image: np.ndarray, scale: float) -> np.ndarray:
    """Gray uint8 of an RGB photo, shrunk by ``scale``."""
    if scale < 1:
        image = scaled(image, scale)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _by_features(src, bgr):
    """(inliers, matches, features of bgr, matrix in pixels of the photo or None)."""
    scale = min(1.0, FEATURE_SIDE / max(src.shape[:2]))
    sift = cv2.SIFT_create(nfeatures=FEATURES, contrastThreshold=0.02)
    (to, to_marks), (start, marks) = (sift.detectAndCompute(reduced(image, scale), None) for image in (src, bgr))
    if min(len(to), len(start)) < 2:
        return 0, 0, len(start), None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(marks, to_marks, k=2)
    near = [first for first, second in pairs if first.distance < RATIO * second.distance]
    if len(near) < 4:
        return 0, len(near), len(start), None
    points = [[start[match.queryIdx].pt for match in near], [to[match.trainIdx].pt for match in near]]
    points = [(np.float64(array) + 0.5) / scale - 0.5 for array in points]
    cv2.setRNGSeed(0)
    matrix, mask = cv2.findHomography(*points, cv2.USAC_MAGSAC, 2.0 / scale, maxIters=2000, confidence=0.999)
    inliers = 0 if mask is None else int(mask.sum())
    if matrix is None or not corner_shift(matrix, src.shape[:2]) <= MOVED_MOST * max(src.shape[:2]):
        return 0, len(near), len(start), None  # other scenes agree on wild maps
    return inliers, len(near), len(start), matrix if inliers >= LEAST_INLIERS else None
