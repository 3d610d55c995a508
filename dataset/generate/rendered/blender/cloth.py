"""Materials of cloth: quiet colours, few patterns, folds, weave; and cloth with holes: lace, tulle, knit."""
import numpy as np

from bgmatting.dataset.generate.rendered.blender.material import Material, linear

# What most clothes are: near black, greys, white, navy, denim, beige, brown, olive, wine, and some brighter ones.
COLOURS = np.array([
    (26, 26, 30), (54, 56, 60), (110, 112, 114), (168, 168, 166), (214, 212, 206), (30, 38, 62), (52, 70, 104),
    (98, 122, 152), (182, 166, 140), (206, 194, 172), (98, 74, 54), (64, 48, 38), (82, 86, 58), (108, 36, 46),
    (150, 60, 52), (56, 92, 78), (188, 148, 70), (160, 122, 140), (120, 150, 170), (196, 176, 180)], float)
CHANCES = np.array([9, 8, 7, 6, 9, 8, 7, 5, 6, 5, 4, 3, 4, 3, 2, 3, 2, 2, 3, 2], float)
PATTERNS = {"plain": 0.6, "heather": 0.12, "denim": 0.09, "stripe": 0.08, "plaid": 0.06, "dots": 0.03, "blotch": 0.02}


def draw_colour(rng, loud=0.08):
    """A colour of cloth (3,), sRGB 0..255; rarely a loud one."""
    if rng.random() < loud:
        return rng.uniform(10, 235, 3)
    shade = COLOURS[rng.choice(len(COLOURS), p=CHANCES / CHANCES.sum())]
    return np.clip(shade * rng.uniform(0.8, 1.15) + rng.normal(0, 6, 3), 8, 228)


def _pattern(rng, material, kind, first, second):
    """The colour of the cloth as a socket."""
    spot, scale = material.spot(), rng.uniform(10, 45)
    if kind == "stripe":
        axis = str(rng.choice(["X", "Z", "Z"]))
        wave = material.node("TexWave", {"Vector": spot, "Scale": scale * 0.5}, bands_direction=axis)
        share = material.math("GREATER_THAN", wave.outputs["Fac"], float(rng.uniform(0.4, 0.8)))
    elif kind == "plaid":
        waves = [material.node("TexWave", {"Vector": spot, "Scale": scale * 0.3}, bands_direction=axis).outputs["Fac"]
                 for axis in "XZ"]
        share = material.math("MULTIPLY", material.math("ADD", *waves), 0.5)
    elif kind == "dots":
        cells = material.node("TexVoronoi", {"Vector": spot, "Scale": scale * 1.5})
        share = material.math("LESS_THAN", cells.outputs[0], 0.26)
    elif kind == "blotch":
        share = material.math("GREATER_THAN", material.noise(scale * 0.4, 4.0, distortion=1.5), 0.55)
    elif kind == "heather":
        share = material.ramp(material.noise(420.0, 2.0), 0.3, 0.7)
    elif kind == "denim":
        share = material.math("MULTIPLY", material.ramp(material.noise(300.0, 2.0), 0.3, 0.7), material.noise(7.0, 3.0))
    else:
        share = material.math("MULTIPLY", material.noise(6.0, 5.0), 0.5)
    return material.mix(share, linear(first), linear(second))


def folds(rng, material, depth):
    """A normal with creases that run mostly downwards, fine ones over broad ones, and the weave 0..1: two sockets."""
    tall = material.stretched((1.0, 1.0, float(rng.uniform(0.25, 0.6))))
    broad = material.noise(float(rng.uniform(9, 16)), 2.0, tall, 0.8)
    crease = material.math("SUBTRACT", material.noise(float(rng.uniform(14, 24)), 3.0, tall, 1.4), 0.5)
    crease = material.math("ABSOLUTE", crease)
    normal = material.bump(broad, 0.05 * depth, 0.8)
    normal = material.bump(crease, 0.02 * depth, 0.7, normal)
    weave = material.node("TexVoronoi", {"Vector": material.spot(), "Scale": float(rng.uniform(500, 1100))}).outputs[0]
    return material.bump(weave, 0.0012, 0.3, normal), weave


def cloth(rng, colour=None, depth=None):
    """An opaque cloth. ``depth`` is how strong its creases are, 1 as usual."""
    material = Material("cloth")
    first = draw_colour(rng) if colour is None else np.asarray(colour, float)
    kind = str(rng.choice(list(PATTERNS), p=list(PATTERNS.values())))
    if kind == "denim":
        first = np.array((52, 68, 98)) * rng.uniform(0.5, 1.4)
    calm = kind in ("plain", "heather", "denim")
    second = first * rng.uniform(0.72, 0.9) if calm else first * 0.4 + 0.6 * draw_colour(rng)
    shade = _pattern(rng, material, kind, first, second)
    normal, weave = folds(rng, material, rng.uniform(0.5, 1.2) if depth is None else depth)
    glow = material.math("ADD", material.math("MULTIPLY", weave, float(rng.uniform(0.1, 0.5))), 0.8)
    shader = material.node("BsdfPrincipled", {
        "Base Color": shade, "Roughness": float(rng.choice([0.45, 0.75, 0.9], p=[0.08, 0.3, 0.62])),
        "Specular IOR Level": float(rng.uniform(0.1, 0.3)),
        "Sheen Weight": float(rng.uniform(0, 0.2)), "Sheen Roughness": 0.45,
        "Normal": normal})
    return material.finish(shader.outputs[0], glow=glow)


def leather(rng, colour=None):
    """Leather or rubber of shoes and bags."""
    material = Material("leather")
    shade = draw_colour(rng, 0.15) if colour is None else colour
    grain = material.node("TexVoronoi", {"Vector": material.spot(), "Scale": 420.0}).outputs[0]
    shader = material.node("BsdfPrincipled", {
        "Base Color": linear(shade), "Roughness": float(rng.uniform(0.3, 0.6)), "Normal": material.bump(grain, 0.001, 0.4)})
    return material.finish(shader.outputs[0])


def _cells(material, scale):
    """How far a place is from the edge of its cell, for threads along the edges; ``scale`` cells per metre."""
    inputs = {"Vector": material.spot(), "Scale": float(scale)}
    return material.node("TexVoronoi", inputs, feature="DISTANCE_TO_EDGE").outputs[0]


def holed(rng, kind, colour=None):
    """Cloth that the background shows through: ``tulle`` (a thin even veil), ``lace`` (flowers of thread) or ``knit``."""
    material = Material(kind)
    shade = draw_colour(rng, 0.1) if colour is None else colour
    if kind == "tulle":
        uneven = material.math("MULTIPLY", material.noise(60.0, 2.0), 0.12)
        solid = material.math("ADD", uneven, float(rng.uniform(0.12, 0.45)))
    elif kind == "lace":
        flowers = _cells(material, rng.uniform(18, 34))
        petals = material.math("ABSOLUTE", material.math("SUBTRACT", flowers, 0.17))
        petals = material.math("LESS_THAN", petals, 0.09)
        mesh = material.math("LESS_THAN", _cells(material, rng.uniform(150, 260)), 0.055)
        solid = material.math("MAXIMUM", material.math("MULTIPLY", petals, 0.92), material.math("MULTIPLY", mesh, 0.85))
    else:
        solid = material.math("LESS_THAN", _cells(material, rng.uniform(45, 90)), float(rng.uniform(0.14, 0.24)))
    inside = material.node("BsdfTranslucent", {"Color": linear(shade)})
    face = material.node("BsdfDiffuse", {"Color": linear(shade)})
    both = material.node("MixShader", {0: 0.35, 1: face.outputs[0], 2: inside.outputs[0]})
    return material.finish(both.outputs[0], solid=solid)
