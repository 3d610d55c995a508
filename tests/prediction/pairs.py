"""Pairs of photos with a known movement, from photographs that scikit-image ships."""
import cv2
import numpy as np

from bgmatting.dataset.generate.paint import photos

SIZE = (180, 240)


def scene(name, size=SIZE, margin=30):
    """A photograph, ``margin`` pixels larger than ``size`` on each side, uint8 (h, w, 3)."""
    image = photos.photo(name)
    height, width = size[0] + 2 * margin, size[1] + 2 * margin
    scale = max(height / image.shape[0], width / image.shape[1])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[:height, :width])


def noisy(rng, image, sigma=2.0):
    return np.clip(np.rint(image + rng.normal(0, sigma, image.shape)), 0, 255).astype(np.uint8)


def turned(size, shift, degrees, tilt=0.0):
    """The matrix (3, 3) of a camera that turned: ``shift`` pixels (x, y), a roll, and a perspective ``tilt``."""
    height, width = size
    roll = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix = np.vstack([roll, [0, 0, 1]])
    matrix[:2, 2] += shift
    lean = np.eye(3)
    lean[2, :2] = tilt / width
    return lean @ matrix


def pair(name, seed, matrix=None, gain=1.0, subject=0.25, size=SIZE, margin=30):
    """(src, bgr, pha): src with a striped hill as subject, ``subject`` times as wide either way; bgr -> src is ``matrix``;
    bgr is ``gain`` times as bright."""
    rng = np.random.default_rng(seed)
    whole = scene(name, size, margin)
    height, width = size
    place = np.array([[1.0, 0, -margin], [0, 1, -margin], [0, 0, 1]])
    here = whole[margin:margin + height, margin:margin + width]
    there = here if matrix is None else cv2.warpPerspective(whole, np.linalg.inv(matrix) @ place, (width, height),
                                                            flags=cv2.INTER_CUBIC)
    pha = np.zeros(size, np.uint8)
    if subject:
        axes = (int(width * subject), int(height * (0.45 + subject)))
        cv2.ellipse(pha, (width // 2, height), axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    fgr = np.zeros((height, width, 3), np.uint8)
    fgr[...] = 200, 60, 90
    fgr[:, ::8] = 30, 20, 60
    share = pha[..., None] / 255
    return noisy(rng, share * fgr + (1 - share) * here), noisy(rng, np.clip(gain * there, 0, 255)), pha
