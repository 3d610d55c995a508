"""Pictures blended, made smaller, or scaled and cut to cover a size."""
import cv2
import numpy as np

LONGEST = 512      # pixels of the longer side
MUCH = 8           # times the pixels that are wanted: a picture of a very different shape is not enlarged beyond that


def blend(fgr, pha, bgr):
    """fgr * pha + bgr * (1 - pha), rounded: the matting equation.

    Args:
        fgr, bgr: uint8 (H, W, 3).
        pha: uint8 (H, W), 255 is opaque.

    Returns:
        uint8 (H, W, 3).
    """
    weight = cv2.merge((pha, pha, pha))
    total = np.multiply(fgr, weight, dtype=np.uint16)
    total += np.multiply(bgr, cv2.bitwise_not(weight), dtype=np.uint16)
    return cv2.convertScaleAbs(total, alpha=1 / 255)


def cover(image, size):
    """Resize uint8 ``image`` to just cover (height, width) ``size``, keep its shape, and cut out the centre."""
    height, width = size
    scale = max(height / image.shape[0], width / image.shape[1])
    whole = max(height, round(image.shape[0] * scale)), max(width, round(image.shape[1] * scale))
    if scale > 1 and whole[0] * whole[1] > MUCH * height * width:
        return _centre_of_enlarged(image, whole, size)
    image = resize(image, *whole)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top:top + height, left:left + width])


def _centre_of_enlarged(image, whole, size):
    """The centre, uint8 (*``size``, C), of an image enlarged to ``whole``, without making the rest, which may be huge."""
    for axis in (0, 1):
        length = image.shape[axis]
        place = (np.arange(size[axis]) + (whole[axis] - size[axis]) // 2 + 0.5) * length / whole[axis] - 0.5
        first = np.floor(place).astype(int)
        before, after = (image.take(np.clip(first + step, 0, length - 1), axis).astype(np.float32) for step in (0, 1))
        share = (place - first).astype(np.float32)
        image = before + (after - before) * (share[:, None, None] if axis == 0 else share[:, None])
    return np.rint(image).astype(np.uint8)


def resize(image, height, width):
    shrinks = height * width < image.shape[0] * image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def shrunk(image):
    """uint8 (H, W[, 3]) with a longer side of at most 512 pixels."""
    scale = LONGEST / max(image.shape[:2])
    if scale >= 1:
        return image
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def scaled(image, scale):
    """uint8 (h, w[, 3]) shrunk by a factor below 1, to at least one pixel a side."""
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if min(image.shape[:2]) * scale <= 0.5:  # OpenCV would make it 0
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
