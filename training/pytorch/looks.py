"""How a subject looks: its colours and light, and whether parts of it look like the scene behind."""
import cv2
import numpy as np

HIDING = 0.5     # share of subjects that have parts in the colours of the scene
ALL_OVER = 0.12  # share of those that are near its colours everywhere


def smooth(rng, height, width, cells):
    """Smooth noise, float32 (height, width), mean 0, deviation about 0.7; ``cells``: bumps along the longer side."""
    rows, columns = (max(2, round(cells * side / max(height, width))) + 1 for side in (height, width))
    grid = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def recoloured(rng, fgr):
    """Another tint, saturation, exposure and direction of light; fgr float32 (H, W, 3) in 0..1."""
    if rng.random() < 0.25:
        fgr = fgr @ (np.eye(3) + rng.normal(0, 0.12, (3, 3))).astype(np.float32)
    grey = fgr.mean(2, keepdims=True)
    fgr = grey + np.float32(np.exp(rng.normal(-0.05, 0.3))) * (fgr - grey)
    gain = np.exp(rng.normal(0, 0.22)) * np.exp(rng.normal(0, 0.06, 3))
    fgr = np.clip(fgr * gain.astype(np.float32), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.5:
        height, width = fgr.shape[:2]
        light = 1 + np.float32(rng.uniform(0.1, 0.5)) * smooth(rng, height, width, rng.uniform(0.5, 3))
        fgr = np.clip(fgr * np.clip(light, 0.3, 1.7)[..., None], 0, 1)
    return fgr


def lit_alike(rng, fgr, pha, scene):
    """Draw the mean colour of the subject some way to that of the scene, as one light does."""
    own = (fgr * pha[..., None]).sum((0, 1)) / (pha.sum() + 1) + 0.03
    other = scene.mean((0, 1)) + 0.03
    return np.clip(fgr * (np.clip(other / own, 0.3, 3) ** rng.uniform(0.1, 0.6)).astype(np.float32), 0, 1)


def hidden(rng, fgr, pha, scene):
    """Give a part of the subject the scene's colour while the rest tells that somebody is there.

    Returns:
        (fgr, scene), either of them changed.
    """
    pick = rng.random()
    if pick < ALL_OVER:  # as white fur before sand: only texture and shade are left
        part = np.full_like(pha, rng.uniform(0.5, 0.85))
    else:
        part = same_stuff(rng, fgr, pha) if pick < 0.65 else patches(rng, *pha.shape)
        part = part * np.float32(rng.uniform(0.7, 1))
    part = part[..., None]
    if rng.random() < 0.3:
        return fgr, tinted(rng, fgr, pha, scene, part)
    height, width = pha.shape
    sigma = min(height, width) * np.exp(rng.uniform(np.log(0.004), np.log(0.06)))
    behind = cv2.GaussianBlur(scene, (0, 0), sigma)
    detail = fgr - cv2.GaussianBlur(fgr, (0, 0), max(2.0, sigma / 2))
    offset = rng.normal(0, rng.choice((0.008, 0.02, 0.05)), 3).astype(np.float32)
    alike = behind + np.float32(rng.uniform(0.05, 0.6)) * detail + offset
    return np.clip(fgr + part * (alike - fgr), 0, 1), scene


def same_stuff(rng, fgr, pha):
    """Where the subject has about the colour of one of its points, as a shirt, hair or the spots of a coat: (H, W) 0..1."""
    rows, columns = np.nonzero(pha > 0.9)
    if not len(rows):
        return np.zeros_like(pha)
    pick = rng.integers(len(rows))
    soft = cv2.GaussianBlur(fgr, (0, 0), rng.uniform(0.6, 2.5))
    apart = np.abs(soft - soft[rows[pick], columns[pick]]).max(2)
    return 1 / (1 + np.exp((apart - np.float32(rng.uniform(0.06, 0.2))) * np.float32(rng.uniform(30, 90))))


def patches(rng, height, width):
    """Spots and clouds of any size, (H, W) 0..1."""
    field = smooth(rng, height, width, np.exp(rng.uniform(np.log(1.5), np.log(30))))
    return np.clip((field - np.float32(rng.uniform(-0.3, 0.8))) * np.float32(rng.uniform(1.5, 10)), 0, 1)


def tinted(rng, fgr, pha, scene, part):
    """The scene in the light that makes it look like that part of the subject, as a dark shirt before a dark lake."""
    share = part * pha[..., None]
    if share.sum() < 20:
        return scene
    wanted, there = ((share * image).sum((0, 1)) / share.sum() for image in (fgr, scene))
    gain = np.clip((wanted + 0.01) / (there + 0.01), 0.15, 5).astype(np.float32)
    if rng.random() < 0.5:
        return np.clip(scene * gain, 0, 1)
    return np.clip(scene + (wanted - there).astype(np.float32), 0, 1)
