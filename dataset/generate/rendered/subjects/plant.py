"""Plants: branches that fork, leaves of several shapes, grass, fern and flowers, with light through the leaves."""
import numpy as np

from bgmatting.dataset.generate.rendered.blender.material import Material, linear, plain
from bgmatting.dataset.generate.rendered.blender.scene import add_ball, add_mesh, add_strands, add_tube, grid_faces
from bgmatting.dataset.generate.rendered.body.geometry import UP, unit

FORMS = ("bush", "fern", "grass", "twig", "flowers")


def leaf_material(rng, colour=None):
    """A leaf: green, some autumn, shining a little, and letting light through."""
    material = Material("leaf")
    green = np.array((rng.uniform(30, 110), rng.uniform(70, 140), rng.uniform(20, 60)))
    shade = colour if colour is not None else green if rng.random() < 0.8 else rng.uniform((120, 40, 15), (190, 130, 40))
    spots = material.noise(30.0, 3.0)
    mixed = material.mix(spots, linear(shade), linear(np.asarray(shade) * 0.7))
    face = material.node("BsdfPrincipled", {"Base Color": mixed, "Roughness": float(rng.uniform(0.35, 0.6))})
    through = material.node("BsdfTranslucent", {"Color": linear(np.clip(np.asarray(shade) * (1.2, 1.25, 0.8), 0, 255))})
    return material.finish(material.node("MixShader", {0: 0.35, 1: face.outputs[0], 2: through.outputs[0]}).outputs[0])


class Leaves:
    """Leaves gathered into one mesh."""

    def __init__(self, shape):
        """``shape`` is the width along a leaf: 0 a lens, 1 a heart, 2 a strap."""
        share = np.linspace(0, 1, 8)
        self.share = share
        widths = (np.sin(np.pi * share) ** 0.8, np.sin(np.pi * share ** 0.55),
                  np.clip(4 * share, 0.4, 1) * (1 - share ** 4))
        self.width = np.clip(widths[shape], 0.01, None)
        self.rows = []

    def add(self, start, way, normal, length, wide, droop):
        """A leaf from ``start`` along ``way``, bent down by ``droop`` times its length."""
        way, side = unit(way), unit(np.cross(way, normal))
        share = self.share[:, None]
        middle = start + way * share * length - UP * droop * length * share ** 2
        fold = np.cross(side, way) * 0.12 * wide
        half = side * (self.width * wide / 2)[:, None]
        self.rows.append(np.stack([middle - half + fold, middle, middle + half + fold], 1))

    def build(self, material):
        """Put them into the scene; returns all their points."""
        points = np.stack(self.rows)
        one = np.array(grid_faces(len(self.share), 3))
        faces = (one[None] + (np.arange(len(points)) * 3 * len(self.share))[:, None, None]).reshape(-1, 4)
        points = points.reshape(-1, 3)
        add_mesh("leaves", points, faces.tolist(), [material], subdivide=1)
        return points


def _branch(rng, start, way, length, radius, depth, bark, tips):
    """A branch with its forks; ``tips`` collects (place, direction) where leaves grow."""
    steps = 12
    line, heading = [start], unit(way)
    for _ in range(steps):
        heading = unit(heading + rng.normal(0, 0.12, 3) + UP * 0.03)
        line.append(line[-1] + heading * length / steps)
        if depth <= 1:
            tips.append((line[-1], heading))
    add_tube("branch", np.stack(line), np.linspace(radius, radius * 0.5, steps + 1), bark)
    if depth:
        for _ in range(rng.integers(2, 5)):
            place = rng.integers(steps // 3, steps)
            side = unit(heading + rng.normal(0, 0.8, 3))
            _branch(rng, line[place], side, length * rng.uniform(0.45, 0.75), radius * 0.55, depth - 1, bark, tips)


def _bush(rng, leafy=True):
    """Forking branches, with leaves or nearly bare."""
    tips = []
    bark = plain("bark", rng.uniform((50, 36, 26), (110, 90, 70)), 0.8)
    for _ in range(rng.integers(2, 5) if leafy else 1):
        start, way = rng.normal(0, 0.02, 3) * [1, 1, 0], np.append(rng.normal(0, 0.5, 2), 1)
        _branch(rng, start, way, rng.uniform(0.3, 0.5), 0.009, 2, bark, tips)
    leaves = Leaves(int(rng.integers(0, 3)))
    size, share = rng.uniform(0.03, 0.09), 0.9 if leafy else 0.12
    wide = rng.uniform(0.3, 0.7) if leaves.width[1] < 0.9 else 0.2
    for place, heading in tips:
        for _ in range(2):
            if rng.random() < share:
                way = heading + rng.normal(0, 0.9, 3)
                length = size * rng.uniform(0.6, 1.3)
                leaves.add(place, way, UP + rng.normal(0, 0.5, 3), length, length * wide, rng.uniform(0, 0.5))
    points = leaves.build(leaf_material(rng)) if leaves.rows else np.zeros((0, 3))
    return np.concatenate([points, np.array([place for place, _ in tips])])


def _fern(rng):
    """Fronds with many small leaflets in rows."""
    leaves, stem = Leaves(0), plain("stem", (86, 92, 46), 0.6)
    for angle in np.linspace(0, 2 * np.pi, rng.integers(5, 12), endpoint=False):
        angle = angle + rng.normal(0, 0.2)
        out = np.array([np.cos(angle), np.sin(angle), rng.uniform(0.8, 2.2)])
        share = np.linspace(0, 1, 40)[:, None]
        length = rng.uniform(0.35, 0.7)
        line = unit(out) * share * length + np.array([out[0], out[1], -1.4]) * 0.4 * length * share ** 2.2
        add_tube("frond", line, np.linspace(0.0025, 0.0006, 40), stem)
        across = unit(np.cross(out, UP))
        for place in range(4, 40):
            small = 0.11 * length / 0.5 * np.sin(np.pi * (0.12 + 0.86 * place / 40)) + 0.006
            along = unit(line[place] - line[place - 1])
            for side in (-1, 1):
                leaves.add(line[place], across * side + along * 0.5 + rng.normal(0, 0.06, 3), UP, small, small * 0.24, 0.15)
    return leaves.build(leaf_material(rng))


def _grass(rng):
    """A tuft of blades, some with seeds as thin as hair."""
    count, steps = int(rng.integers(150, 500)), 16
    share = np.linspace(0, 1, steps)[None, :, None]
    roots = rng.normal(0, 0.04, (count, 1, 3)) * [1, 1, 0]
    lean = rng.normal(0, 0.35, (count, 1, 3)) * [1, 1, 0]
    length = rng.uniform(0.25, 0.6, (count, 1, 1))
    blades = roots + (UP + lean * share - UP * 0.25 * np.linalg.norm(lean, axis=2, keepdims=True) * share) * share * length
    add_strands("grass", blades, rng.uniform(0.0008, 0.002), leaf_material(rng))
    chosen = blades[rng.choice(count, min(count, 60), replace=False)]
    tips = np.repeat(chosen[:, -1], 30, 0)
    way = unit(rng.normal(0, 0.6, (len(tips), 1, 3)) + UP * 0.8)
    seeds = tips[:, None] + rng.normal(0, 0.012, (len(tips), 1, 3)) + way * np.linspace(0, 1, 5)[None, :, None] * 0.02
    add_strands("seeds", seeds, 0.0003, plain("seed", (170, 146, 96), 0.7))
    return np.concatenate([blades.reshape(-1, 3), seeds.reshape(-1, 3)])


def _flowers(rng):
    """A bunch of flowers on thin stems."""
    stem, leaf = plain("stem", (70, 96, 44), 0.6), leaf_material(rng)
    petals, leaves, found = Leaves(int(rng.integers(0, 2))), Leaves(0), []
    colour = rng.uniform(40, 225, 3)
    for _ in range(rng.integers(4, 14)):
        lean = np.array([rng.normal(0, 0.3), rng.normal(0, 0.3), 1])
        length, share = rng.uniform(0.3, 0.55), np.linspace(0, 1, 16)[:, None]
        line = unit(lean) * share * length + np.array([lean[0], lean[1], 0]) * 0.12 * share ** 2
        add_tube("stem", line, 0.0016, stem)
        head, axis = line[-1], unit(line[-1] - line[-3])
        first = unit(np.cross(axis, [0.3, 0.6, 0.2]))
        size = rng.uniform(0.02, 0.05)
        for angle in np.linspace(0, 2 * np.pi, rng.integers(5, 16), endpoint=False):
            way = first * np.cos(angle) + np.cross(axis, first) * np.sin(angle) + axis * rng.uniform(0.1, 0.6)
            petals.add(head, way, axis, size * rng.uniform(0.85, 1.1), size * 0.4, 0.1)
        add_ball("centre", head, size * 0.22, plain("centre", (176, 132, 40), 0.8))
        for _ in range(3):
            leaves.add(line[rng.integers(3, 13)], rng.normal(0, 1, 3), UP, 0.07, 0.02, 0.3)
        found.append(line)
    return np.concatenate([petals.build(leaf_material(rng, colour)), leaves.build(leaf), *found])


def add_plant(rng):
    """A plant in the scene: its points (V, 3), the side it shows (3,), and what it is, a dict."""
    form = str(rng.choice(FORMS, p=[0.3, 0.2, 0.2, 0.12, 0.18]))
    if form == "twig":
        points = _bush(rng, leafy=False)
    else:
        points = {"bush": _bush, "fern": _fern, "grass": _grass, "flowers": _flowers}[form](rng)
    return points, np.array([0, -1.0, 0]), {"form": form}
