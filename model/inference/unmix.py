"""The last step of a matte: alpha at soft edges from the photos themselves, by the equation that made them.

First alpha follows the photo: within a small neighbourhood it is taken for a linear function of src's colour, the one that
fits the network's alpha best, most of all where the network expects little error. So edges and strands that the network
blurs come to lie where the photo has them. Where no such function fits, as before a motley scene, the network's alpha stays.
This is the guided filter of He, Sun and Tang (ECCV 2010), its coefficients found in a small copy (He and Sun, "Fast Guided
Filter", 2015); that alpha is locally linear comes from Levin, Lischinski and Weiss, "A Closed Form Solution to Natural Image
Matting" (CVPR 2006).

Then the scene counts. Where subject and scene mix, ``src = alpha * F + (1 - alpha) * B``. The scene's colour B is known; for
the subject's F there are a few candidates: the colour of the sure foreground close by and farther around, and the one that
the network answers. Each gives the alpha that explains ``src`` best, with what alpha is so far as a prior, the stronger the
less error the network expects there, and they are averaged by how well they do. The projection is that of Smith and Blinn,
"Blue Screen Matting" (SIGGRAPH 1996), the prior is in the spirit of Chuang et al., "A Bayesian Approach to Digital Matting"
(CVPR 2001), and several candidates weighed by their fit come from Wang and Cohen, "Optimized Color Sampling for Robust
Matting" (CVPR 2007). It draws strands that the network sees as a soft rim.

Last, what was found so far is weighed by a small network of three layers, for each pixel on its own: the alphas above, means
of the last one around the pixel, how far ``src`` is from the scene there, as it is and after what the light has changed
since, and how restless that change is where only the scene is seen. It knows from samples how far each is to be trusted
(``tools/starter/last_step.py``).
"""
from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from bgmatting.model.weights.files import read_weights
from bgmatting.model.weights.places import LAST_STEP

BAND = (0.01, 0.99)   # alpha between these is open to question, and so is what lies next to it
LONGEST = 480         # pixels of the longer side of the small copy that colours are taken from
LINEAR = 2            # so many times smaller still is the copy in which alpha is taken for a linear function of colour, ...
REACH = 5             # in neighbourhoods of so many of its pixels to each side
SMOOTH = 5e-6         # variance of colour below which alpha follows no colour; it also keeps the equations solvable
BLURRED = 0.06        # error that the network's alpha may have anywhere, where a function is fitted to it
UNLIKE = 0.25         # part of the function's distance from the network that is as much to its discredit as expected error
TINY = 1e-6           # against division by zero
SURE = 0.95           # foreground from here on lends its colour
MARGIN = 0.7          # pixels of the small copy from the band that are open to question as well
SPREADS = ((2, 2.0), (5, 3.0))  # colours are spread in copies so many times smaller still, with these sigmas
ENOUGH = 0.02         # share of a neighbourhood that has to be sure foreground; below, the network's colour takes over
PRIOR = 0.03          # squared colour distance (three channels in 0..1) at which photo and network weigh the same, times ...
DOUBT = 0.005         # the error that the network expects of its alpha, plus this
NOISE = 0.0003        # squared colour distance that any candidate may leave unexplained
EMPTY = 0.02          # scene up to here shows what has changed since bgr
LITTLE = 0.003        # share of a neighbourhood that, sure scene, says as much of that as the whole photo does
NEARBY = 3            # pixels of the small copy over which it is averaged how far src is from bgr
AROUND = (3, 7, 15)   # sides in pixels of the neighbourhoods whose mean alpha counts
SLIGHT = 5e-4         # squared colour distance that is as good as none: a photo where both are overexposed has no other
EVIDENCE = ("mixed", "network", "linear", "by its colour", "by colours near", "by colours around", "above", "above as lit",
            "unrest", *(f"mean of {side}" for side in AROUND))  # rows of ``evidence``
STEP = 32_000         # pixels; cv2.remap takes sides below 32768
AT_ONCE = 1 << 16     # pixels worked on at once; more are no faster
NET_AT_ONCE = 1 << 13  # and by the small network, whose layers then stay in the processor's cache


def unmix(src: np.ndarray, bgr: np.ndarray, pha: np.ndarray, residual: np.ndarray, err: np.ndarray) -> np.ndarray:
    """Improve ``pha`` in place around where it lies between opaque and empty.

    Args:
        src, bgr: uint8 RGB (H, W, 3), the photo and the empty scene.
        pha: float32 (H, W) in 0..1, the network's alpha, contiguous.
        residual: float32 (h, w, 3), its foreground colour less ``src``, of any size.
        err: float32 (h, w) in 0..1, the error that it expects of its alpha, of any size.

    Returns pha, the same array.
    """
    pixels = open_pixels(pha)
    if len(pixels):
        rows, flat = evidence(src, bgr, pha, residual, err, pixels), pha.reshape(-1)
        for start in range(0, len(pixels), NET_AT_ONCE):
            part = slice(start, start + NET_AT_ONCE)
            flat[pixels[part]] = _learned(rows[:, part])
    return pha


def evidence(src: np.ndarray, bgr: np.ndarray, pha: np.ndarray, residual: np.ndarray, err: np.ndarray,
             pixels: np.ndarray) -> np.ndarray:
    """What speaks for which alpha at ``pixels``, flat indices.

    Args as ``unmix``, at the pixels ``pha`` becomes the mean of the candidates' alphas.

    Returns float32 (len(EVIDENCE), N): alphas, and decimal logarithms of squared colour distances.
    """
    shrink = _shrink(pha)
    size, (near, around) = _small_size(pha, shrink), [(_small_size(pha, shrink, less), sigma) for less, sigma in SPREADS]
    small, scene = (_shrunk(photo, size).astype(np.float32) / 255 for photo in (src, bgr))
    alpha = _shrunk(pha, size)
    found = (_linear(small, alpha, err, _small_size(pha, shrink, LINEAR)),
             [cv2.split(colour) for colour in _candidates(small, alpha, residual, (near, around))], [err],
             _drift(cv2.subtract(small, scene), alpha, *around))
    flat, rows = pha.reshape(-1), np.empty((len(EVIDENCE), len(pixels)), np.float32)
    for start in range(0, len(pixels), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        _equations(src, bgr, flat[pixels[part]], pixels[part], pha.shape, *found, rows[:-len(AROUND), part])
    flat[pixels] = rows[0]
    rows[-len(AROUND):] = _means(pha, pixels)
    return rows


@lru_cache(maxsize=1)
def _layers():
    arrays = read_weights(LAST_STEP)[0]
    return [(arrays[f"{layer}.weight"], arrays[f"{layer}.bias"][:, None]) for layer in range(3)]


def _learned(rows):
    """Alpha (N,) by the small network, which is given the ``evidence`` and tells how far off its first row is."""
    values = rows
    for weight, bias in _layers():
        values = weight @ (values if values is rows else np.maximum(values, 0, out=values))
        values += bias
    return np.clip(rows[0] + values[0], 0, 1)


def _linear(small, alpha, err, size):
    """Six small images (h, w) float32 of what turns a colour of src into alpha there: three factors and what is added; how
    far that is from the network's alpha, and the share of its variance that it explains."""
    colours, alpha = cv2.split(_shrunk(small, size)), _shrunk(alpha, size)
    weight = 1 / (cv2.resize(err, size, interpolation=cv2.INTER_LINEAR) + np.float32(BLURRED))
    total, values = _mean(weight), [*colours, alpha]
    means = [_mean(weight * value) / total for value in values]
    (rr, rg, rb, ra), (gg, gb, ga), (bb, ba), (aa,) = (
        [_mean(weight * values[i] * values[j]) / total - means[i] * means[j] for j in range(i, 4)] for i in range(4))
    # elimination, not the inverse: of grey photos the matrix is so nearly singular that float32 fails it
    smooth = np.float32(SMOOTH)
    rr = np.maximum(rr, 0) + smooth
    to_g, to_b = rg / rr, rb / rr
    gg, gb, right_g = np.maximum(gg + smooth - to_g * rg, smooth), gb - to_g * rb, ga - to_g * ra
    bb = np.maximum(bb + smooth - to_b * rb - gb * gb / gg, smooth)
    blue = (ba - to_b * ra - gb * right_g / gg) / bb
    green = (right_g - gb * blue) / gg
    red = (ra - rg * green - rb * blue) / rr
    added = means[3] - red * means[0] - green * means[1] - blue * means[2]
    explained = np.clip(red * ra + green * ga + blue * ba, 0, np.maximum(aa, 0))
    off, share = np.sqrt(np.maximum(aa - explained, 0)), explained / np.maximum(aa, np.float32(TINY))
    outer = _mean(total)
    return [_mean(total * part) / outer for part in (red, green, blue, added, off, share)]


def _shrunk(image, size):
    """The image by averages at (width, height); by way of half its size, for which OpenCV has a fast way."""
    half = image.shape[1] // 2, image.shape[0] // 2
    if min(half[0] - size[0], half[1] - size[1]) >= 0 and not any(side % 2 for side in image.shape[:2]):
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _mean(image):
    """Of the neighbourhood of each pixel."""
    return cv2.boxFilter(image, -1, (2 * REACH + 1, 2 * REACH + 1), borderType=cv2.BORDER_REFLECT)


def _equations(src, bgr, network, pixels, size, linear, candidates, err, drift, rows):
    """Fill in the rows (9, N) of the pixels (flat indices), whose alpha by the network is ``network``."""
    place = *(place.astype(np.float32) for place in np.divmod(pixels, size[1])), size
    shown, scene, doubt = _colours(src, pixels), _colours(bgr, pixels), _sampled(err, *place)[0]
    rows[1], (rows[2], prior) = network, _followed(shown, network, doubt, _sampled(linear, *place))
    above = shown - scene  # what src shows over the scene
    trust = np.float32(PRIOR) / (doubt + np.float32(DOUBT))
    total = weights = np.float32(0)
    for row, colour in zip(rows[3:6], candidates):
        reach = _sampled(colour, *place) - scene  # what the subject would show
        alpha = (_dot(above, reach) + trust * prior) / (_dot(reach, reach) + trust)
        alpha = np.clip(alpha, 0, 1, out=row)
        reach *= alpha
        rest = np.subtract(above, reach, out=reach)
        weight = 1 / (_dot(rest, rest) + np.float32(NOISE))
        total, weights = total + alpha * weight, weights + weight
    rows[0] = total / weights
    rows[6:] = _sampled(drift, *place)


def _followed(shown, network, doubt, linear):
    """Two alphas (N,): that of the colours ``shown`` (3, N) by ``linear`` (6, N), between -0.5 and 1.5, and one that follows
    it, the more the more error the network expects."""
    *factors, added, off, explained = linear
    answer = np.clip(sum(factor * colour for factor, colour in zip(factors, shown)) + added, -0.5, 1.5)
    share = explained * doubt / (doubt + np.float32(UNLIKE) * off + np.float32(TINY))
    return answer, network + share * (np.clip(answer, 0, 1) - network)


def _means(pha, pixels):
    """(len(AROUND), N): means of the neighbourhoods of pixels, flat indices in ascending order."""
    (rows, columns), reach = np.divmod(pixels, pha.shape[1]), max(AROUND) // 2
    top, left = max(0, rows[0] - reach), max(0, columns.min() - reach)
    part = pha[top:rows[-1] + reach + 1, left:columns.max() + reach + 1]  # a subject's box, seldom the whole photo
    places = (rows - top) * part.shape[1] + columns - left
    return [cv2.blur(part, (side, side)).take(places) for side in AROUND]


def _dot(one, other):
    """(3, N) and (3, N) -> (N,): a channel is a row, for numpy is fast along rows."""
    return np.einsum("cn,cn->n", one, other)


def open_pixels(pha: np.ndarray) -> np.ndarray:
    """Flat indices of the pixels of float32 (H, W) that are open to question: the band and what lies beside it."""
    band, margin = cv2.inRange(pha, *BAND), round(MARGIN * _shrink(pha))
    if margin:
        band = cv2.dilate(band, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    return np.flatnonzero(band != 0)  # of booleans it is nine times as fast


def _shrink(pha):
    return max(1.0, max(pha.shape) / LONGEST)


def _small_size(pha, shrink, smaller=1):
    """(width, height) of the small copy, or of one that is so many times smaller still."""
    return tuple(max(1, round(side / shrink / smaller)) for side in pha.shape[::-1])


def _colours(photo, pixels):
    """(3, N) float32 in 0..1."""
    return np.multiply(photo.reshape(-1, 3).take(pixels, 0).T, np.float32(1 / 255), dtype=np.float32, order="C")


def _candidates(small, alpha, residual, sizes):
    """Small images (h, w, 3) float32 of what the subject's colour may be: the network's, then the sure foreground's."""
    guess = np.clip(small + cv2.resize(residual, small.shape[1::-1], interpolation=cv2.INTER_LINEAR), 0, 1)
    yield guess
    sure = (alpha > SURE).astype(np.float32)
    colour = cv2.merge((cv2.multiply(small, cv2.merge((sure, sure, sure))), sure))
    for size, sigma in sizes:
        near = cv2.GaussianBlur(_shrunk(colour, size), (0, 0), sigma)
        share = near[..., 3:]
        trust = np.minimum(share / ENOUGH, 1)
        doubt = _shrunk(guess, size) * (1 - trust)
        yield near[..., :3] / (share + 1e-6) * trust + doubt


def _drift(above, alpha, size, sigma):
    """Three small images (h, w) float32, decimal logarithms of squared colour distances, from ``above``, which is src less
    bgr (h, w, 3): that of src from bgr nearby, the same from bgr as the sure scene around shows it now, and the variance of
    what is between them there."""
    sure = (alpha <= EMPTY).astype(np.float32)
    seen = [sure, *(sure * plane for plane in (*cv2.split(above), _squared(above)))]
    near = [cv2.GaussianBlur(_shrunk(plane, size), (0, 0), sigma) for plane in seen]
    whole = [plane.mean() / (sure.mean() + np.float32(TINY)) for plane in seen]
    *drift, squared = ((part + np.float32(LITTLE) * mean) / (near[0] + np.float32(LITTLE))
                       for part, mean in zip(near[1:], whole[1:]))
    unrest = np.maximum(squared - sum(part * part for part in drift), 0)
    full = above.shape[1::-1]
    drifted = above - cv2.resize(cv2.merge(drift), full, interpolation=cv2.INTER_LINEAR)
    distances = *(cv2.blur(_squared(distance), (NEARBY, NEARBY)) for distance in (above, drifted)), cv2.resize(unrest, full)
    return [np.log10(np.maximum(distance, 0) + np.float32(SLIGHT)) for distance in distances]


def _squared(colours):
    """(h, w, 3) -> (h, w)"""
    return cv2.transform(colours * colours, np.ones((1, 3), np.float32))


def _sampled(planes, rows, columns, size):
    """(C, N): small images (h, w), enlarged bilinearly to ``size`` (height, width), at the pixels named alone."""
    y, x = ((place + np.float32(0.5)) * np.float32(small / side) - np.float32(0.5)
            for place, small, side in zip((rows, columns), planes[0].shape, size))
    found = np.empty((len(planes), len(y)), np.float32)
    for start in range(0, len(y), STEP):
        place = slice(start, min(start + STEP, len(y)))
        for plane, values in zip(planes, found):
            cv2.remap(plane, x[None, place], y[None, place], cv2.INTER_LINEAR, values[None, place], cv2.BORDER_REPLICATE)
    return found
