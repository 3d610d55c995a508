"""Images blended, made smaller, scaled and cut to cover a size, or resampled by an affine map."""
from __future__ import annotations

import cv2
import numpy as np

LONGEST = 512      # pixels of the longer side
MUCH = 8           # times the pixels that are wanted: an image of a very different shape is not enlarged beyond that


def blend(fgr: np.ndarray, pha: np.ndarray, bgr: np.ndarray) -> np.ndarray:
    """fgr * pha + bgr * (1 - pha), rounded: the matting equation of uint8 (H, W, 3), and pha (H, W), 255 is opaque."""
    made = np.array(bgr, order="C")
    cv2.copyTo(fgr, (pha == 255).view(np.uint8), made)
    soft = np.flatnonzero(cv2.inRange(pha, 1, 254) != 0)  # of booleans it is nine times as fast
    weight = pha.reshape(-1).take(soft)[:, None].astype(np.uint16)
    ours, theirs = (photo.reshape(-1, 3).take(soft, 0) for photo in (fgr, made))
    made.reshape(-1, 3)[soft] = (ours * weight + theirs * (255 - weight) + 127) // 255
    return made


def cover(image: np.ndarray, size: tuple[int, int], aspect: float = 1) -> np.ndarray:
    """Resize uint8 or uint16 ``image`` to just cover (height, width) ``size``, keep its shape, and cut out the centre.
    aspect: so many times as wide as those of ``image`` are the pixels that it is shown with."""
    height, width = size
    scale = max(height / image.shape[0], width * aspect / image.shape[1])
    whole = max(height, round(image.shape[0] * scale)), max(width, round(image.shape[1] * scale / aspect))
    if whole[0] * whole[1] > max(image.shape[0] * image.shape[1], MUCH * height * width):
        return _centre_of_enlarged(image, whole, size)
    image = resize(image, *whole)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top:top + height, left:left + width])


def _centre_of_enlarged(image, whole, size):
    """The centre (*``size``, C) of an image enlarged to ``whole``, without making the rest, which may be huge."""
    kind = image.dtype
    for axis in (0, 1):
        length = image.shape[axis]
        place = (np.arange(size[axis]) + (whole[axis] - size[axis]) // 2 + 0.5) * length / whole[axis] - 0.5
        first = np.floor(place).astype(int)
        before, after = (image.take(np.clip(first + step, 0, length - 1), axis).astype(np.float32) for step in (0, 1))
        share = (place - first).astype(np.float32)
        image = before + (after - before) * (share[:, None, None] if axis == 0 else share[:, None])
    return np.rint(image).astype(kind)


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    shrinks = height * width < image.shape[0] * image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def shrunk(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W[, 3]) with a longer side of at most 512 pixels."""
    return image if max(image.shape[:2]) <= LONGEST else fitted(image, LONGEST)


def fitted(image: np.ndarray, side: int) -> np.ndarray:
    """uint8 ``image`` at a longer side of ``side`` pixels, its shape kept."""
    scale = side / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def warp(image: np.ndarray, matrix: np.ndarray, frame: tuple, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """Resample ``image`` (H, W[, C]) by a 2x3 ``matrix`` into (height, width) ``frame``; shrinking averages, so thin alpha
    survives.

    What will not be seen is left out first. Then means of 2 x 2 pixels halve the image while it is still twice as
    large as needed, or blur it where it is a little less than that; interpolation does the rest.
    """
    image, matrix = _visible_part(image, matrix, frame)
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    while scale <= 0.5 and min(image.shape[:2]) > 1:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = cv2.resize(image[:2 * height, :2 * width], (width, height), interpolation=cv2.INTER_AREA)
        matrix = np.hstack([matrix[:, :2] * 2, matrix[:, 2:] + matrix[:, :2] @ [[0.5], [0.5]]])
        scale *= 2
    if scale < 0.75:
        image = cv2.blur(image, (2, 2), anchor=(0, 0))  # with the pixels to the right and below: half a pixel further
        matrix = np.hstack([matrix[:, :2], matrix[:, 2:] + matrix[:, :2] @ [[0.5], [0.5]]])
    return cv2.warpAffine(image, matrix, (frame[1], frame[0]), flags=cv2.INTER_LINEAR, borderMode=border)


def _visible_part(image, matrix, frame, margin=16):
    """The rectangle of the image that ``matrix`` brings into the frame, and the matrix for it."""
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    corners = back[:2] @ [[0, frame[1], 0, frame[1]], [0, 0, frame[0], frame[0]], [1, 1, 1, 1]]
    size = np.array(image.shape[1::-1])
    left, top = np.clip(np.floor(corners.min(1)).astype(int) - margin, 0, size - 1)
    right, bottom = np.clip(np.ceil(corners.max(1)).astype(int) + margin, 1, size)
    matrix = np.hstack([matrix[:, :2], matrix[:, 2:] + matrix[:, :2] @ [[left], [top]]])
    return image[top:max(bottom, top + 1), left:max(right, left + 1)], matrix


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
    """uint8 (h, w[, 3]) shrunk by a factor below 1, to at least one pixel a side."""
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if min(image.shape[:2]) * scale <= 0.5:  # OpenCV would make it 0
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
