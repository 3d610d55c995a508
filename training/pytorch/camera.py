"""From a subject and a scene to the two photographs: src with the subject, and a bgr taken at another moment."""
import cv2
import numpy as np


def photographs(rng, fgr, pha, scene):
    """src and bgr as a camera would give them.

    Args:
        fgr, scene: float32 (H, W, 3), pha: float32 (H, W), in 0..1.

    Returns:
        (src, bgr) uint8 (H, W, 3).
    """
    lit = shaded(rng, scene, pha) if rng.random() < 0.4 else scene
    alpha = pha[..., None]
    src, bgr = fgr * alpha + lit * (1 - alpha), scene
    if rng.random() < 0.6:
        bgr = exposed(rng, bgr)
    if rng.random() < 0.55:
        bgr = shifted(rng, bgr)
    if rng.random() < 0.6:
        sigma = rng.uniform(0, 0.03)
        src, bgr = noisy(rng, src, sigma), noisy(rng, bgr, sigma)
    src, bgr = (np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in (src, bgr))
    if rng.random() < 0.45:
        quality = int(rng.integers(50, 97))
        src, bgr = compressed(src, quality), compressed(bgr, quality)
    return src, bgr


def shaded(rng, scene, pha):
    """The scene in the subject's shadow: its shape moved, squeezed and blurred, up to 0.4 deep."""
    height, width = pha.shape
    turn = np.array([[rng.uniform(0.7, 1.3), rng.uniform(-0.3, 0.3)], [0, rng.uniform(0.4, 1.2)]])
    centre = np.array([width / 2, height * 0.8])
    shift = centre - turn @ centre + rng.uniform(-0.12, 0.12, 2) * (width, height)
    shape = cv2.warpAffine(pha, np.hstack([turn, shift[:, None]]), (width, height))
    shape = cv2.GaussianBlur(shape, (0, 0), min(height, width) * np.exp(rng.uniform(np.log(0.008), np.log(0.06))))
    return scene * (1 - np.float32(rng.uniform(0.03, 0.4)) * shape)[..., None]


def exposed(rng, image):
    """Another shutter time, tone curve and white balance."""
    gain = rng.uniform(0.88, 1.12) * rng.uniform(0.97, 1.03, 3)
    return np.clip(image * gain.astype(np.float32), 0, 1) ** np.float32(rng.uniform(0.85, 1.15))


def shifted(rng, image):
    """A camera that moved: mostly under a pixel, at times a turn of up to 0.6 degrees and a percent."""
    height, width = image.shape[:2]
    turn, scale, move = 0.0, 1.0, rng.uniform(-0.8, 0.8, 2)
    if rng.random() < 0.25:
        turn, scale = rng.uniform(-0.6, 0.6), 1 + rng.uniform(-0.006, 0.006)
        move = rng.uniform(-0.006, 0.006, 2) * max(height, width)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
    matrix[:, 2] += move
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def noisy(rng, image, sigma):
    """Noise of a sensor, at times in blots of two pixels as after a camera's own denoising."""
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.3:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * np.float32(2.2)
    return image + np.float32(sigma) * noise


def compressed(image, quality):
    """What JPEG leaves."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
