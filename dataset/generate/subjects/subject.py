"""One subject: what it is, where it stands, how it is lit, and whether it hides in its background."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bgmatting.dataset.generate.paint import colour, noise, optics, photos, texture
from bgmatting.dataset.generate.paint.canvas import Canvas
from bgmatting.dataset.generate.subjects import creature, figure, head, things

KINDS = ("person", "portrait", "group", "animal", "free", "thin", "veil")
SHARE = (0.27, 0.27, 0.09, 0.2, 0.07, 0.06, 0.04)
AREA = (0.025, 0.9)  # share of the image that a subject covers, painted anew beyond
PRINTED = 0.1        # share of subjects that carry a photograph all over
TRIES = 6            # paintings until the area is right
DOWNY = 0.45         # share of animals whose rim fades
CAMOUFLAGE = 0.3     # share of subjects that take colours of the background


def make_subject(rng: np.random.Generator, height: int, width: int, kind: str | None = None, bgr: np.ndarray | None = None,
                 camouflage: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Paint one subject.

    Args:
        rng: numpy Generator; the result depends on it and on the other arguments alone.
        kind: one of ``KINDS``, at random if None; or "curtain", which comes up by name alone.
        bgr: background uint8 (height, width, 3). If given, light and sometimes colours are taken from it.
        camouflage: how likely colours are, 0..1; ``CAMOUFLAGE`` if None.
    Returns pha uint8 (height, width), fgr uint8 RGB (height, width, 3) with colour beyond the outline too.
    """
    kind = KINDS[rng.choice(len(KINDS), p=SHARE)] if kind is None else kind
    scene = None if bgr is None else bgr.astype(np.float32) / 255
    hide = scene is not None and rng.random() < (CAMOUFLAGE if camouflage is None else camouflage)
    tone = colour_of(rng, scene) if hide else None
    for _ in range(TRIES):
        canvas = Canvas(height, width)
        PAINTERS[kind](rng, canvas, tone)
        if AREA[0] <= np.count_nonzero(canvas.rgba[..., 3] > 0.5) / (height * width) <= AREA[1]:
            break
    if kind == "animal" and rng.random() < DOWNY:
        canvas.rgba = optics.downy(rng, canvas.rgba)
    canvas.rgba = optics.soften(rng, canvas.rgba)
    pha, fgr = canvas.finish()
    if rng.random() < PRINTED:
        fgr = fgr + np.float32(rng.uniform(0.3, 0.9)) * (photos.crop(rng, height, width, (0.7, 4)) - fgr)
    fgr = fgr * texture.lighting(rng, height, width)
    if rng.random() < 0.5:
        fgr = fgr * texture.grain(rng, height, width)[..., None]
    fgr = texture.blurred(fgr, rng.uniform(0, 0.6))
    fgr = colour.expose(np.clip(fgr, 0, 1), np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.2)))
    if scene is not None and rng.random() < 0.4:
        fgr = same_light(fgr, scene, rng.uniform(0.2, 0.7))
    if hide:
        fgr = blend_in(rng, fgr, scene)
    return pha, np.round(np.clip(fgr, 0, 1) * 255).astype(np.uint8)


def person(rng: np.random.Generator, canvas: Canvas, tone: np.ndarray | None) -> None:
    """A half or full body."""
    height, width = canvas.size
    full = rng.random() < 0.45
    unit = height * (rng.uniform(0.065, 0.15) if full else rng.uniform(0.15, 0.28))
    x = width * rng.uniform(0.25, 0.75)
    y = height * rng.uniform(0.16, 0.3) if full else unit * rng.uniform(1.3, 1.8)
    one_person(rng, canvas, unit, (x, y), tone)


def portrait(rng: np.random.Generator, canvas: Canvas, tone: np.ndarray | None) -> None:
    """Head and shoulders, or a head that fills the image."""
    height, width = canvas.size
    close = rng.random() < 0.25
    unit = min(height, 1.3 * width) * (rng.uniform(0.55, 0.95) if close else rng.uniform(0.28, 0.5))
    x = width * rng.uniform(0.3, 0.7) + (rng.normal(0, 0.2) * width if close else 0)
    y = height * rng.uniform(0.5, 0.85) if close else unit * rng.uniform(1.35, 1.75)
    one_person(rng, canvas, unit, (x, y), tone)


def group(rng: np.random.Generator, canvas: Canvas, tone: np.ndarray | None) -> None:
    """Two or three people, each before the last."""
    height, width = canvas.size
    count = int(rng.integers(2, 4))
    places = (np.arange(count) + 0.5 + rng.normal(0, 0.15, count)) / count * width
    base = height * rng.uniform(0.09, 0.3)
    for x in rng.permutation(places):
        unit = base * rng.uniform(0.85, 1.2)
        one_person(rng, canvas, unit, (x, unit * rng.uniform(1.4, 1.9)), tone)


def one_person(rng: np.random.Generator, canvas: Canvas, unit: float, origin: Sequence[float],
               tone: np.ndarray | None) -> None:
    """A person whose base of the neck is at ``origin`` (x, y), ``unit`` pixels per head."""
    height, width = canvas.size
    frame = figure.Frame(rng, unit, origin)
    build = figure.Build(rng, height, width, None if tone is None or rng.random() < 0.3 else tone)
    top = head.Head(rng, build.skin, None if tone is None or rng.random() < 0.5 else tone)
    if rng.random() < 0.05:
        things.chair(rng, canvas, unit * 4.5, np.asarray(origin) + (0, 3 * unit))
    head.paint_back(rng, canvas, frame, top)
    before = figure.body(rng, canvas, frame, build)
    head.paint(rng, canvas, frame, top)
    for joints in before:
        figure.arm(rng, canvas, frame, build, joints)


def animal(rng: np.random.Generator, canvas: Canvas, _tone: np.ndarray | None) -> None:
    """One animal, or a second one before it."""
    for _ in range(1 + (rng.random() < 0.12)):
        unit, centre = place(rng, canvas.size, 0.45, 1.05)
        creature.paint(rng, canvas, unit, centre)


def free(rng: np.random.Generator, canvas: Canvas, _tone: np.ndarray | None) -> None:
    """A free form, sometimes with hair or something thin."""
    unit, centre = place(rng, canvas.size, 0.5, 1.3)
    things.free_form(rng, canvas, unit, centre)
    if rng.random() < 0.3:
        things.thin(rng, canvas, unit, centre)


def thin(rng: np.random.Generator, canvas: Canvas, tone: np.ndarray | None) -> None:
    """Thin structures, alone or with somebody."""
    unit, centre = place(rng, canvas.size, 0.6, 1.3)
    if rng.random() < 0.5:
        person(rng, canvas, tone)
    for _ in range(int(rng.integers(1, 3))):
        things.thin(rng, canvas, unit, centre)


def veil(rng: np.random.Generator, canvas: Canvas, tone: np.ndarray | None) -> None:
    """Somebody or something behind see-through cloth."""
    (portrait if rng.random() < 0.6 else free)(rng, canvas, tone)
    unit, centre = place(rng, canvas.size, 0.4, 1.0)
    things.veil(rng, canvas, unit, centre)


def curtain(rng: np.random.Generator, canvas: Canvas, tone: np.ndarray | None) -> None:
    """Somebody behind a tulle curtain."""
    (portrait if rng.random() < 0.6 else person)(rng, canvas, tone)
    things.tulle(rng, canvas)


PAINTERS = dict(zip(KINDS, (person, portrait, group, animal, free, thin, veil)), curtain=curtain)


def place(rng: np.random.Generator, size: tuple[int, int], low: float, high: float) -> tuple[float, tuple[float, float]]:
    """Random (unit in pixels, centre (x, y)) of something; ``low`` and ``high`` bound its size in image sides."""
    height, width = size
    return min(size) * rng.uniform(low, high), (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.35, 0.65))


def colour_of(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """A colour (3,) of the scene near its middle, float32 in 0..1."""
    height, width = scene.shape[:2]
    y, x = int(height * rng.uniform(0.2, 0.8)), int(width * rng.uniform(0.2, 0.8))
    return scene[max(y - 3, 0):y + 4, max(x - 3, 0):x + 4].reshape(-1, 3).mean(0)


def same_light(fgr: np.ndarray, scene: np.ndarray, share: float, pha: np.ndarray | None = None) -> np.ndarray:
    """Draw the mean colour of ``fgr`` towards that of ``scene``, ``share`` 0..1 of the way.

    ``fgr``, ``scene``: float32 (H, W, 3) in 0..1. pha: float32 (H, W), where ``fgr`` counts; None: everywhere.
    """
    own, other = (image[::8, ::8].reshape(-1, 3).mean(0) + 0.02 for image in (fgr, scene))
    if pha is not None:
        own = np.average(fgr.reshape(-1, 3), axis=0, weights=pha.ravel() + np.float32(1e-6)).astype(np.float32) + 0.02
    return np.clip(fgr * np.clip(other / own, 0.3, 3) ** np.float32(share), 0, 1)


def blend_in(rng: np.random.Generator, fgr: np.ndarray, scene: np.ndarray, part: np.ndarray | None = None,
             detail: float = 1.0) -> np.ndarray:
    """Give parts of ``fgr`` the broad colours of ``scene`` behind them; the fine texture of the subject stays.

    Args:
        fgr, scene: float32 (H, W, 3) in 0..1.
        part: how much of each pixel, float32 (H, W) in 0..1; None: drawn.
        detail: how much of the fine texture stays, 0..1.
    """
    height, width = fgr.shape[:2]
    sigma = min(height, width) * rng.uniform(0.01, 0.08)
    soft = texture.blurred(fgr, sigma)
    broad = texture.blurred(scene, sigma) - soft
    if detail < 1:
        broad = broad - np.float32(1 - detail) * (fgr - soft)
    if part is None:
        bias = rng.uniform(0, 0.9) if rng.random() < 0.85 else 1.5  # all of it
        part = np.clip(bias + rng.uniform(0.5, 2) * noise.smooth(rng, height, width, rng.uniform(1, 4)), 0, 1)
        part = part * np.float32(rng.uniform(0.7, 1.0))
    share = part[..., None]
    offset = rng.normal(0, rng.choice((0.015, 0.04, 0.08)), 3).astype(np.float32)
    if rng.random() < 0.25:  # the same stuff as the background, from another place
        return np.clip(fgr + share * (scene[:, ::-1] + offset - fgr), 0, 1)
    return np.clip(fgr + share * (broad + offset), 0, 1)
