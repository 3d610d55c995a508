"""The last step of a matte: alpha at soft edges from the photos themselves, by the equation that made them.

Where subject and scene mix, ``src = alpha * F + (1 - alpha) * B``. The scene's colour B is known; for the subject's F there
are a few candidates: the colour of the sure foreground close by and farther around, and the one that the network answers.
Each gives the alpha that explains ``src`` best, with the network's alpha as a prior, the stronger the less error the network
expects there, and they are averaged by how well they
do. The projection is that of Smith and Blinn, "Blue Screen Matting" (SIGGRAPH 1996), the prior is in the spirit of Chuang et
al., "A Bayesian Approach to Digital Matting" (CVPR 2001), and several candidates weighed by their fit come from Wang and
Cohen, "Optimized Color Sampling for Robust Matting" (CVPR 2007). It draws strands that the network sees as a soft rim.
"""
import cv2
import numpy as np

BAND = (0.01, 0.99)   # alpha between these is open to question, and so is what lies next to it
SURE = 0.95           # foreground from here on lends its colour
PRIOR = 0.015         # squared colour distance (three channels in 0..1) at which photo and network weigh the same, times ...
DOUBT = 0.005         # the error that the network expects of its alpha, plus this
NOISE = 0.001         # squared colour distance that any candidate may leave unexplained
LONGEST = 480         # pixels of the longer side of the small copy that colours are taken from
MARGIN = 1.2          # its pixels from the band that are open to question as well
SPREADS = ((2, 1.5), (5, 2.0))  # colours are spread in copies so many times smaller still, with these sigmas
STEP = 32_000         # pixels; cv2.remap takes sides below 32768
AT_ONCE = 1 << 16     # pixels worked on at once; more are no faster
ENOUGH = 0.02         # share of a neighbourhood that has to be sure foreground; below, the network's colour takes over


def unmix(src: np.ndarray, bgr: np.ndarray, pha: np.ndarray, residual: np.ndarray, err: np.ndarray) -> np.ndarray:
    """Improve ``pha`` in place around where it lies between opaque and empty.

    Args:
        src, bgr: uint8 RGB (H, W, 3), the photo and the empty scene.
        pha: float32 (H, W) in 0..1, the network's alpha, contiguous.
        residual: float32 (h, w, 3), its foreground colour less ``src``, of any size.
        err: float32 (h, w) in 0..1, the error that it expects of its alpha, of any size.

    Returns pha, the same array.
    """
    shrink = max(1.0, max(pha.shape) / LONGEST)
    pixels = _open_pixels(pha, round(MARGIN * shrink))
    if not len(pixels):
        return pha
    candidates, flat = list(_candidates(src, pha, residual, shrink)), pha.reshape(-1)
    for start in range(0, len(pixels), AT_ONCE):
        part = pixels[start:start + AT_ONCE]
        flat[part] = _alpha(src, bgr, flat[part], part, pha.shape, candidates, err)
    return pha


def _alpha(src, bgr, prior, pixels, size, candidates, err):
    """Alpha (N,) of the pixels (flat indices), whose alpha so far is ``prior``."""
    rows, columns = (place.astype(np.float32) for place in np.divmod(pixels, size[1]))
    scene = _colours(bgr, pixels)
    above = _colours(src, pixels) - scene  # what src shows over the scene
    trust = np.float32(PRIOR) / (_sampled(err[..., None], rows, columns, size)[0] + np.float32(DOUBT))
    total = weights = np.float32(0)
    for colour in candidates:
        reach = _sampled(colour, rows, columns, size) - scene  # what the subject would show
        alpha = (_dot(above, reach) + trust * prior) / (_dot(reach, reach) + trust)
        alpha = np.clip(alpha, 0, 1, out=alpha)
        reach *= alpha
        rest = np.subtract(above, reach, out=reach)
        weight = 1 / (_dot(rest, rest) + np.float32(NOISE))
        total, weights = total + alpha * weight, weights + weight
    return total / weights


def _dot(one, other):
    """(3, N) and (3, N) -> (N,): a channel is a row, for numpy is fast along rows."""
    return np.einsum("cn,cn->n", one, other)


def _open_pixels(pha, margin):
    """Flat indices of the band and of what lies up to ``margin`` pixels from it."""
    band = cv2.inRange(pha, *BAND)
    if margin:
        band = cv2.dilate(band, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    return np.flatnonzero(band != 0)  # of booleans it is nine times as fast


def _colours(photo, pixels):
    """(3, N) float32 in 0..1."""
    return np.multiply(photo.reshape(-1, 3)[pixels].T, np.float32(1 / 255), dtype=np.float32, order="C")


def _candidates(src, pha, residual, shrink):
    """Small images (h, w, 3) float32 of what the subject's colour may be: the network's, then the sure foreground's."""
    size = tuple(max(1, round(side / shrink)) for side in pha.shape[::-1])
    small = cv2.resize(src, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    guess = np.clip(small + cv2.resize(residual, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    yield guess
    sure = (cv2.resize(pha, size, interpolation=cv2.INTER_AREA) > SURE).astype(np.float32)
    colour = cv2.merge((cv2.multiply(small, cv2.merge((sure, sure, sure))), sure))
    for smaller, sigma in SPREADS:
        size = tuple(max(1, round(side / shrink / smaller)) for side in pha.shape[::-1])
        near = cv2.GaussianBlur(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), (0, 0), sigma)
        share = near[..., 3:]
        trust = np.minimum(share / ENOUGH, 1)
        doubt = cv2.resize(guess, size, interpolation=cv2.INTER_AREA) * (1 - trust)
        yield near[..., :3] / (share + 1e-6) * trust + doubt


def _sampled(image, rows, columns, size):
    """(C, N): ``image`` (h, w, C), enlarged bilinearly to ``size`` (height, width), at the pixels named alone."""
    y, x = ((place + np.float32(0.5)) * np.float32(small / side) - np.float32(0.5)
            for place, small, side in zip((rows, columns), image.shape, size))
    found = np.empty((image.shape[2], len(y)), np.float32)
    planes = cv2.split(image)
    for start in range(0, len(y), STEP):
        place = slice(start, min(start + STEP, len(y)))
        for plane, values in zip(planes, found):
            values[place] = cv2.remap(plane, x[None, place], y[None, place], cv2.INTER_LINEAR,
                                      borderMode=cv2.BORDER_REPLICATE)[0]
    return found
