"""From foreground, alpha and background to the two photos a camera would have taken: src, and a bgr that differs a little."""
import cv2
import numpy as np

from dataset.augment import colour_jitter, draw_affine


def compose_pair(rng, fgr, pha, bgr, augment):
    """Compose ``src`` and disturb ``bgr`` as two real exposures of one scene are.

    Args:
        fgr, bgr: uint8 (H, W, 3); pha: uint8 (H, W).
        augment: the ``augment`` section of a stage's configuration: the probability of each disturbance.

    Returns:
        (src, bgr), uint8 (H, W, 3).
    """
    scene = bgr
    if rng.random() < augment["shadow"]:
        scene = cast_shadow(rng, scene, pha)
    src = blend(fgr, pha, scene)
    if rng.random() < augment["noise"]:
        src = add_noise(rng, src, augment["noise_sigma"])
        bgr = add_noise(rng, bgr, augment["noise_sigma"])
    if rng.random() < augment["bgr_jitter"]:
        bgr = colour_jitter(rng, bgr, 0.18, 0.18, 0.18, 0.1)
    if rng.random() < augment["exposure"]:
        bgr = change_exposure(rng, bgr)
    if rng.random() < augment["bgr_affine"]:
        bgr = move(bgr, draw_affine(rng, (1.0, 1.0), degrees=1.0, translate=0.01, shear=0.0))
    if rng.random() < augment["subpixel"]:
        across, down = rng.uniform(-0.7, 0.7, 2)
        bgr = _warp(bgr, np.array([[1.0, 0.0, across], [0.0, 1.0, down]]), cv2.BORDER_REPLICATE)
    if rng.random() < augment["jpeg"]:
        quality = int(rng.integers(40, 96))
        src, bgr = through_jpeg(src, quality), through_jpeg(bgr, quality)
    return src, bgr


def blend(fgr, pha, bgr):
    """fgr * pha + bgr * (1 - pha), rounded, uint8."""
    alpha = pha.astype(np.float32)[..., None] / 255
    return np.rint(fgr * alpha + bgr * (1 - alpha)).astype(np.uint8)


def cast_shadow(rng, scene, pha):
    """Darken ``scene`` by a moved, blurred copy of the subject's shape, at most 0.3 deep."""
    height, width = pha.shape
    depth = pha.astype(np.float32) * (0.3 * rng.random())
    affine = draw_affine(rng, (0.5, 1.5), degrees=5.0, translate=0.2, shear=5.0)
    depth = move(depth, affine, cv2.BORDER_CONSTANT)
    side = min(int(rng.integers(20, 40)), min(height, width) // 4 + 1)
    depth = cv2.blur(depth, (side, side))
    return np.clip(np.rint(scene - depth[..., None]), 0, 255).astype(np.uint8)


def add_noise(rng, image, sigma):
    """Add Gaussian noise of a strength drawn from 0..sigma (of full scale)."""
    strength = sigma * 255 * rng.random()
    noise = rng.standard_normal(image.shape, dtype=np.float32) * strength
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def change_exposure(rng, image):
    """Apply a gamma in 0.85..1.15 and a gain in 0.9..1.1, as another shutter time and tone curve would."""
    gamma, gain = rng.uniform(0.85, 1.15), rng.uniform(0.9, 1.1)
    curve = 255 * gain * (np.arange(256) / 255) ** gamma
    return cv2.LUT(image, np.clip(np.rint(curve), 0, 255).astype(np.uint8))


def through_jpeg(image, quality):
    """What is left of ``image`` after JPEG at ``quality``."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def move(image, affine, border=cv2.BORDER_REFLECT_101):
    """Turn, shift, scale and shear an image about its middle; the shift is a fraction of its sides."""
    height, width = image.shape[:2]
    angle, shear = np.deg2rad(affine.angle), np.deg2rad(affine.shear)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, np.tan(shear)], [0.0, 1.0]]) * affine.scale
    middle = np.array([width - 1, height - 1]) / 2
    shift = middle + [affine.shift_x * width, affine.shift_y * height] - linear @ middle
    return _warp(image, np.hstack([linear, shift[:, None]]), border)


def _warp(image, matrix, border):
    return cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=border)
