"""Where a subject stands in the frame, and how it is resampled to be there."""
import cv2
import numpy as np

LARGEST = 2.0   # times that a subject is enlarged at most; larger ones are too soft to learn edges from
BEYOND = 8      # pixels by which a side that its picture cut lies outside the frame, so that no straight edge is seen


def place(rng, subject, height, width):
    """``subject`` somewhere in a (height, width) frame: float32 (height, width, 4), colour multiplied by alpha.

    It is seen whole or cut by the frame, from a third of its height to larger than the frame.
    """
    high, wide = subject.rgba.shape[:2]
    left, top, right, bottom = subject.cut
    scale = np.exp(rng.uniform(np.log(0.4), np.log(1.7))) * min(height / high, width / wide)
    if left and right:
        scale = max(scale, (width + 3 * BEYOND) / wide)
    if top and bottom:
        scale = max(scale, (height + 3 * BEYOND) / high)
    if not (left and right or top and bottom):
        scale = min(scale, LARGEST)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    if flip < 0:
        left, right = right, left
    upright = not any(subject.cut)
    turn = np.deg2rad(rng.normal(0, 12) if upright and rng.random() < 0.7 else rng.uniform(-0.4, 0.4))
    x = middle(rng, scale * wide, width, left, right)
    y = middle(rng, scale * high, height, top, bottom)
    stretch = scale * np.exp(rng.normal(0, 0.05, 2))
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = turned @ np.diag([flip * stretch[0], stretch[1]])
    shift = np.array([x, y]) - linear @ np.array([wide / 2, high / 2])
    return warped(subject.rgba, np.hstack([linear, shift[:, None]]), height, width)


def middle(rng, size, frame, before, after):
    """Where the middle of something of ``size`` lies along an axis; ``before``, ``after``: which ends must be outside."""
    if before and after:
        return frame / 2 + rng.uniform(-0.5, 0.5) * max(size - frame - 2 * BEYOND, 0)
    inside = rng.uniform(0.55, 1.0) * min(size, frame)  # how much of it is seen
    if after:
        return frame - inside + size / 2 if inside + BEYOND < size else frame + BEYOND - size / 2
    if before:
        return inside - size / 2 if inside + BEYOND < size else size / 2 - BEYOND
    slack = abs(frame - size) / 2 + 0.15 * min(size, frame) * (rng.random() < 0.4)
    return frame / 2 + rng.uniform(-1, 1) * slack


def warped(image, matrix, height, width):
    """``image`` (H, W, 4) under a 2x3 matrix, means of 2x2 first where it shrinks, so that thin alpha survives."""
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    image = image.astype(np.float32)
    while scale <= 0.6 and min(image.shape[:2]) > 3:
        high, wide = image.shape[0] // 2, image.shape[1] // 2
        image = cv2.resize(image[:2 * high, :2 * wide], (wide, high), interpolation=cv2.INTER_AREA)
        matrix = np.hstack([matrix[:, :2] * 2, matrix[:, 2:] + matrix[:, :2] @ [[0.5], [0.5]]])
        scale *= 2
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
