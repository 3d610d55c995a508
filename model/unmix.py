"""The last step of a matte: alpha at soft edges from the photos themselves, by the equation that made them.

Where subject and scene mix, ``src = alpha * F + (1 - alpha) * B``. The scene's colour B is known, the subject's F is nearly
that of the sure foreground nearby, and alpha is then what explains ``src`` best: the projection used in matting since Smith
and Blinn, "Blue Screen Matting" (SIGGRAPH 1996), and Chuang et al., "A Bayesian Approach to Digital Matting" (CVPR 2001),
here with the network's alpha as its prior. It draws strands that the network only sees as a soft rim.
"""
import cv2
import numpy as np

BAND = (0.01, 0.99)  # alpha between these is open to question; the network is sure of the rest
SURE = 0.95          # foreground from here on lends its colour
PRIOR = 0.03         # squared colour distance (three channels in 0..1) at which photo and network weigh the same
LONGEST = 480        # pixels of the small copy in which colours are spread
SPREAD = 3.0         # sigma of that, in pixels of the small copy
ENOUGH = 0.02        # of such a neighbourhood that has to be sure foreground; below, the network's colour takes over


def unmix(src, bgr, pha, residual):
    """Improve ``pha`` in place where it lies between opaque and empty.

    Args:
        src, bgr: uint8 RGB (H, W, 3), the photo and the empty scene.
        pha: float32 (H, W) in 0..1, the network's alpha.
        residual: float32 (h, w, 3), its foreground colour less ``src``, of any size; needed where nothing sure is near.

    Returns:
        pha, the same array.
    """
    pixels = np.flatnonzero((pha > BAND[0]) & (pha < BAND[1]))
    if not len(pixels):
        return pha
    colour = _spread_colour(src, pha, residual)
    rows, columns = np.divmod(pixels, pha.shape[1])
    prior = pha.ravel()[pixels]
    scene = bgr.reshape(-1, 3)[pixels].astype(np.float32) / 255
    above = src.reshape(-1, 3)[pixels].astype(np.float32) / 255 - scene  # src over the scene
    reach = _sampled(colour, rows, columns, pha.shape) - scene           # the subject over the scene
    explained = np.einsum("nc,nc->n", above, reach) + PRIOR * prior
    pha.ravel()[pixels] = np.clip(explained / (np.einsum("nc,nc->n", reach, reach) + PRIOR), 0, 1)
    return pha


def _spread_colour(src, pha, residual):
    """(h, w, 3) float32: the mean colour of the sure foreground around each pixel of a small copy."""
    shrink = max(1.0, max(pha.shape) / LONGEST)
    size = tuple(max(1, round(side / shrink)) for side in pha.shape[::-1])
    small = cv2.resize(src, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    sure = (cv2.resize(pha, size, interpolation=cv2.INTER_AREA) > SURE).astype(np.float32)[..., None]
    near = cv2.GaussianBlur(np.concatenate([small * sure, sure], 2), (0, 0), SPREAD)
    share = near[..., 3:]
    trust = np.minimum(share / ENOUGH, 1)
    guess = np.clip(small + cv2.resize(residual, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    return near[..., :3] / (share + 1e-6) * trust + guess * (1 - trust)


def _sampled(image, rows, columns, size):
    """(N, 3): ``image`` (h, w, 3), enlarged bilinearly to ``size`` (height, width), at the pixels named alone."""
    y, x = (((place + 0.5) * (small / side) - 0.5).astype(np.float32)
            for place, small, side in zip((rows, columns), image.shape, size))
    step = 32_000  # cv2.remap takes sides below 32768
    return np.concatenate([cv2.remap(image, x[None, start:start + step], y[None, start:start + step], cv2.INTER_LINEAR,
                                     borderMode=cv2.BORDER_REPLICATE)[0] for start in range(0, len(y), step)])
