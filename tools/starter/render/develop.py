"""From two renders to a picture: alpha, straight colour with every strand visible, exposure, sRGB; and its checks."""
import cv2
import numpy as np

LEAST = 0.02     # alpha below which colour cannot be told from its own noise
SURE = 0.12      # alpha from which a pixel's own colour is used alone
STRANDS = 2.5    # pixels; the denoiser smears hair over about this much


def _blur(image, sigma):
    """Gaussian blur of (H, W) or (H, W, C)."""
    return cv2.GaussianBlur(image, (0, 0), sigma)


def straight_colour(look, cover):
    """Linear colour (H, W, 3) without alpha, and alpha (H, W), from the two renders (H, W, 4)."""
    alpha = np.clip(cover[..., 3], 0, 1)
    light = np.clip(look[..., :3], 0, None)
    colour = light / np.maximum(alpha, LEAST)[..., None]
    around = _blur(light, 3) / np.maximum(_blur(alpha, 3), 1e-3)[..., None]
    share = np.clip(alpha / SURE, 0, 1)[..., None]
    colour = colour * share + around * (1 - share)
    colour = np.minimum(colour, around * 4 + 0.02)  # fireflies at thin edges
    return colour * strand_contrast(cover)[..., None], alpha


def strand_contrast(cover):
    """A factor near 1 (H, W) that gives strands and grain back what denoising took: glow beside the glow around it."""
    alpha = np.clip(cover[..., 3], 0, 1)
    glow = cover[..., 0] / np.maximum(alpha, LEAST)
    weight = alpha + 1e-4
    around = _blur(glow * weight, STRANDS) / _blur(weight, STRANDS)
    factor = np.clip(glow / np.maximum(around, 1e-3), 0.45, 1.7)
    return np.where(alpha > LEAST, 1 + (factor - 1) * np.clip(alpha / SURE, 0, 1), 1)


def expose(rng, colour, alpha):
    """Colour (H, W, 3) as sRGB 0..1: brightness by the brightest solid parts, highlights rolled off, small shifts."""
    solid = alpha > 0.9
    bright = colour[solid] if solid.any() else colour.reshape(-1, 3)
    peak = max(1e-4, float(np.percentile(bright.mean(1), 96)), 0.55 * float(np.percentile(bright.max(1), 99)))
    colour = colour * (rng.uniform(0.5, 0.9) / peak)
    colour = colour * (1 + rng.normal(0, 0.03, 3))
    gray = colour.mean(2, keepdims=True)
    colour = np.clip(gray + (colour - gray) * rng.uniform(0.85, 1.08), 0, None)
    knee = 0.55
    colour = np.where(colour < knee, colour, knee + (1 - knee) * (1 - np.exp(-(colour - knee) / (1 - knee))))
    coded = np.where(colour < 0.0031308, colour * 12.92, 1.055 * np.power(np.maximum(colour, 1e-8), 1 / 2.4) - 0.055)
    contrast = rng.uniform(0.0, 0.5)
    return np.clip(coded * (1 - contrast) + contrast * coded * coded * (3 - 2 * coded), 0, 1)


def picture(rng, look, cover):
    """The finished picture, uint8 RGBA (H, W, 4): straight sRGB colour, linear alpha."""
    colour, alpha = straight_colour(look, cover)
    rgba = np.dstack([expose(rng, colour, alpha), alpha])
    return (rgba * 255 + 0.5).astype(np.uint8)


def measure(rgba):
    """Checks of a picture: share covered, share soft, holes, and opaque specks apart from the subject."""
    alpha = rgba[..., 3]
    solid = (alpha > 127).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1] if count > 1 else np.zeros(1)
    specks = int(((areas > 3) & (areas < 0.002 * alpha.size)).sum()) if len(areas) > 1 else 0
    hollow, _, holes, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    large = int((holes[1:, cv2.CC_STAT_AREA] > 8).sum()) - 1 if hollow > 1 else 0
    return {"cover": round(float(solid.mean()), 4), "soft": round(float(((alpha > 5) & (alpha < 250)).mean()), 4),
            "parts": int((areas >= 0.002 * alpha.size).sum()), "specks": specks, "holes": max(0, large)}
